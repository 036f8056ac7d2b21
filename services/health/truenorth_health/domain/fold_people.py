"""What people answer, hold, say and ask us to forget: surveys, engagements, actions, erasures."""

from hashlib import blake2b

from truenorth.erasures import acknowledgement, request_id
from truenorth.events import Event, inputs, people
from truenorth.ids import short_hash

from truenorth_health.domain.fold_usage import forget_member, member_hash
from truenorth_health.domain.limits import (
    ANSWERS_MAX,
    DAY_MS,
    ENGAGEMENT_KEYS_MAX,
    ERASED_MEMBERS_MAX,
    ERASURE_GRACE_MS,
    ERASURE_REQUESTS_KEPT,
    HISTORY_DAYS_KEPT,
    MILLIS_MAX,
    PULSE_DAYS_VALID,
    PULSE_EXTREME_DAYS_VALID,
)
from truenorth_health.domain.parts import Actions, Answer, Engagements, Erasures, Said, Surveys
from truenorth_health.domain.path import Path
from truenorth_health.domain.state import AccountState

SERVICE = "health"
"""The name that this service acknowledges erasures under."""
FIT_FACTORS = {"yes": 1.0, "needs_a_look": 0.5, "no": 0.25}
"""How far a CSM's word on the usage scales the weight of the usage dimension."""


def _pseudonym(name: str) -> str:
    return blake2b(name.encode(), digest_size=8).hexdigest()


def _is_erased(state: AccountState, name: str, record_ms: int) -> bool:
    if not state.has_erasures:
        return False
    erased_ms = state.read(Erasures).members.get(int.from_bytes(member_hash(name), "big"))
    return erased_ms is not None and record_ms <= erased_ms + ERASURE_GRACE_MS


def answered(state: AccountState, event: Event, time_ms: int, record_ms: int) -> None:
    """Fold ``survey.answered``: NPS latest per respondent (else role), CSAT as a list of 100 days."""
    data: inputs.SurveyAnswered = event.data
    kept = state.write(Surveys)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    answer = Answer(time_ms, data.score, data.role or "")
    if data.kind == "nps":
        if data.respondent is not None and _is_erased(state, data.respondent, record_ms):
            return
        key = f"role:{data.role or ''}" if data.respondent is None else _pseudonym(data.respondent)
        before = kept.nps.get(key)
        if before is None and len(kept.nps) >= ANSWERS_MAX:
            kept.over += 1
        elif before is None or time_ms >= before.at_ms:
            kept.nps[key] = answer
    elif data.kind == "csat":
        oldest_ms = kept.newest_ms - HISTORY_DAYS_KEPT * DAY_MS
        if len(kept.csat) >= ANSWERS_MAX:
            del kept.csat[0]
            kept.over += 1
        kept.csat = [one for one in kept.csat if one.at_ms >= oldest_ms]
        if time_ms >= oldest_ms:
            kept.csat.append(answer)
    elif kept.ces is None or time_ms >= kept.ces.at_ms:
        kept.ces = answer


def _engagements(state: AccountState, time_ms: int) -> Engagements:
    kept = state.write(Engagements)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    return kept


