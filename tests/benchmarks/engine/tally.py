"""What every contestant in Python measures itself with: from its first event to its last, clock and processor."""

import json
import os
import sys
from typing import Any

from truenorth.clock import SystemClock

from tests.benchmarks.figures import cpu_seconds


class Tally:
    """Counts events; ``told`` has the figures once there were ``events``. The first event starts the clock."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._clock = SystemClock()
        self._began: tuple[float, float] | None = None
        self.seen = 0
        self.told: dict[str, Any] = {}

    def begin(self) -> None:
        """Start the clock, unless it runs."""
        if self._began is None:
            self._began = self._clock.monotonic(), cpu_seconds(os.getpid())

    def add(self, count: int) -> bool:
        """Count events; True once, when that were all."""
        self.begin()
        before, self.seen = self.seen, self.seen + count
        if not before < self._events <= self.seen:
            return False
        assert self._began is not None
        seconds = self._clock.monotonic() - self._began[0]
        self.told = figures(self.seen, seconds, cpu_seconds(os.getpid()) - self._began[1])
        return True


def figures(events: int, seconds: float, cpu: float) -> dict[str, Any]:
    """Return what every contestant tells; times are known to a hundredth of a second."""
    return {
        "events": events,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "events_per_second": round(events / max(seconds, 0.01)),
        "events_per_cpu_second": round(events / max(cpu, 0.01)),
    }


def tell(told: dict[str, Any]) -> None:
    """Print one line of JSON, at once."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
