"""Up to which moment everything that the broker took in has been read.

A decision is made as of that moment, not of the wall clock: while a worker is behind, what it has not read yet is not
silence. Live, the moment lags the clock by a fraction of a second.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from truenorth.streams.log import Place

AIMS_MAX: Final = 64


class ReadUntil:
    """The moment (epoch ms, -1 before the first) for one partition number, and the ends that prove later ones."""

    def __init__(self) -> None:
        self.ms = -1
        self._aims: deque[tuple[int, Mapping[Place, int]]] = deque()

    @property
    def waiting(self) -> bool:
        """Whether a later moment waits for its ends to be reached."""
        return bool(self._aims)

    def aim(self, moment_ms: int, ends: Mapping[Place, int]) -> None:
        """Note the ends of all sources, asked for after ``moment_ms``."""
        if self._aims and self._aims[-1][1] == ends:
            self._aims.pop()  # nothing came since: the later moment is as good
        elif len(self._aims) >= AIMS_MAX:
            self._aims = deque(list(self._aims)[1::2])  # far behind: every other will do
        self._aims.append((moment_ms, ends))

    def see(self, positions: Mapping[Place, int]) -> None:
        """Note how far the sources have been read."""
        while self._aims:
            moment_ms, ends = self._aims[0]
            if any(positions.get(place, -1) < end for place, end in ends.items()):
                break
            self.ms = max(self.ms, moment_ms)
            self._aims.popleft()
