"""When a connector has been quiet for too long, from how long it is quiet usually.

Most connectors are busy by day and quiet by night and at weekends. The usual gap is therefore that in which a moment
of the last days lies on average (long gaps count by their length), not the mean of all gaps, which bursts make tiny.
"""

from math import exp
from typing import Final, NamedTuple

from truenorth.definitions.intake import Connector

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
FIRST_GAP_MS: Final = DAY_MS
"""What is taken for usual of a connector that was never heard before."""
MEMORY_MS: Final = 2 * DAY_MS
GAPS: Final = 10
LIMIT_MS_MIN: Final = HOUR_MS
LIMIT_MS_MAX: Final = 14 * DAY_MS

_UNIT_MS: Final = {"s": 1000, "m": 60_000, "h": HOUR_MS, "d": DAY_MS, "bd": DAY_MS}


class Heard(NamedTuple):
    """When a connector was last heard, and its usual gap."""

    last_ms: int
    gap_ms: int


class Window(NamedTuple):
    """What was heard of a connector in some while: how often, first and last when."""

    times: int
    first_ms: int
    last_ms: int

    def joined(self, now_ms: int) -> "Window":
        """Return the window with one more heard now."""
        return Window(self.times + 1, min(self.first_ms, now_ms), max(self.last_ms, now_ms))


def heard(before: Heard | None, window: Window) -> Heard:
    """Return what is known after a window; ``before`` is None for a connector that was never heard."""
    if before is None:
        before = Heard(window.first_ms, FIRST_GAP_MS)
    gap_ms = _moved(float(before.gap_ms), window.first_ms - before.last_ms, window.first_ms - before.last_ms)
    if window.times > 1:
        span_ms = window.last_ms - max(window.first_ms, before.last_ms)
        gap_ms = _moved(gap_ms, span_ms / (window.times - 1), span_ms)
    return Heard(max(before.last_ms, window.last_ms), round(gap_ms))


def limit_ms(connector: Connector, known: Heard) -> int:
    """Return how long a connector may be quiet: as its definition says, or ten times its usual gap within bounds."""
    if connector.silent_after is not None:
        digits = connector.silent_after.rstrip("smhbd")
        return int(digits) * _UNIT_MS[connector.silent_after[len(digits) :]]
    return min(max(GAPS * known.gap_ms, LIMIT_MS_MIN), LIMIT_MS_MAX)


def silent_ms(connector: Connector, known: Heard, now_ms: int) -> int:
    """Return for how long a connector has been quiet, when that is too long; else 0."""
    quiet_ms = now_ms - known.last_ms
    return quiet_ms if quiet_ms > limit_ms(connector, known) else 0


def _moved(usual_ms: float, gap_ms: float, lasted_ms: float) -> float:
    """Return the usual gap after gaps of this length that together lasted so long."""
    if lasted_ms <= 0:
        return usual_ms
    return usual_ms + (1 - exp(-lasted_ms / MEMORY_MS)) * (gap_ms - usual_ms)
