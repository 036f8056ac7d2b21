"""What product back ends, help desks, billing systems and surveys tell us: the families that health folds.

Money is integer minor units (cents) of the one currency of the deployment. Dates are ISO ``YYYY-MM-DD``.
"""

from typing import Annotated, Literal

from msgspec import Meta

from truenorth.events.payload import PayloadStruct

Name = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=2000)]
Link = Annotated[str, Meta(max_length=1000)]
Date = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Money = Annotated[int, Meta(ge=0, le=10**15)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Seats = Annotated[int, Meta(ge=0, le=10_000_000)]
Priority = Literal["p1", "p2", "p3", "p4"]
Role = Literal["champion", "sponsor", "economic_buyer", "admin", "end_user"]


class UsageRecorded(PayloadStruct, frozen=True, gc=False):
    """``usage.recorded``: ``actor`` used ``feature`` ``count`` times. ``actor`` is a pseudonym, or absent."""

    feature: Name
    count: Count = 1
    actor: Name | None = None
    module: Name | None = None
    duration_seconds: Annotated[int, Meta(ge=0)] | None = None
    errors: Annotated[int, Meta(ge=0)] | None = None


class TicketOpened(PayloadStruct, frozen=True, gc=False):
    """``ticket.opened``: a support ticket exists from the event's time on. No text of it travels."""

    ticket_id: Name
    priority: Priority = "p3"
    escalated: bool = False


class TicketUpdated(PayloadStruct, frozen=True, gc=False):
    """``ticket.updated``: the named fields changed; absent ones keep their value."""

    ticket_id: Name
    priority: Priority | None = None
    escalated: bool | None = None
    first_response_minutes: Annotated[int, Meta(ge=0)] | None = None


class TicketSolved(PayloadStruct, frozen=True, gc=False):
    """``ticket.solved``: closed at the event's time."""

    ticket_id: Name
    first_response_minutes: Annotated[int, Meta(ge=0)] | None = None


class TicketReopened(PayloadStruct, frozen=True, gc=False):
    """``ticket.reopened``: open again from the event's time on."""

    ticket_id: Name


class TicketRated(PayloadStruct, frozen=True, gc=False):
    """``ticket.rated``: satisfaction with this ticket on a 1..5 scale."""

    ticket_id: Name
    score: Annotated[float, Meta(ge=1, le=5)]


class SubscriptionStarted(PayloadStruct, frozen=True, gc=False):
    """``subscription.started``: from the event's time on. ``arr`` is yearly, in minor units."""

    subscription_id: Name
    plan: Name = "default"
    seats: Seats = 0
    arr: Money = 0
    trial: bool = False
    renews_on: Date | None = None


class SubscriptionChanged(PayloadStruct, frozen=True, gc=False):
    """``subscription.changed``: the named fields changed; absent ones keep their value."""

    subscription_id: Name
    plan: Name | None = None
    seats: Seats | None = None
    arr: Money | None = None
    trial: bool | None = None
    renews_on: Date | None = None


class SubscriptionEnded(PayloadStruct, frozen=True, gc=False):
    """``subscription.ended``: no longer active from the event's time on."""

    subscription_id: Name
    reason: Name | None = None


class InvoiceIssued(PayloadStruct, frozen=True, gc=False):
    """``invoice.issued``: payable until ``due_on``."""

    invoice_id: Name
    amount: Money = 0
    due_on: Date | None = None


class InvoiceOverdue(PayloadStruct, frozen=True, gc=False):
    """``invoice.overdue``: unpaid past ``due_on`` (the event's day when absent)."""

    invoice_id: Name
    amount: Money = 0
    due_on: Date | None = None


class InvoicePaid(PayloadStruct, frozen=True, gc=False):
    """``invoice.paid``: settled, or written off."""

    invoice_id: Name


class PaymentFailed(PayloadStruct, frozen=True, gc=False):
    """``payment.failed``: one attempt to collect failed."""

    invoice_id: Name
    amount: Money = 0


class PaymentDisputed(PayloadStruct, frozen=True, gc=False):
    """``payment.disputed``: the payer's bank took a payment back, or the dispute about it was closed."""

    dispute_id: Name
    amount: Money = 0
    invoice_id: Name | None = None
    outcome: Literal["opened", "won", "lost"] = "opened"


class SurveyAnswered(PayloadStruct, frozen=True, gc=False):
    """``survey.answered``: on the kind's own scale (nps 0..10, csat 1..5, ces 1..7)."""

    kind: Literal["nps", "csat", "ces"]
    score: Annotated[float, Meta(ge=0, le=10)]
    role: Role | None = None
    respondent: Name | None = None


class AccountUpdated(PayloadStruct, frozen=True, gc=False):
    """``account.updated``: facts. Absent fields keep their value; the latest by event time wins, per field.

    ``promised_service`` names the tier that somebody promised them; ``features`` are entitled to, like ``modules``.
    ``external_ids`` says under which ids other systems know the account (``{"stripe": "cus_1"}``); the edge learns
    them, so that what those systems send finds its account.
    """

    name: Name | None = None
    owner_id: Name | None = None
    segment_hint: Name | None = None
    tier: Name | None = None
    plan: Name | None = None
    industry: Name | None = None
    country: Name | None = None
    arr: Money | None = None
    potential_arr: Money | None = None
    seats: Seats | None = None
    modules: Annotated[list[Name], Meta(max_length=200)] | None = None
    signed_up_on: Date | None = None
    live_on: Date | None = None
    contract_starts_on: Date | None = None
    renews_on: Date | None = None
    parent_id: Name | None = None
    trial: bool | None = None
    links: Annotated[dict[Name, Link], Meta(max_length=20)] | None = None
    promised_service: Name | None = None
    features: Annotated[list[Name], Meta(max_length=500)] | None = None
    external_ids: Annotated[dict[Name, Name], Meta(max_length=20)] | None = None


class AccountChurned(PayloadStruct, frozen=True, gc=False):
    """``account.churned``: left, at the event's time; it keeps its last score and is no longer scored."""

    reason: Name | None = None
    refund: Money | None = None


class AccountReactivated(PayloadStruct, frozen=True, gc=False):
    """``account.reactivated``: came back; scored again from the event's time on."""


class EngagementHeld(PayloadStruct, frozen=True, gc=False):
    """``engagement.held``: a review, board or call took place, or went unanswered. ``contact`` is a pseudonym."""

    kind: Literal["review", "board", "call", "training", "email"]
    answered: bool = True
    role: Role | None = None
    contact: Name | None = None


class ObjectiveSet(PayloadStruct, frozen=True, gc=False):
    """``objective.set``: what the customer came for."""

    objective_id: Name
    target: float | None = None
    unit: Name | None = None


class ValueRecorded(PayloadStruct, frozen=True, gc=False):
    """``value.recorded``: what they got, in the objective's unit, and who says so."""

    amount: float
    unit: Name
    objective_id: Name | None = None
    by: Literal["customer", "csm", "system"] = "csm"


class AdvocacyRecorded(PayloadStruct, frozen=True, gc=False):
    """``advocacy.recorded``: a reference, review, referral or talk."""

    kind: Name


class RenewalIntent(PayloadStruct, frozen=True, gc=False):
    """``renewal.intent``: what they say they will do."""

    intent: Literal["renew", "expand", "reduce", "leave", "undecided"]


class ChampionLeft(PayloadStruct, frozen=True, gc=False):
    """``contact.left``, on `engagements`: the contact (a pseudonym) in this role is gone."""

    contact: Name
    role: Role = "champion"


class ContactUpdated(PayloadStruct, frozen=True, gc=False):
    """``contact.updated``, on `contacts` alone: a person at the account, with name and address."""

    contact_id: Name
    account_id: Name
    name: Text = ""
    email: Text = ""
    role: Role | None = None
