"""The parts of Stripe's events and objects that are read, in every API version since 2018.

People's names, addresses, cards and free texts are in none of them, so they cannot leave.
"""

from typing import Annotated

from msgspec import Meta, field

from truenorth_ingest.domain.vendors.said import EpochSeconds, Id, Number, Vendor, among, identity, lookup

Amount = Annotated[str, Meta(pattern=r"^-?\d{1,15}(\.\d{1,12})?$")]
Quantity = Annotated[int, Meta(ge=0, le=10_000_000)]
Times = Annotated[int, Meta(ge=1, le=3_660)]
Metadata = dict[str, object] | None

OBJECT = "data.object"


class Outside(Vendor, frozen=True):
    """What tells a snapshot event from a thin one."""

    object: str = ""
    type: str = ""


class Data(Vendor, frozen=True):
    """An object as it was, and the former values of what changed."""

    snapshot: dict[str, object] = field(name="object")
    previous_attributes: dict[str, object] | None = None


class Snapshot(Vendor, frozen=True):
    """A snapshot event; ``created`` is when it happened."""

    id: Annotated[str, Meta(pattern=r"^[!-~]{1,128}$")]
    type: str
    created: EpochSeconds
    data: Data

    def before(self) -> dict[str, object]:
        """Return the former values of what changed."""
        return self.data.previous_attributes or {}


class Party(Vendor, frozen=True):
    """An object that may stand in place of its id."""

    id: Id
    metadata: Metadata = None


class Reference(Vendor, frozen=True):
    """Another object that may stand in place of its id."""

    id: Id


class Recurring(Vendor, frozen=True):
    """How often a price is due."""

    interval: str = ""
    interval_count: Times = 1
    usage_type: str = "licensed"


class Price(Vendor, frozen=True):
    """A price; without a unit amount it is tiered or custom."""

    id: Id
    unit_amount: Number | None = None
    unit_amount_decimal: Amount | None = None
    lookup_key: str | None = None
    nickname: str | None = None
    product: str | Reference | None = None
    recurring: Recurring | None = None


class Plan(Vendor, frozen=True):
    """What prices were called before 2020, and still stands beside them."""

    id: Id
    amount: Number | None = None
    amount_decimal: Amount | None = None
    interval: str = ""
    interval_count: Times = 1
    usage_type: str = "licensed"
    nickname: str | None = None
    product: str | Reference | None = None

    def price(self) -> Price:
        """Return it as the price it is."""
        recurring = Recurring(self.interval, self.interval_count, self.usage_type)
        return Price(self.id, self.amount, self.amount_decimal, None, self.nickname, self.product, recurring)


class Item(Vendor, frozen=True):
    """One line of a subscription. The period stands here since API version 2025-03-31."""

    price: Price | None = None
    plan: Plan | None = None
    quantity: Quantity | None = None
    current_period_end: EpochSeconds | None = None


class Items(Vendor, frozen=True):
    """The lines; ``has_more`` when the event does not have all of them."""

    data: list[Item] = []
    has_more: bool = False


class Cancellation(Vendor, frozen=True):
    """Why it was cancelled, in Stripe's words. The payer's own words are not read."""

    feedback: str | None = None
    reason: str | None = None


class Owned(Vendor, frozen=True):
    """Anything that belongs to a customer."""

    id: Id
    customer: str | Party | None = None
    metadata: Metadata = None

    def account(self) -> str:
        """Return the account that the metadata names; the customer's counts after the object's own."""
        return among(self.metadata, "account_id", f"{OBJECT}.metadata") or self._customers_account()

    def customer_id(self) -> str:
        """Return the customer's id; empty when it belongs to nobody."""
        return identity(self.customer.id if isinstance(self.customer, Party) else self.customer, f"{OBJECT}.customer")

    def lookups(self) -> tuple[str, ...]:
        """Return what the account is looked up by."""
        return lookup("stripe", self.customer_id(), f"{OBJECT}.customer")

    def _customers_account(self) -> str:
        if isinstance(self.customer, Party):
            return among(self.customer.metadata, "account_id", f"{OBJECT}.customer.metadata")
        return ""


class Subscription(Owned, frozen=True, kw_only=True):
    """A subscription. The period stood here before API version 2025-03-31."""

    status: str
    items: Items = Items()
    current_period_end: EpochSeconds | None = None
    cancel_at_period_end: bool = False
    cancel_at: EpochSeconds | None = None
    cancellation_details: Cancellation | None = None


class SubscriptionDetails(Vendor, frozen=True):
    """The subscription's metadata as they were when the invoice was made."""

    metadata: Metadata = None


class Parent(Vendor, frozen=True):
    """What made an invoice, since API version 2025-03-31."""

    subscription_details: SubscriptionDetails | None = None


class Invoice(Owned, frozen=True, kw_only=True):
    """An invoice; both places where its subscription's metadata can be."""

    status: str | None = None
    amount_due: Number = 0
    amount_remaining: Number | None = None
    due_date: EpochSeconds | None = None
    parent: Parent | None = None
    subscription_details: SubscriptionDetails | None = None

    def account(self) -> str:
        """Return the account that the invoice, its subscription or its customer names."""
        own = among(self.metadata, "account_id", f"{OBJECT}.metadata")
        inner = self.parent.subscription_details if self.parent else None
        for details in (inner, self.subscription_details):
            if not own and details:
                own = among(details.metadata, "account_id", f"{OBJECT}.subscription_details.metadata")
        return own or self._customers_account()


class Dispute(Vendor, frozen=True):
    """A dispute knows its charge, and not whose that was."""

    id: Id
    status: str
    amount: Number = 0
    charge: str | Reference | None = None
    metadata: Metadata = None


class Entitlement(Vendor, frozen=True):
    """A feature that a customer may use."""

    lookup_key: str


class Entitlements(Vendor, frozen=True):
    """The features; ``has_more`` when the event does not have all of them."""

    data: list[Entitlement]
    has_more: bool = False


class EntitlementSummary(Vendor, frozen=True):
    """All that a customer is entitled to."""

    customer: str | Party
    entitlements: Entitlements
