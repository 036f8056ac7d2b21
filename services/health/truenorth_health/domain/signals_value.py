"""Signals of value: what the customer came for, what they got, and what they say they will do."""

from collections.abc import Sequence
from math import fsum
from typing import Final

from truenorth_health.domain.fold_engagements import REVIEWS
from truenorth_health.domain.limits import AMOUNT_MAX, DAY_MS, FUTURE_MS_MAX, INTENT_DAYS_VALID
from truenorth_health.domain.moment import Moment
from truenorth_health.domain.parts_engagements import Engagements, Gain, Held

NAMES: Final[tuple[str, ...]] = (
    "objectives_set",
    "objectives_met",
    "value_to_target",
    "value_records_90d",
    "days_since_value",
    "days_since_confirmed_value",
    "days_since_review",
    "advocacy_365d",
    "renewal_intent",
)
_UNTOLD: Final[list[float | None]] = [None] * len(NAMES)
_INTENTS: Final = {"leave": 1.0, "reduce": 2.0, "undecided": 3.0, "renew": 4.0, "expand": 5.0}


def compute(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `NAMES`; all None while nobody tells of engagements at all."""
    kept = moment.state.read(Engagements)
    if not kept.newest_ms:
        return _UNTOLD
    day, limit_ms = moment.day, moment.at_ms + FUTURE_MS_MAX
    aims = [(key, aim) for key, aim in kept.objectives.items() if aim[0] <= limit_ms]
    reached = [share for key, (_, target, unit) in aims if (share := _reached(kept, key, target, unit, limit_ms))]
    ratios = [min(1.0, max(0.0, got / aim)) for got, aim in reached]
    quarter, year = (day - 89) * DAY_MS, (day - 364) * DAY_MS
    confirmed = [one for one in kept.gains if one.confirmed]
    reviews = [one for one in kept.log if one.answered and one.kind in REVIEWS]
    return [
        float(len(aims)),
        sum(got >= aim for got, aim in reached) / len(reached) if reached else None,
        fsum(ratios) / len(ratios) if ratios else None,
        float(sum(quarter <= one.at_ms <= limit_ms for one in kept.gains)),
        _days_since(day, kept.value_last_ms, kept.gains, limit_ms),
        _days_since(day, kept.confirmed_ms, confirmed, limit_ms),
        _days_since(day, kept.reviewed_ms, reviews, limit_ms),
        float(sum(year <= at_ms <= limit_ms for at_ms in kept.advocated)),
        _intent(kept, moment.at_ms),
    ]


def _reached(kept: Engagements, key: str, target: float | None, unit: str, limit_ms: int) -> tuple[int, int] | None:
    """Return (recorded, aimed at) in thousandths of the objective's unit; an objective without one takes any."""
    if target is None or target <= 0:
        return None
    units = kept.values.get(key, {})
    got = units.get(unit, 0) if unit else sum(units.values())
    for one in reversed(kept.gains):
        if one.at_ms <= limit_ms:
            break
        if one.objective == key and unit in {"", one.unit}:
            got -= one.amount
    return got, max(1, round(min(target, AMOUNT_MAX) * 1_000))


def _days_since(day: int, latest_ms: int, kept: Sequence[Gain | Held], limit_ms: int) -> float | None:
    """Return the days since the latest time, or since the latest kept one where that lies after the moment."""
    if latest_ms > limit_ms:
        latest_ms = max((one.at_ms for one in kept if one.at_ms <= limit_ms), default=0)
    return float(max(0, day - latest_ms // DAY_MS)) if latest_ms else None


def _intent(kept: Engagements, at_ms: int) -> float | None:
    said_ms, intent = kept.intent
    if said_ms > at_ms + FUTURE_MS_MAX or at_ms >= said_ms + INTENT_DAYS_VALID * DAY_MS:
        return None
    return _INTENTS.get(intent)