def held(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``engagement.held``: the latest per kind; a champion who answered counts as met."""
    data: inputs.EngagementHeld = event.data
    kept = _engagements(state, time_ms)
    if time_ms >= kept.held.get(data.kind, (0, False))[0]:
        kept.held[data.kind] = (time_ms, data.answered)
    if data.role == "champion" and data.answered:
        kept.champion_met_ms = max(kept.champion_met_ms, time_ms)


def aimed(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``objective.set``."""
    data: inputs.ObjectiveSet = event.data
    kept = _engagements(state, time_ms)
    before = kept.objectives.get(data.objective_id)
    if before is None and len(kept.objectives) >= ENGAGEMENT_KEYS_MAX:
        kept.over += 1
    elif before is None or time_ms >= before[0]:
        kept.objectives[data.objective_id] = (time_ms, data.target, data.unit or "")


def gained(state: AccountState, _event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``value.recorded``."""
    kept = _engagements(state, time_ms)
    kept.value_events += 1
    kept.value_last_ms = max(kept.value_last_ms, time_ms)


def advocated(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``advocacy.recorded``: the latest per kind."""
    data: inputs.AdvocacyRecorded = event.data
    kept = _engagements(state, time_ms)
    if data.kind not in kept.advocacy and len(kept.advocacy) >= ENGAGEMENT_KEYS_MAX:
        kept.over += 1
    else:
        kept.advocacy[data.kind] = max(kept.advocacy.get(data.kind, 0), time_ms)


def intended(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``renewal.intent``."""
    data: inputs.RenewalIntent = event.data
    kept = _engagements(state, time_ms)
    if time_ms >= kept.intent[0]:
        kept.intent = (time_ms, data.intent)


def left(state: AccountState, event: Event, time_ms: int, record_ms: int) -> None:
    """Fold ``contact.left``: the latest per role."""
    data: inputs.ChampionLeft = event.data
    kept = _engagements(state, time_ms)
    if time_ms >= kept.left.get(data.role, (0, ""))[0]:
        gone = _is_erased(state, data.contact, record_ms)
        kept.left[data.role] = (time_ms, "" if gone else _pseudonym(data.contact))


def _said(before: Said | None, said: Said) -> Said:
    """Return the later of the two, by (event time, event id)."""
    if before is not None and (before.at_ms, before.event_id) > (said.at_ms, said.event_id):
        return before
    return said


def pulse(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``pulse.set``: it expires after 90 days, the extremes after 30."""
    data: people.PulseSet = event.data
    kept = state.write(Actions)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    valid_days = PULSE_EXTREME_DAYS_VALID if data.rating in {1, 5} else PULSE_DAYS_VALID
    expires_ms = time_ms + valid_days * DAY_MS
    kept.pulse = _said(kept.pulse, Said(time_ms, event.id, data.by, float(data.rating), data.reason, expires_ms))


def override(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``override.set``; a null value clears it."""
    data: people.OverrideSet = event.data
    kept = state.write(Actions)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    expires_ms = None if data.expires_ms is None else max(0, min(data.expires_ms, MILLIS_MAX))
    said = Said(time_ms, event.id, data.by, data.value, data.reason, expires_ms)
    kept.override = _said(kept.override, said)


def fit(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``usage_fit.set``."""
    data: people.UsageFitSet = event.data
    kept = state.write(Actions)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    kept.fit = _said(kept.fit, Said(time_ms, event.id, data.by, FIT_FACTORS[data.fit], data.reason))


def noted(state: AccountState, _event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``note.added``: counted; the text stays on its topic."""
    kept = state.write(Actions)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    kept.notes += 1


def erased(state: AccountState, event: Event, _time_ms: int, record_ms: int) -> None:
    """Fold ``erasure.requested``: an account leaves a gravestone and its path's numbers, a person a hash.

    Each request is carried out, and owed an acknowledgement, once.
    """
    data: people.ErasureRequested = event.data
    request = request_id(event)
    carried_out = state.read(Erasures).requests
    if short_hash(request) in carried_out:
        return
    if data.kind == "account":
        _bury(state, record_ms)
    else:
        _forget(state, data.subject_id, record_ms)
    state.write(Erasures).requests = [*carried_out, short_hash(request)][-ERASURE_REQUESTS_KEPT:]
    state.owed.append(acknowledgement(request, data.kind, SERVICE))


def _forget(state: AccountState, person: str, record_ms: int) -> None:
    """Take a person out, whether asked for as actor or as contact: one person has one pseudonym."""
    kept = state.write(Erasures)
    key = member_hash(person)
    kept.members[int.from_bytes(key, "big")] = record_ms
    while len(kept.members) > ERASED_MEMBERS_MAX:
        del kept.members[next(iter(kept.members))]
    forget_member(state, key)
    pseudonym = _pseudonym(person)
    if pseudonym in state.read(Surveys).nps:
        del state.write(Surveys).nps[pseudonym]
    gone = [role for role, (_, who) in state.read(Engagements).left.items() if who == pseudonym]
    for role in gone:
        kept_left = state.write(Engagements).left
        kept_left[role] = (kept_left[role][0], "")


def _bury(state: AccountState, record_ms: int) -> None:
    path = state.read(Path)
    state.clear()
    state.replace(Erasures(account_ms=record_ms))
    if path.revision or path.number:
        kept = Path(revision=path.revision, number=path.number, now_ms=path.now_ms, ordinal=path.ordinal)
        kept.told = path.told  # whom to tell that it is gone
        state.replace(kept)
