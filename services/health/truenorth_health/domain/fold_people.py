"""What people answer, say and ask us to forget: surveys, actions, erasures."""

from truenorth.erasures import acknowledgement, request_id
from truenorth.events import Event, inputs, people
from truenorth.ids import short_hash

from truenorth_health.domain import steps
from truenorth_health.domain.fold_engagements import forget_contact
from truenorth_health.domain.fold_usage import forget_member, member_hash
from truenorth_health.domain.limits import (
    ANSWERS_MAX,
    DAY_MS,
    ERASED_MEMBERS_MAX,
    ERASURE_REQUESTS_KEPT,
    HISTORY_DAYS_KEPT,
    MILLIS_MAX,
    PULSE_DAYS_VALID,
    PULSE_EXTREME_DAYS_VALID,
    USAGE_FIT_DAYS_VALID,
)
from truenorth_health.domain.parts import Actions, Answer, Erasures, Said, Surveys
from truenorth_health.domain.path import Path
from truenorth_health.domain.pseudonyms import BY_ROLE, kept_as, pseudonym
from truenorth_health.domain.state import AccountState

SERVICE = "health"
"""The name that this service acknowledges erasures under."""
FIT_FACTORS = {"yes": 1.0, "needs_a_look": 0.5, "no": 0.25}
"""How far a CSM's word on the usage scales the weight of the usage dimension."""


def answered(state: AccountState, event: Event, time_ms: int, record_ms: int) -> None:
    """Fold ``survey.answered``: NPS latest per respondent (else role), CSAT and CES as lists of 100 days."""
    data: inputs.SurveyAnswered = event.data
    kept = state.write(Surveys)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    who = kept_as(state, data.respondent, record_ms)
    answer = Answer(time_ms, data.score, data.role or "", who)
    if data.kind == "nps":
        if who or data.respondent is None:
            _promote(kept, who or f"{BY_ROLE}{answer.role}", answer)
        return
    answers = kept.csat if data.kind == "csat" else kept.ces
    oldest_ms = kept.newest_ms - HISTORY_DAYS_KEPT * DAY_MS
    kept.over += steps.keep(answers, answer, _at_ms, oldest_ms=oldest_ms, most=ANSWERS_MAX)


def _promote(kept: Surveys, key: str, answer: Answer) -> None:
    """Keep the latest NPS answer under this key, of as many keys as the cap lets in: those who answered last."""
    before = kept.nps.get(key)
    if before is not None and answer.at_ms < before.at_ms:
        return
    kept.nps[key] = answer
    if len(kept.nps) > ANSWERS_MAX:
        del kept.nps[min(kept.nps, key=lambda one: (kept.nps[one].at_ms, one))]
        kept.over += 1


def _at_ms(answer: Answer) -> int:
    return answer.at_ms


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
    """Fold ``usage_fit.set``: it expires after 180 days."""
    data: people.UsageFitSet = event.data
    kept = state.write(Actions)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    expires_ms = time_ms + USAGE_FIT_DAYS_VALID * DAY_MS
    kept.fit = _said(kept.fit, Said(time_ms, event.id, data.by, FIT_FACTORS[data.fit], data.reason, expires_ms))


def essential(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``essential.set``."""
    data: people.EssentialSet = event.data
    kept = state.write(Actions)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    kept.essential = _said(kept.essential, Said(time_ms, event.id, data.by, float(data.rating), data.reason))


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
    who = pseudonym(person)
    _forget_answers(state, who)
    forget_contact(state, who)


def _forget_answers(state: AccountState, who: str) -> None:
    """Take the person's NPS answer out; what counts in a mean stays, and is nobody's."""
    kept = state.read(Surveys)
    if who in kept.nps:
        del state.write(Surveys).nps[who]
    for answer in (*kept.csat, *kept.ces):
        if answer.who == who:
            state.write(Surveys)
            answer.who = ""


def _bury(state: AccountState, record_ms: int) -> None:
    path = state.read(Path)
    state.clear()
    state.replace(Erasures(account_ms=record_ms))
    if path.revision or path.number:
        kept = Path(revision=path.revision, number=path.number, now_ms=path.now_ms, ordinal=path.ordinal)
        kept.told = path.told  # whom to tell that it is gone
        state.replace(kept)
