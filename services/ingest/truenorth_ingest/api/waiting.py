"""How many bytes of bodies are in work, so that no number of senders takes more memory than was given."""

from collections.abc import Callable

from truenorth.errors import RefusedError


class Waiting:
    """How many bytes of bodies are in work, and how many of them are from senders who are not known yet."""

    def __init__(self, *, bytes_max: int, unknown_bytes_max: int, told: Callable[[int], None]) -> None:
        self._bytes_max = bytes_max
        self._unknown_bytes_max = unknown_bytes_max
        self._told = told
        self._bytes = 0
        self._unknown_bytes = 0

    def change(self, by_bytes: int, *, unknown: bool) -> None:
        """Count bytes, or count them off.

        Raises:
            RefusedError: ``too_much_waiting``; nothing was counted.
        """
        total = self._bytes + by_bytes
        strange = self._unknown_bytes + (by_bytes if unknown else 0)
        if by_bytes > 0 and (total > self._bytes_max or (unknown and strange > self._unknown_bytes_max)):
            raise RefusedError(
                "too_much_waiting", "too much is waiting for the broker; nothing was taken, send it again"
            )
        self._bytes = total
        self._unknown_bytes = strange
        self._told(total)

    def known(self, by_bytes: int) -> None:
        """Take note that so many of the bytes are from somebody known."""
        self._unknown_bytes -= by_bytes


class Held:
    """The bytes of one request that are counted."""

    __slots__ = ("_bytes", "_waiting", "unknown")

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._bytes = 0
        self.unknown = False

    def begin(self, body_bytes: int, *, unknown: bool) -> None:
        """Count what is announced, or may come unannounced."""
        self.unknown = unknown
        self.more(body_bytes)

    def more(self, body_bytes: int) -> None:
        """Count further bytes; see `Waiting.change`."""
        self._waiting.change(body_bytes, unknown=self.unknown)
        self._bytes += body_bytes

    def at_least(self, body_bytes: int) -> None:
        """Count what came beyond what is counted."""
        if body_bytes > self._bytes:
            self.more(body_bytes - self._bytes)

    def exactly(self, body_bytes: int) -> None:
        """Count what is there, now that all of it is."""
        self.more(body_bytes - self._bytes)

    def known(self) -> None:
        """Take note that the sender is known now."""
        if self.unknown:
            self._waiting.known(self._bytes)
            self.unknown = False

    def end(self) -> None:
        """Count everything off."""
        self.exactly(0)
