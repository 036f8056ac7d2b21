"""Signals of sentiment: what they answered, and what the CSM says of them."""

from typing import Final

from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX, NPS_DAYS_VALID
from truenorth_health.domain.moment import Moment
from truenorth_health.domain.parts import Actions, Surveys

ANSWERS: Final[tuple[str, ...]] = (
    "nps",
    "nps_mean",
    "nps_champion",
    "nps_sponsor",
    "nps_economic_buyer",
    "nps_admin",
    "nps_end_user",
    "ces_90d",
)
SAID: Final[tuple[str, ...]] = ("pulse", "usage_fit", "essential")


def answers(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `ANSWERS`."""
    at_ms = moment.at_ms
    oldest_ms, newest_ms = at_ms - NPS_DAYS_VALID * DAY_MS, at_ms + FUTURE_MS_MAX
    nps = moment.state.read(Surveys).nps.values()
    given = [(one.at_ms, one.score) for one in nps if oldest_ms < one.at_ms <= newest_ms]
    found = {"nps": max(given)[1] if given else None}
    return [found.get(name) for name in ANSWERS]


def said(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `SAID`."""
    return [_pulse(moment), None, None]


def _pulse(moment: Moment) -> float | None:
    said, at_ms = moment.state.read(Actions).pulse, moment.at_ms
    if said is None or said.expires_ms is None or at_ms >= said.expires_ms or said.at_ms > at_ms + FUTURE_MS_MAX:
        return None
    return said.value
