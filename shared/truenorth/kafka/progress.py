"""How far a reader is, in figures that a probe can judge."""

from collections.abc import Iterable, Mapping
from typing import Final

from truenorth.clock import Clock

Place = tuple[str, int]
"""Full topic name and partition number."""

STUCK_S_MAX: Final = 60.0


class Progress:
    """Positions and ends of the assigned partitions. All offsets are "next": the one that is read next."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._positions: dict[Place, int] = {}
        self._ends: dict[Place, int] = {}
        self._targets: dict[Place, int] = {}
        self._moved_at_s = clock.monotonic()
        self._assigned = False

    @property
    def lag_records(self) -> int:
        """Offsets between the positions and the ends as last asked for."""
        return sum(max(0, end - self._positions.get(place, 0)) for place, end in self._ends.items())

    @property
    def caught_up(self) -> bool:
        """Whether everything was read that lay in the assigned partitions when they were assigned."""
        return self._assigned and not self._targets

    @property
    def stuck_for_s(self) -> float:
        """Seconds without a step although there is something to read; 0 while there is nothing."""
        return self._clock.monotonic() - self._moved_at_s if self.lag_records else 0.0

    @property
    def positions(self) -> Mapping[Place, int]:
        """The next offset of each assigned partition."""
        return self._positions

    def assigned(self, positions: Mapping[Place, int], ends: Mapping[Place, int]) -> None:
        """Begin anew with these partitions; ``ends`` are what `caught_up` waits for."""
        self._positions = dict(positions)
        self._ends = dict(ends)
        self._targets = {place: end for place, end in ends.items() if positions[place] < end}
        self._moved_at_s = self._clock.monotonic()
        self._assigned = True

    def unassigned(self) -> None:
        """Forget all partitions."""
        self.assigned({}, {})
        self._assigned = False

    def moved(self, positions: Iterable[tuple[Place, int]]) -> None:
        """Note new positions of partitions that are assigned."""
        for place, position in positions:
            if place not in self._positions or position == self._positions[place]:
                continue
            self._positions[place] = position
            self._moved_at_s = self._clock.monotonic()
            if position >= self._targets.get(place, position + 1):
                del self._targets[place]

    def ends_known(self, ends: Mapping[Place, int]) -> None:
        """Note fresh end offsets; the waiting counts from the moment that there is something to read."""
        if not self.lag_records:
            self._moved_at_s = self._clock.monotonic()
        self._ends = {place: end for place, end in ends.items() if place in self._positions}
