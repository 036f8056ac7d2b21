"""When there are too many records that cannot be processed."""

from truenorth.errors import HaltError


class DeadLetterLimits:
    """Counts per partition. When nearly everything is poison the program is wrong, not the records.

    ``in_row`` outlives a restart (it stands in the position record): a program that halted and is started again and
    again must not park a portion each time.
    """

    def __init__(self, *, in_row_max: int, ratio_max: float, window: int, in_row: int = 0) -> None:
        self.in_row = in_row
        self._in_row_max = in_row_max
        self._ratio_max = ratio_max
        self._window = window
        self._good = 0
        self._dead = 0

    def good(self, count: int) -> None:
        """Note records that could be processed."""
        if count:
            self.in_row = 0
            self._good += count
            self._age()

    def dead(self, place: str, reason: str) -> None:
        """Note one that could not.

        Raises:
            HaltError: there are too many; nothing is drained.
        """
        self.in_row += 1
        self._dead += 1
        if self.in_row > self._in_row_max:
            raise HaltError(f"{self.in_row} records in a row of {place} cannot be processed; the last: {reason}")
        seen = self._good + self._dead
        if seen >= self._window and self._dead > self._ratio_max * seen:
            raise HaltError(f"{self._dead} of the last {seen} records of {place} cannot be processed: {reason}")
        self._age()

    def _age(self) -> None:
        if self._good + self._dead >= 2 * self._window:
            self._good //= 2
            self._dead //= 2
