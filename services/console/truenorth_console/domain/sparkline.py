"""The geometry of the small curve of an account's score: pure numbers, drawn as inline SVG by the templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from truenorth import words

from truenorth_console.domain.days import Day

DAYS_SHOWN: Final = 90
SPAN_POINTS_MIN: Final = 30.0
"""A curve is never stretched so far that fewer points than these fill its height: noise must look like noise."""
_EDGE_PX: Final = 3.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a band begins, as a dotted line at height ``y``."""

    band: Literal["red", "yellow"]
    y: float


@dataclass(frozen=True, slots=True)
class Spark:
    """A drawn curve: one polyline per unbroken run of days, the newest point, the cuts that lie inside."""

    width: int
    height: int
    lines: list[str]
    end: tuple[float, float]
    cuts: list[Cut]
    label: str


def draw(
    days: Mapping[int, Day],
    today: int,
    *,
    cut_red: float,
    cut_yellow: float,
    width: int = 112,
    height: int = 30,
) -> Spark | None:
    """Return the curve of the last `DAYS_SHOWN` days up to ``today`` (an epoch day); None without any score."""
    first = today - DAYS_SHOWN + 1
    known = {day: point.score for day, point in days.items() if first <= day <= today and point.score is not None}
    if not known:
        return None
    low, high = _range(list(known.values()))
    inner = height - 2 * _EDGE_PX

    def x_of(day: int) -> float:
        return (day - first) / (DAYS_SHOWN - 1) * (width - _EDGE_PX)

    def y_of(score: float) -> float:
        return _EDGE_PX + (high - score) / (high - low) * inner

    lines = [" ".join(f"{x_of(day):.1f},{y_of(known[day]):.1f}" for day in run) for run in _runs(sorted(known))]
    last, begin = max(known), min(known)
    cuts: list[Cut] = []
    if low < cut_red < high:
        cuts.append(Cut("red", round(y_of(cut_red), 1)))
    if low < cut_yellow < high:
        cuts.append(Cut("yellow", round(y_of(cut_yellow), 1)))
    span = words.days(last - begin + 1)
    label = f"score over {span}, from {words.shown(known[begin])} to {words.shown(known[last])}"
    return Spark(width, height, lines, (round(x_of(last), 1), round(y_of(known[last]), 1)), cuts, label)


def _range(scores: list[float]) -> tuple[float, float]:
    low, high = min(scores) - 2, max(scores) + 2
    missing = SPAN_POINTS_MIN - (high - low)
    if missing > 0:
        low, high = low - missing / 2, high + missing / 2
    if low < 0:
        low, high = 0.0, max(high, SPAN_POINTS_MIN)
    if high > 100:
        low, high = min(low, 100 - SPAN_POINTS_MIN), 100.0
    return low, high


def _runs(days: list[int]) -> list[list[int]]:
    """Split sorted days where more than two in a row are missing: a hole is shown as a hole."""
    runs: list[list[int]] = []
    for day in days:
        if runs and day - runs[-1][-1] <= 3:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
