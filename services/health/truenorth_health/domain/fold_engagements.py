"""What was held with whom, aimed at, gained and said, and who left: the engagements source."""

from typing import Final

from truenorth.events import Event, inputs

from truenorth_health.domain import steps
from truenorth_health.domain.limits import (
    ADVOCACIES_MAX,
    ADVOCACY_DAYS_KEPT,
    AMOUNT_MAX,
    AMOUNTS_MAX,
    DAY_MS,
    DEPARTURES_MAX,
    ENGAGEMENT_KEYS_MAX,
    ENGAGEMENTS_MAX,
    GAINS_MAX,
    HISTORY_DAYS_KEPT,
    UNITS_PER_OBJECTIVE_MAX,
)
from truenorth_health.domain.parts_engagements import Departure, Engagements, Gain, Held
from truenorth_health.domain.pseudonyms import kept_as
from truenorth_health.domain.state import AccountState

REVIEWS: Final = ("board", "review")
"""Kinds of engagement that a customer is shown their results in."""


def _engagements(state: AccountState, time_ms: int) -> Engagements:
    kept = state.write(Engagements)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    return kept


def _oldest_ms(kept: Engagements) -> int:
    return kept.newest_ms - HISTORY_DAYS_KEPT * DAY_MS


def held(state: AccountState, event: Event, time_ms: int, record_ms: int) -> None:
    """Fold ``engagement.held``: the latest per kind, the latest answered per role, and each of 100 days."""
    data: inputs.EngagementHeld = event.data
    kept = _engagements(state, time_ms)
    if time_ms >= kept.held.get(data.kind, (time_ms, False))[0]:
        kept.held[data.kind] = (time_ms, data.answered)
    role = data.role or ""
    met_ms = kept.met.setdefault(role, 0)
    if data.answered:
        kept.met[role] = max(met_ms, time_ms)
        if data.kind in REVIEWS:
            kept.reviewed_ms = max(kept.reviewed_ms, time_ms)
    one = Held(time_ms, data.kind, data.answered, role, kept_as(state, data.contact, record_ms))
    kept.over += steps.keep(kept.log, one, _held_ms, oldest_ms=_oldest_ms(kept), most=ENGAGEMENTS_MAX)


def aimed(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``objective.set``."""
    data: inputs.ObjectiveSet = event.data
    kept = _engagements(state, time_ms)
    before = kept.objectives.get(data.objective_id)
    if before is None and len(kept.objectives) >= ENGAGEMENT_KEYS_MAX:
        kept.over += 1
    elif before is None or time_ms >= before[0]:
        kept.objectives[data.objective_id] = (time_ms, data.target, data.unit or "")


def gained(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``value.recorded``: summed per objective and unit, whether or not the objective is known yet."""
    data: inputs.ValueRecorded = event.data
    kept = _engagements(state, time_ms)
    kept.value_events += 1
    kept.value_last_ms = max(kept.value_last_ms, time_ms)
    confirmed = data.by == "customer"
    if confirmed:
        kept.confirmed_ms = max(kept.confirmed_ms, time_ms)
    amount = round(max(-AMOUNT_MAX, min(data.amount, AMOUNT_MAX)) * 1_000)
    objective = data.objective_id or ""
    if objective:
        _sum(kept, objective, data.unit, amount)
    one = Gain(time_ms, amount, data.unit, objective, confirmed)
    kept.over += steps.keep(kept.gains, one, _gain_ms, oldest_ms=_oldest_ms(kept), most=GAINS_MAX)


def _sum(kept: Engagements, objective: str, unit: str, amount: int) -> None:
    units = kept.values.get(objective)
    if units is None:
        if len(kept.values) >= ENGAGEMENT_KEYS_MAX:
            kept.over += 1
            return
        units = kept.values[objective] = {}
    if unit not in units and len(units) >= UNITS_PER_OBJECTIVE_MAX:
        kept.over += 1
        return
    units[unit] = max(-AMOUNTS_MAX, min(units.get(unit, 0) + amount, AMOUNTS_MAX))


def advocated(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``advocacy.recorded``: the latest per kind, and the times of a year."""
    data: inputs.AdvocacyRecorded = event.data
    kept = _engagements(state, time_ms)
    oldest_ms = kept.newest_ms - ADVOCACY_DAYS_KEPT * DAY_MS
    kept.over += steps.keep(kept.advocated, time_ms, int, oldest_ms=oldest_ms, most=ADVOCACIES_MAX)
    if data.kind not in kept.advocacy and len(kept.advocacy) >= ENGAGEMENT_KEYS_MAX:
        kept.over += 1
    else:
        kept.advocacy[data.kind] = max(kept.advocacy.get(data.kind, time_ms), time_ms)


def intended(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``renewal.intent``."""
    data: inputs.RenewalIntent = event.data
    kept = _engagements(state, time_ms)
    if time_ms >= kept.intent[0]:
        kept.intent = (time_ms, data.intent)


def left(state: AccountState, event: Event, time_ms: int, record_ms: int) -> None:
    """Fold ``contact.left``: the latest per role, and each of 100 days."""
    data: inputs.ChampionLeft = event.data
    kept = _engagements(state, time_ms)
    who = kept_as(state, data.contact, record_ms)
    if time_ms >= kept.left.get(data.role, (time_ms, ""))[0]:
        kept.left[data.role] = (time_ms, who)
    one = Departure(time_ms, data.role, who)
    kept.over += steps.keep(kept.departures, one, _departed_ms, oldest_ms=_oldest_ms(kept), most=DEPARTURES_MAX)


def forget_contact(state: AccountState, who: str) -> None:
    """Take a contact's hash out of everything; that somebody was met, or left, stays true."""
    kept = state.read(Engagements)
    entries: list[Held | Departure] = [*kept.log, *kept.departures]
    for entry in entries:
        if entry.who == who:
            state.write(Engagements)
            entry.who = ""
    for role, (at_ms, gone) in list(kept.left.items()):
        if gone == who:
            state.write(Engagements).left[role] = (at_ms, "")


def _held_ms(one: Held) -> int:
    return one.at_ms


def _gain_ms(one: Gain) -> int:
    return one.at_ms


def _departed_ms(one: Departure) -> int:
    return one.at_ms
