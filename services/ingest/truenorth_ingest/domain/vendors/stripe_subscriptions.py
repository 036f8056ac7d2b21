"""A subscription's yearly worth, seats and plan, and which event a snapshot of it is."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from truenorth.events.inputs import RenewalIntent, SubscriptionChanged, SubscriptionEnded, SubscriptionStarted
from truenorth.events.payload import PayloadStruct

from truenorth_ingest.domain.vendors.said import day_at, first_fitting, invalid, made
from truenorth_ingest.domain.vendors.stripe_objects import OBJECT, Item, Price, Reference, Snapshot, Subscription

PERIODS_PER_YEAR: Final = {"day": 365, "week": 52, "month": 12, "year": 1}
ALIVE: Final = frozenset({"active", "trialing", "past_due"})
ENDED: Final = frozenset({"canceled", "unpaid", "incomplete_expired", "paused"})
NOT_YET: Final = "incomplete"
"""The first payment is still to come: nothing has started."""

_ARR_KEY: Final = "truenorth_arr"
_BEGINNINGS: Final = frozenset({"customer.subscription.created", "customer.subscription.resumed"})


def meaning(event: Snapshot, told: Subscription) -> list[tuple[str, PayloadStruct]]:
    """Return what a snapshot means: (event type, payload) of what became of it, and of what its payer intends.

    Raises:
        RefusedError: a status that is not known, an interval that is not, or a worth that is no amount.
    """
    found = [one] if (one := _became(event, told)) else []
    if told.status in ALIVE and {"cancel_at_period_end", "cancel_at"} & event.before().keys():
        leaves = told.cancel_at_period_end or told.cancel_at is not None
        found.append(("renewal.intent", RenewalIntent("leave" if leaves else "renew")))
    return found


def _became(event: Snapshot, told: Subscription) -> tuple[str, PayloadStruct] | None:
    if event.type == "customer.subscription.deleted" or told.status in ENDED:
        return "subscription.ended", made(SubscriptionEnded, subscription_id=told.id, reason=_reason(told))
    if told.status == NOT_YET:
        return None
    if told.status not in ALIVE:
        words = ", ".join(sorted({*ALIVE, *ENDED, NOT_YET}))
        raise invalid(f"{OBJECT}.status", f"{told.status[:80]!r} is not a status; known are {words}")
    arr = yearly_minor_units(told)
    fields = {
        "subscription_id": told.id,
        "plan": plan_of(told.items.data),
        "seats": seats_of(told),
        "arr": arr,
        "trial": told.status == "trialing",
        "renews_on": renews_on(told),
    }
    again = event.before().get("status") in {*ENDED, NOT_YET}
    if again or (event.type in _BEGINNINGS and arr is not None):
        return "subscription.started", made(SubscriptionStarted, **fields)
    return "subscription.changed", made(SubscriptionChanged, **fields)  # told first, it begins there, of unknown worth


def yearly_minor_units(told: Subscription) -> int | None:
    """Return what the subscription brings in a year at list price; None when its prices do not say.

    Metered items are left out beside others, as nobody has committed to them.
    """
    said = (told.metadata or {}).get(_ARR_KEY)
    if said is not None:
        text = str(said)
        if not (text.isdecimal() and text.isascii() and len(text) <= 15):
            raise invalid(f"{OBJECT}.metadata.{_ARR_KEY}", "an amount in minor units, such as 1200000 for 12,000.00")
        return int(text)
    licensed = _licensed(told.items.data)
    if told.items.has_more or not licensed:
        return None
    parts = [_yearly(price, quantity) for price, quantity in licensed]
    known = [part for part in parts if part is not None]
    return max(0, int(sum(known) + Fraction(1, 2))) if len(known) == len(parts) else None


def seats_of(told: Subscription) -> int | None:
    """Return the sum of the licensed quantities; None when it is not known."""
    licensed = _licensed(told.items.data)
    return sum(quantity for _, quantity in licensed) if licensed and not told.items.has_more else None


def plan_of(items: Sequence[Item]) -> str | None:
    """Return what the first item's price is called: its lookup key, nickname, product or id."""
    price = next((price for item in items if (price := _price(item))), None)
    if price is None:
        return None
    product = price.product.id if isinstance(price.product, Reference) else price.product
    return first_fitting(price.lookup_key, price.nickname, product, price.id)


def renews_on(told: Subscription) -> str | None:
    """Return the day on which the period ends; the latest where items have periods of their own."""
    ends = [item.current_period_end for item in told.items.data if item.current_period_end is not None]
    end = told.current_period_end if told.current_period_end is not None else max(ends, default=None)
    return None if end is None else day_at(end)


def _price(item: Item) -> Price | None:
    return item.price or (item.plan.price() if item.plan else None)


def _licensed(items: Sequence[Item]) -> list[tuple[Price, int]]:
    """Return (price, quantity) of what is paid for whether or not it is used."""
    found = [(price, 1 if item.quantity is None else item.quantity) for item in items if (price := _price(item))]
    return [(price, quantity) for price, quantity in found if price.recurring and _is_licensed(price)]


def _is_licensed(price: Price) -> bool:
    return price.recurring is not None and price.recurring.usage_type != "metered"


def _yearly(price: Price, quantity: int) -> Fraction | None:
    amount = price.unit_amount_decimal if price.unit_amount is None else price.unit_amount
    if amount is None or price.recurring is None:
        return None
    periods = PERIODS_PER_YEAR.get(price.recurring.interval)
    if periods is None:
        words = ", ".join(PERIODS_PER_YEAR)
        raise invalid(f"{OBJECT}.items.data.price.recurring.interval", f"not an interval; known are {words}")
    return Fraction(amount) * quantity * periods / price.recurring.interval_count


def _reason(told: Subscription) -> str:
    said = told.cancellation_details or None
    return (first_fitting(said.feedback, said.reason) if said else None) or told.status
