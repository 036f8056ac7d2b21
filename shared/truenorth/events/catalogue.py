"""The catalogue: event type on the wire <-> payload struct, and the family (topic) each travels on."""

from typing import Final

from truenorth.events import health, identity, inputs, people, work
from truenorth.events.payload import PayloadStruct

Payload = PayloadStruct

_FAMILIES: Final[dict[str, dict[str, type[PayloadStruct]]]] = {
    "usage": {"usage.recorded": inputs.UsageRecorded},
    "tickets": {
        "ticket.opened": inputs.TicketOpened,
        "ticket.updated": inputs.TicketUpdated,
        "ticket.solved": inputs.TicketSolved,
        "ticket.reopened": inputs.TicketReopened,
        "ticket.rated": inputs.TicketRated,
    },
    "billing": {
        "subscription.started": inputs.SubscriptionStarted,
        "subscription.changed": inputs.SubscriptionChanged,
        "subscription.ended": inputs.SubscriptionEnded,
        "invoice.issued": inputs.InvoiceIssued,
        "invoice.overdue": inputs.InvoiceOverdue,
        "invoice.paid": inputs.InvoicePaid,
        "payment.failed": inputs.PaymentFailed,
        "payment.disputed": inputs.PaymentDisputed,
    },
    "surveys": {"survey.answered": inputs.SurveyAnswered},
    "accounts": {
        "account.updated": inputs.AccountUpdated,
        "account.churned": inputs.AccountChurned,
        "account.reactivated": inputs.AccountReactivated,
    },
    "engagements": {
        "engagement.held": inputs.EngagementHeld,
        "objective.set": inputs.ObjectiveSet,
        "value.recorded": inputs.ValueRecorded,
        "advocacy.recorded": inputs.AdvocacyRecorded,
        "renewal.intent": inputs.RenewalIntent,
        "contact.left": inputs.ChampionLeft,
    },
    "contacts": {"contact.updated": inputs.ContactUpdated},
    "actions": {
        "pulse.set": people.PulseSet,
        "override.set": people.OverrideSet,
        "usage_fit.set": people.UsageFitSet,
        "essential.set": people.EssentialSet,
        "note.added": people.NoteAdded,
        "task.done": people.TaskDone,
        "task.snoozed": people.TaskSnoozed,
        "task.assigned": people.TaskAssigned,
        "alert.acknowledged": people.AlertAcknowledged,
        "alert.snoozed": people.AlertSnoozed,
        "alert.done": people.AlertDone,
        "alert.marked_not_useful": people.AlertNotUseful,
    },
    "erasures": {"erasure.requested": people.ErasureRequested},
    "erasures-done": {"erasure.acknowledged": people.ErasureAcknowledged},
    "backfills": {"history.loaded": people.HistoryLoaded},
    "identities": {"identity.learned": identity.IdentityLearned},
    "unresolved": {"event.held": identity.EventHeld},
    "health": {"health.updated": health.HealthUpdated},
    "health-changes": {"health.changed": health.HealthChanged},
    "health-daily": {"health.day": health.HealthDay},
    "milestones": {"milestone.changed": health.MilestoneChanged},
    "roll-ups": {"child.scored": health.ChildScored},
    "cohorts": {"cohort.updated": health.CohortUpdated},
    "tasks": {"task.updated": work.TaskUpdated},
    "alerts": {"alert.raised": work.AlertRaised, "alert.resolved": work.AlertResolved},
    "deliveries": {"delivery.changed": work.DeliveryChanged},
    "feed": {"feed.changed": work.AlertFeedChanged},
}

CATALOGUE: Final[dict[str, type[PayloadStruct]]] = {
    event_type: payload for family in _FAMILIES.values() for event_type, payload in family.items()
}
"""Event type -> payload struct."""

FAMILY_OF_TYPE: Final[dict[str, str]] = {
    event_type: family for family, types in _FAMILIES.items() for event_type in types
}
"""Event type -> family, which is also the short name of its topic."""

TYPES_FROM_OUTSIDE: Final = frozenset(
    event_type
    for family in (
        "usage",
        "tickets",
        "billing",
        "surveys",
        "accounts",
        "engagements",
        "contacts",
        "erasures",
        "backfills",
    )
    for event_type in _FAMILIES[family]
)
"""The event types that outsiders may send to the edge; the rest are our own services' words."""

TYPE_OF_PAYLOAD: Final[dict[type[PayloadStruct], str]] = {payload: name for name, payload in CATALOGUE.items()}
"""Payload struct -> event type."""


def family_of(event_type: str) -> str:
    """Return the family of an event type; `KeyError` when it is not in the catalogue."""
    return FAMILY_OF_TYPE[event_type]


def types_of(family: str) -> tuple[str, ...]:
    """Return the event types of a family."""
    return tuple(_FAMILIES[family])
