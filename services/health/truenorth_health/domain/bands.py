"""Bands with hysteresis and hold: another cut on the way in than on the way out."""

from dataclasses import dataclass

from truenorth.definitions.model import Bands
from truenorth.events.health import Band


def asked(bands: Bands, current: str, score: float) -> Band:
    """Return the band a score asks for, given the band it is in (empty or ``unknown``: none)."""
    if score < (bands.red.leave if current == "red" else bands.red.enter):
        return "red"
    if score < (bands.yellow.leave if current in {"red", "yellow"} else bands.yellow.enter):
        return "yellow"
    return "green"


@dataclass(frozen=True, slots=True)
class Step:
    """The band now; ``leaving_ms`` since when the score asks for another one; ``due_ms`` when that is granted."""

    band: Band
    leaving_ms: int | None = None
    due_ms: int | None = None


def step(
    bands: Bands, hold_ms: int, *, current: str, leaving_ms: int | None, score: float | None, now_ms: int, at_once: bool
) -> Step:
    """Return the next step. No score is ``unknown`` at once; a first band, or one out of it, is not held either."""
    if score is None:
        return Step("unknown")
    wanted = asked(bands, current, score)
    if wanted == current or current in {"", "unknown"} or at_once or hold_ms == 0:
        return Step(wanted)
    since = now_ms if leaving_ms is None else leaving_ms
    if now_ms - since >= hold_ms:
        return Step(wanted)
    kept: Band = "red" if current == "red" else "yellow" if current == "yellow" else "green"
    return Step(kept, since, since + hold_ms)
