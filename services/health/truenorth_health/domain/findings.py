"""Named findings: conditions that open and clear, with their evidence in words."""

from collections.abc import Mapping
from typing import Final, Literal

from truenorth import words
from truenorth.events.health import Finding

from truenorth_health.domain.limits import DAY_MS
from truenorth_health.domain.parts import Engagements
from truenorth_health.domain.state import AccountState

_GREEN: Final = 75.0
_RED: Final = 40.0
_SLACK: Final = 5.0
"""An open watermelon stays open this far past its cuts, so that it does not flap."""
_AGAINST: Final = ("sentiment", "support", "billing")

_NAMES: Final[dict[str, tuple[str, Literal["red", "yellow", "green"]]]] = {
    "watermelon": ("watermelon", "yellow"),
    "champion_gone": ("champion left", "red"),
    "no_recent_data": ("no recent data", "yellow"),
}


def evidence(
    state: AccountState,
    dimensions: Mapping[str, float | None],
    *,
    coverage: float,
    floor: float,
    is_open: Mapping[str, int],
    now_ms: int,
) -> dict[str, str]:
    """Return the findings that hold now, each with its evidence."""
    found: dict[str, str] = {}
    red = watermelon_reds(dimensions, was_open="watermelon" in is_open)
    if red:
        usage = dimensions.get("usage") or 0.0
        parts = [f"{name} {words.shown(dimensions[name] or 0.0)}" for name in red]
        found["watermelon"] = ", ".join([f"usage {words.shown(usage)}", *parts])
    engagements = state.read(Engagements)
    left_ms = engagements.left.get("champion", (0, ""))[0]
    if left_ms > engagements.champion_met_ms:
        found["champion_gone"] = f"left {words.days((now_ms - left_ms) // DAY_MS)} ago"
    if coverage < floor:
        found["no_recent_data"] = f"{words.percent(coverage * 100)} of its data is fresh"
    return found


def watermelon_reds(dimensions: Mapping[str, float | None], *, was_open: bool) -> list[str]:
    """Return the dimensions that are red while usage is green, worst first; empty when it is no watermelon."""
    slack = _SLACK if was_open else 0.0
    usage = dimensions.get("usage")
    if usage is None or usage < _GREEN - slack:
        return []
    red = [(score, name) for name in _AGAINST if (score := dimensions.get(name)) is not None and score < _RED + slack]
    return [name for _, name in sorted(red)]


def finding(name: str, opened_ms: int, words_for_it: str) -> Finding:
    """Return the published form of an open finding."""
    shown, severity = _NAMES[name]
    return Finding(name, shown, severity, opened_ms, words_for_it)
