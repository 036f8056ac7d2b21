"""What comes by the other roads in the first minute of live traffic, and what goes wrong with it.

Some of it is refused and some waits for its account, so that the intake page has something to show. All of it but one
invoice finds its account within the minute; that one is left for a person to place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from truenorth import codec
from truenorth.clock import MILLIS_PER_DAY, MILLIS_PER_SECOND
from truenorth.ids import derived_id
from truenorth.samples.book import BookAccount
from truenorth.samples.roads import Parcel, PlainEvents, SdkCalls, Webhook

STRIPE: Final = "stripe"
ACADEMY: Final = "academy"
CONNECTORS: Final = (STRIPE, ACADEMY)
"""The connectors whose webhooks are made."""
_INVOICE_CENTS: Final = 48_000
_API_VERSION: Final = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class Errand:
    """A parcel that is sent ``after_s`` seconds; ``words`` say it to who watches."""

    after_s: float
    words: str
    parcel: Parcel


@dataclass(frozen=True, slots=True)
class _Day:
    """The account that it is about, and when: ``run`` (the start, epoch ms) tells runs apart."""

    account: BookAccount
    run: int

    def id(self, name: str) -> str:
        return derived_id("errand", str(self.run), name)

    def at(self, after_s: float) -> str:
        return codec.rfc3339(self.run + round(after_s * MILLIS_PER_SECOND))

    def event(self, name: str, event_type: str, after_s: float, **more: Any) -> dict[str, Any]:
        outside = {"specversion": "1.0", "id": self.id(name), "source": "crm", "type": event_type}
        return {**outside, "subject": self.account.id, "time": self.at(after_s), "data": {}, **more}

    def call(self, name: str, kind: str, after_s: float, **more: Any) -> dict[str, Any]:
        return {"type": kind, "messageId": self.id(name), "timestamp": self.at(after_s), **more}

    def stripe(self, what: str, customer: str, after_s: float) -> Webhook:
        now_s = self.run // MILLIS_PER_SECOND + round(after_s)
        invoice = {
            "id": f"in_{customer.removeprefix('cus_')}",
            "object": "invoice",
            "customer": customer,
            "amount_due": _INVOICE_CENTS,
            "amount_remaining": 0 if what == "paid" else _INVOICE_CENTS,
            "collection_method": "send_invoice",
            "currency": "usd",
            "due_date": now_s + 30 * MILLIS_PER_DAY // MILLIS_PER_SECOND,
            "metadata": {},
            "status": "paid" if what == "paid" else "open",
        }
        outside = {"id": f"evt_{self.id(f'{what} {customer}')}", "object": "event", "api_version": _API_VERSION}
        return Webhook(STRIPE, {**outside, "created": now_s, "type": f"invoice.{what}", "data": {"object": invoice}})


def errands_of(book: Sequence[BookAccount], *, start_ms: int) -> list[Errand]:
    """Return the errands in their order: none without an account whose days are steady."""
    steady = [account for account in book if account.story.name == "steady"]
    if not steady:
        return []
    day = _Day(steady[-1], start_ms)
    return sorted([*_people(day), *_bills(day), *_mistakes(day), *_trainings(day)], key=lambda errand: errand.after_s)


def _people(day: _Day) -> list[Errand]:
    account, newcomer = day.account, f"{day.account.id}-new-{day.run}"
    traits = {"name": account.name, "plan": account.plan, "industry": account.industry, "country": account.country}
    known = [
        day.call("identify", "identify", 2, userId=account.actors[0], context={"groupId": account.id}),
        day.call("group", "group", 2, userId=account.actors[0], groupId=account.id, traits=traits),
    ]
    unknown = [
        day.call(f"unknown {number}", "track", 7, userId=newcomer, event="Board Viewed", properties={})
        for number in range(3)
    ]
    placed = [day.call("placed", "group", 36, userId=newcomer, groupId=account.id, traits={})]
    return [
        Errand(2, f"{account.name}: its SDK says who they are (/v1/batch: identify, group)", SdkCalls(known)),
        Errand(7, "Somebody new signed in; their three calls wait until their account is known", SdkCalls(unknown)),
        Errand(36, f"{account.name}: a group call says that they are theirs; the three calls go on", SdkCalls(placed)),
    ]


def _bills(day: _Day) -> list[Errand]:
    name, customer, stranger = day.account.name, f"cus_{day.run}", f"cus_unclaimed_{day.run}"
    claims = day.event("claims", "account.updated", 41, data={"external_ids": {STRIPE: customer}})
    return [
        Errand(
            10, "Stripe bills a customer nobody has claimed; the invoice waits", day.stripe("finalized", customer, 10)
        ),
        Errand(12, "and another one, which waits for you: see Intake", day.stripe("finalized", stranger, 12)),
        Errand(
            41, f"{name}: the CRM says that Stripe's {customer} is theirs; the invoice goes on", PlainEvents([claims])
        ),
        Errand(44, f"{name}: Stripe says that the invoice is paid", day.stripe("paid", customer, 44)),
    ]


def _mistakes(day: _Day) -> list[Errand]:
    wrong = [
        day.event("count", "usage.recorded", 15, data={"feature": "export", "count": 0}),
        day.event("count 2", "usage.recorded", 15, data={"feature": "report", "count": -1}),
        day.event("type", "usage.record", 15, data={"feature": "export"}),
        day.event("subject", "ticket.opened", 15, subject="", data={"ticket_id": "t-1", "priority": "p3"}),
        day.event("priority", "ticket.opened", 15, data={"ticket_id": "t-2", "priority": "urgent"}),
    ]
    calls = [
        day.call("nobody", "track", 24, event="Export Finished", properties={}),
        day.call("seats", "group", 24, userId="u-1", groupId=day.account.id, traits={"seats": "plenty"}),
    ]
    return [
        Errand(15, "A back end makes five mistakes; each is refused by itself, see Intake", PlainEvents(wrong)),
        Errand(24, "An SDK makes two; what else it sends is taken", SdkCalls(calls)),
    ]


def _trainings(day: _Day) -> list[Errand]:
    said = {"delivery": day.id("training"), "event": "session.finished", "at": day.at(28)}
    attended = {"attended": [{"account": day.account.id}]}
    return [
        Errand(28, f"{day.account.name}: the academy reports a training (a webhook)", Webhook(ACADEMY, said | attended))
    ]
