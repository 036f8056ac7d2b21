"""Stripe's events: subscriptions, invoices, disputes, entitlements, and whose customer is whose.

Stripe delivers for up to three days, more than once, and in no order: each event is told at the moment it was made
and under an id of its own, so that whatever order they come in the same is made of them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from truenorth.errors import RefusedError
from truenorth.events.inputs import (
    AccountUpdated,
    InvoiceIssued,
    InvoiceOverdue,
    InvoicePaid,
    PaymentDisputed,
    PaymentFailed,
)
from truenorth.events.payload import PayloadStruct

from truenorth_ingest.domain.told import Told
from truenorth_ingest.domain.vendors.said import (
    Id,
    Vendor,
    among,
    at_seconds,
    day_at,
    identity,
    invalid,
    lookup,
    made,
    parsed,
    unknown,
)
from truenorth_ingest.domain.vendors.stripe_objects import (
    OBJECT,
    Dispute,
    EntitlementSummary,
    Invoice,
    Outside,
    Owned,
    Party,
    Reference,
    Snapshot,
    Subscription,
)
from truenorth_ingest.domain.vendors.stripe_subscriptions import meaning

THIN: Final = "v2.core.event"
_KNOWN_WORDS: Final = (
    "account application_fee balance balance_settings billing billing_portal capability cash_balance checkout climate"
    " coupon credit_note customer_cash_balance_transaction file financial_connections identity invoice_payment"
    " invoiceitem issuing_authorization issuing_card issuing_cardholder issuing_dispute issuing_personalization_design"
    " issuing_token issuing_transaction mandate payment_intent payment_link payment_method payout person plan price"
    " product promotion_code quote radar refund reporting review setup_intent sigma source subscription_schedule tax"
    " tax_rate terminal test_helpers topup transfer treasury"
    " customer.deleted customer.discount customer.source customer.tax_id customer.card customer.bank_account"
    " invoice.created invoice.deleted invoice.sent invoice.upcoming invoice.will_be_due invoice.payment_succeeded"
    " invoice.payment_action_required invoice.payment_attempt_required invoice.finalization_failed invoice.overpaid"
    " charge.captured charge.expired charge.failed charge.pending charge.updated charge.refund"
    " charge.dispute.funds_reinstated charge.dispute.funds_withdrawn"
    " v2.core.event_destination.ping"
)
KNOWN: Final = frozenset(_KNOWN_WORDS.split())
"""Types, and beginnings of types, that mean nothing here. What changes a schedule shows on its subscription; a payment
that asks for its payer's action has neither failed nor succeeded yet."""

_LATER_MS: Final = {"subscription.ended": 2, "subscription.started": 0, "invoice.issued": 0}
_LATER_MS_ELSE: Final = 1
"""Stripe's clock has seconds. Of one second's events beginnings come first and endings last."""


def read(payload: object, _headers: Mapping[str, str]) -> Sequence[Told]:
    """Return the events that a webhook of Stripe's means.

    Raises:
        RefusedError: ``webhook_unknown``, ``webhook_invalid`` with the field, or ``webhook_thin`` for an event that
            says which object changed and not how.
    """
    outside = parsed(payload, Outside)
    if outside.object == THIN:
        return _thin(payload, outside.type)
    reader = _READERS.get(outside.type)
    if reader is not None:
        return reader(parsed(payload, Snapshot))
    if _means_nothing(outside.type):
        return []
    raise unknown("type", outside.type, "deselect it in Stripe's event destination")


def _means_nothing(event_type: str) -> bool:
    parts = event_type.split(".")
    return any(".".join(parts[:count]) in KNOWN for count in range(1, len(parts) + 1))


class _Related(Vendor, frozen=True):
    id: Id = "?"


class _ThinEvent(Vendor, frozen=True):
    related_object: _Related | None = None


def _thin(payload: object, event_type: str) -> Sequence[Told]:
    """Refuse a thin event that would mean something: neither an amount nor an account is in it."""
    snapshot_type = event_type.removeprefix("v1.")
    if _means_nothing(snapshot_type):
        return []
    if snapshot_type not in _READERS or snapshot_type == event_type:
        raise unknown("type", event_type, "deselect it in Stripe's event destination")
    related = parsed(payload, _ThinEvent).related_object or _Related()
    raise RefusedError(
        "webhook_thin",
        f"a thin event says that {snapshot_type} happened to {related.id[:80]} and not what it is now; set the payload"
        " style of Stripe's event destination to Snapshot",
        field="object",
    )


def _told(
    event: Snapshot, event_type: str, payload: PayloadStruct, account: str, lookups: tuple[str, ...], field: str
) -> Told:
    if not account and not lookups:
        raise invalid(field, f"it belongs to no customer, and no metadata.account_id is there; add {field}")
    time = at_seconds(event.created, _LATER_MS.get(event_type, _LATER_MS_ELSE))
    return Told(event_type, f"{event.id}:{event_type}", payload, time, account, lookups)


def _of(event: Snapshot, owned: Owned, event_type: str, payload: PayloadStruct) -> Told:
    return _told(event, event_type, payload, owned.account(), owned.lookups(), f"{OBJECT}.customer")


def _teaching(event: Snapshot, owned: Owned, external_ids: Mapping[str, str]) -> Told:
    """Tell whose ids these are."""
    return _of(event, owned, "account.updated", made(AccountUpdated, external_ids=external_ids))


