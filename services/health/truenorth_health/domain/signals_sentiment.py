"""Signals of sentiment: what they answered, and what the CSM says of them."""

from math import fsum
from typing import Final

from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX, NPS_DAYS_VALID
from truenorth_health.domain.moment import Moment
from truenorth_health.domain.parts import Actions, Said, Surveys

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
_ROLES: Final = ("champion", "sponsor", "economic_buyer", "admin", "end_user")
_SILENT: Final[list[float | None]] = [None] * len(ANSWERS)
_UNSAID: Final[list[float | None]] = [None] * len(SAID)
_CES_DAYS: Final = 90
_FIT: Final = {1.0: 1.0, 0.5: 0.5, 0.25: 0.0}
"""The factor on usage's weight -> what the signal says."""


def answers(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `ANSWERS`."""
    kept = moment.state.read(Surveys)
    if not kept.nps and not kept.ces:
        return _SILENT
    given = _nps(moment)
    by_role: dict[str, tuple[int, float]] = {}
    for at_ms, score, role in given:
        by_role[role] = max(by_role.get(role, (at_ms, score)), (at_ms, score))
    since_ms, limit_ms = (moment.day - _CES_DAYS + 1) * DAY_MS, moment.at_ms + FUTURE_MS_MAX
    return [
        max(given)[1] if given else None,
        _mean([score for _, score, _ in given]),
        *(by_role[role][1] if role in by_role else None for role in _ROLES),
        _mean([one.score for one in kept.ces if since_ms <= one.at_ms <= limit_ms]),
    ]


def said(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `SAID`."""
    actions, nps = moment.state.read(Actions), moment.state.read(Surveys).nps
    if not nps and actions.pulse is None and actions.fit is None and actions.essential is None:
        return _UNSAID
    fit = _in_force(actions.fit, moment.at_ms)
    essential = _in_force(actions.essential, moment.at_ms)
    return [
        _in_force(actions.pulse, moment.at_ms),
        None if fit is None else _FIT[fit],
        _essential_by_nps(moment) if essential is None else essential,
    ]


def _nps(moment: Moment) -> list[tuple[int, float, str]]:
    """Return (ms, score, role) of each respondent's latest answer, as far as it still counts."""
    oldest_ms, limit_ms = moment.at_ms - NPS_DAYS_VALID * DAY_MS, moment.at_ms + FUTURE_MS_MAX
    return [
        (one.at_ms, one.score, one.role)
        for one in moment.state.read(Surveys).nps.values()
        if oldest_ms < one.at_ms <= limit_ms
    ]


def _essential_by_nps(moment: Moment) -> float | None:
    """Return 0..10 as 1..5: nobody but the customer has said anything."""
    given = _nps(moment)
    return 1 + max(given)[1] * 0.4 if given else None


def _mean(scores: list[float]) -> float | None:
    return fsum(scores) / len(scores) if scores else None


def _in_force(said: Said | None, at_ms: int) -> float | None:
    if said is None or said.at_ms > at_ms + FUTURE_MS_MAX:
        return None
    return None if said.expires_ms is not None and at_ms >= said.expires_ms else said.value
