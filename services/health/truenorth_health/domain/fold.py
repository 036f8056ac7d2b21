"""``fold``: one event into an account's state. Never looks at definitions, at other sources, or at a clock."""

from collections.abc import Callable
from typing import Any, Final

from truenorth.events import Event, health, inputs, people
from truenorth.topics import HEALTH_SOURCES

from truenorth_health.domain import (
    fold_accounts,
    fold_billing,
    fold_engagements,
    fold_people,
    fold_roll_ups,
    fold_tickets,
    fold_usage,
)
from truenorth_health.domain.causes import BACKFILL, BEHAVIOUR, FACT, OVERRIDE
from truenorth_health.domain.limits import BACKFILL_AGE_MS, ERASURE_GRACE_MS, FUTURE_MS_MAX
from truenorth_health.domain.parts import Erasures
from truenorth_health.domain.state import AccountState

Handler = Callable[[AccountState, Event, int, int], None]
"""(state, event, event time believed in ms, record time in ms)."""

_HANDLERS: Final[dict[str, dict[type[Any], Handler]]] = {
    "usage": {inputs.UsageRecorded: fold_usage.recorded},
    "tickets": {
        inputs.TicketOpened: fold_tickets.opened,
        inputs.TicketUpdated: fold_tickets.updated,
        inputs.TicketSolved: fold_tickets.solved,
        inputs.TicketReopened: fold_tickets.reopened,
        inputs.TicketRated: fold_tickets.rated,
    },
    "billing": {
        inputs.SubscriptionStarted: fold_billing.started,
        inputs.SubscriptionChanged: fold_billing.changed,
        inputs.SubscriptionEnded: fold_billing.ended,
        inputs.InvoiceIssued: fold_billing.issued,
        inputs.InvoiceOverdue: fold_billing.overdue,
        inputs.InvoicePaid: fold_billing.paid,
        inputs.PaymentFailed: fold_billing.failed,
        inputs.PaymentDisputed: fold_billing.disputed,
    },
    "surveys": {inputs.SurveyAnswered: fold_people.answered},
    "accounts": {
        inputs.AccountUpdated: fold_accounts.updated,
        inputs.AccountChurned: fold_accounts.churned,
        inputs.AccountReactivated: fold_accounts.reactivated,
    },
    "engagements": {
        inputs.EngagementHeld: fold_engagements.held,
        inputs.ObjectiveSet: fold_engagements.aimed,
        inputs.ValueRecorded: fold_engagements.gained,
        inputs.AdvocacyRecorded: fold_engagements.advocated,
        inputs.RenewalIntent: fold_engagements.intended,
        inputs.ChampionLeft: fold_engagements.left,
    },
    "actions": {
        people.PulseSet: fold_people.pulse,
        people.OverrideSet: fold_people.override,
        people.UsageFitSet: fold_people.fit,
        people.EssentialSet: fold_people.essential,
        people.NoteAdded: fold_people.noted,
    },
    "erasures": {people.ErasureRequested: fold_people.erased},
    "roll-ups": {health.ChildScored: fold_roll_ups.scored},
}
_BY_SOURCE: Final = tuple(_HANDLERS[source] for source in HEALTH_SOURCES)
_ERASURES: Final = HEALTH_SOURCES.index("erasures")
_CAUSES: Final[dict[type[Any], int]] = {
    inputs.AccountUpdated: FACT,
    inputs.AccountChurned: FACT,
    inputs.AccountReactivated: FACT,
    people.OverrideSet: OVERRIDE,
}


def fold(state: AccountState, source: int, event: Event, timestamp_ms: int) -> None:
    """Fold one event of a source (index into `topics.HEALTH_SOURCES`) that the broker appended at ``timestamp_ms``.

    What belongs to an erased account changes nothing. An event whose type is not this source's is left alone, so
    that no part is ever written by two sources. A sender's duplicates never come here: the engine drops them.
    """
    handler = _BY_SOURCE[source].get(type(event.data))
    if handler is None:
        return
    if source != _ERASURES and state.has_erasures and _is_buried(state, event, timestamp_ms):
        return
    time_ms = min(event.time_ms, timestamp_ms + FUTURE_MS_MAX)
    handler(state, event, time_ms, timestamp_ms)
    if event.backfill or time_ms < timestamp_ms - BACKFILL_AGE_MS:
        state.causes |= BACKFILL
    else:
        state.causes |= _CAUSES.get(type(event.data), BEHAVIOUR)


def _is_buried(state: AccountState, event: Event, timestamp_ms: int) -> bool:
    """Whether the account was erased, and this event is older or was still on its way.

    Looks at the record's times alone, so that it does not matter which source is read first.
    """
    erased_ms = state.read(Erasures).account_ms
    return erased_ms is not None and (timestamp_ms <= erased_ms + ERASURE_GRACE_MS or event.time_ms <= erased_ms)