def _subscription(event: Snapshot) -> Sequence[Told]:
    told = parsed(event.data.snapshot, Subscription, under=OBJECT)
    found = [_of(event, told, event_type, payload) for event_type, payload in meaning(event, told)]
    if told.account() and told.customer_id():
        found.append(_teaching(event, told, {"stripe": told.customer_id()}))
    return found


def _customer(event: Snapshot) -> Sequence[Told]:
    """The customer's name may be a person's: it stays out, and the account's name comes from the product."""
    told = parsed(event.data.snapshot, Party, under=OBJECT)
    account = among(told.metadata, "account_id", f"{OBJECT}.metadata")
    if not account:
        return []
    payload = made(AccountUpdated, external_ids={"stripe": identity(told.id, f"{OBJECT}.id")})
    return [_told(event, "account.updated", payload, account, (), f"{OBJECT}.metadata")]


def _charge(event: Snapshot) -> Sequence[Told]:
    """A dispute names nothing but its charge: whose that is has to be known before. Guests' charges are nobody's."""
    told = parsed(event.data.snapshot, Owned, under=OBJECT)
    if not told.account() and not told.customer_id():
        return []
    ids = {"stripe_charge": identity(told.id, f"{OBJECT}.id")}
    if told.account() and told.customer_id():
        ids["stripe"] = told.customer_id()
    return [_teaching(event, told, ids)]


def _invoice(event: Snapshot) -> Invoice:
    return parsed(event.data.snapshot, Invoice, under=OBJECT)


def _open_amount(told: Invoice) -> int:
    return max(0, told.amount_due if told.amount_remaining is None else told.amount_remaining)


def _due_on(told: Invoice) -> str | None:
    return None if told.due_date is None else day_at(told.due_date)


def _issued(event: Snapshot) -> Sequence[Told]:
    told = _invoice(event)
    payload = made(InvoiceIssued, invoice_id=told.id, amount=max(0, told.amount_due), due_on=_due_on(told))
    return [_of(event, told, "invoice.issued", payload)]


def _updated(event: Snapshot) -> Sequence[Told]:
    """An open invoice whose amount or date was moved is issued anew; the rest of what can change means nothing."""
    moved = {"amount_due", "due_date"} & event.before().keys()
    return _issued(event) if moved and _invoice(event).status == "open" else []


def _overdue(event: Snapshot) -> Sequence[Told]:
    told = _invoice(event)
    payload = made(InvoiceOverdue, invoice_id=told.id, amount=_open_amount(told), due_on=_due_on(told))
    return [_of(event, told, "invoice.overdue", payload)]


def _settled(event: Snapshot) -> Sequence[Told]:
    told = _invoice(event)
    return [_of(event, told, "invoice.paid", made(InvoicePaid, invoice_id=told.id))]


def _failed(event: Snapshot) -> Sequence[Told]:
    told = _invoice(event)
    payload = made(PaymentFailed, invoice_id=told.id, amount=_open_amount(told))
    return [_of(event, told, "payment.failed", payload)]


def _disputed(event: Snapshot) -> Sequence[Told]:
    told = parsed(event.data.snapshot, Dispute, under=OBJECT)
    outcome = _outcome(event, told.status)
    if outcome is None:
        return []
    payload = made(PaymentDisputed, dispute_id=told.id, amount=max(0, told.amount), outcome=outcome)
    charge = told.charge.id if isinstance(told.charge, Reference) else told.charge
    lookups = lookup("stripe_charge", charge, f"{OBJECT}.charge")
    account = among(told.metadata, "account_id", f"{OBJECT}.metadata")
    return [_told(event, "payment.disputed", payload, account, lookups, f"{OBJECT}.charge")]


def _outcome(event: Snapshot, status: str) -> str | None:
    """Return what a dispute has come to; None for inquiries (``warning_...``), in which no money moves."""
    if event.type == "charge.dispute.closed":
        return status if status in {"won", "lost"} else None
    if status.startswith("warning_"):
        return None
    was_inquiry = str(event.before().get("status", "")).startswith("warning_")
    return "opened" if event.type == "charge.dispute.created" or was_inquiry else None


def _entitled(event: Snapshot) -> Sequence[Told]:
    told = parsed(event.data.snapshot, EntitlementSummary, under=OBJECT)
    if told.entitlements.has_more:
        raise invalid(
            f"{OBJECT}.entitlements.has_more", "the event has only some of the features; send account.updated"
        )
    owner = Owned("summary", told.customer)
    payload = made(AccountUpdated, features=sorted({one.lookup_key for one in told.entitlements.data}))
    return [_of(event, owner, "account.updated", payload)]


_READERS: Final[Mapping[str, Callable[[Snapshot], Sequence[Told]]]] = {
    "customer.subscription.created": _subscription,
    "customer.subscription.updated": _subscription,
    "customer.subscription.deleted": _subscription,
    "customer.subscription.paused": _subscription,
    "customer.subscription.resumed": _subscription,
    "customer.subscription.trial_will_end": _subscription,
    "customer.subscription.pending_update_applied": _subscription,
    "customer.subscription.pending_update_expired": _subscription,
    "customer.created": _customer,
    "customer.updated": _customer,
    "charge.succeeded": _charge,
    "charge.refunded": _charge,
    "charge.dispute.created": _disputed,
    "charge.dispute.updated": _disputed,
    "charge.dispute.closed": _disputed,
    "invoice.finalized": _issued,
    "invoice.updated": _updated,
    "invoice.overdue": _overdue,
    "invoice.payment_failed": _failed,
    "invoice.paid": _settled,
    "invoice.voided": _settled,
    "invoice.marked_uncollectible": _settled,
    "entitlements.active_entitlement_summary.updated": _entitled,
}
