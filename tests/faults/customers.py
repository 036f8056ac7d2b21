"""Customers that use, complain, pay late and come round again, so that workers always have something to decide."""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

from truenorth.clock import Clock
from truenorth.codec import rfc3339
from truenorth.events.inputs import (
    AccountUpdated,
    InvoiceOverdue,
    InvoicePaid,
    PaymentFailed,
    SubscriptionStarted,
    SurveyAnswered,
    TicketOpened,
    TicketSolved,
    UsageRecorded,
    ValueRecorded,
)
from truenorth.events.people import NoteAdded

from tests.faults.ledger import Sent

T = TypeVar("T")

DAY_MS = 86_400_000
ACTORS = 4
TROUBLE_TICKETS = 4


class Customers:
    """Makes events of ``count`` accounts; the same seed makes the same choices."""

    def __init__(self, count: int, *, seed: int, clock: Clock) -> None:
        self.accounts = [f"account-{number:04}" for number in range(count)]
        self._random = random.Random(seed)
        self._clock = clock
        self._numbers = itertools.count()
        self._troubled: dict[str, list[str]] = {}

    def past(self) -> Iterator[list[Sent]]:
        """Yield what came before, per account: facts, a subscription, four weeks of usage."""
        now_ms = self._clock.now_ms()
        for account in self.accounts:
            yield [*self._facts(account, now_ms), *self._four_weeks(account, now_ms)]

    def some(self, count: int) -> list[Sent]:
        """Return about ``count`` events of now."""
        now_ms = self._clock.now_ms()
        events = [self._one(self._random.choice(self.accounts), now_ms) for _ in range(count)]
        if self._random.random() < 0.25:
            events += self._change_of_mood(self._random.choice(self.accounts), now_ms)
        return events

    def again(self, sent: Sequence[T], share: float) -> list[T]:
        """Return this share of what was sent, to be sent again."""
        return self._random.sample(sent, round(share * len(sent)))

    def _id(self, account: str) -> str:
        return f"{account}-{next(self._numbers)}"

    def _facts(self, account: str, now_ms: int) -> list[Sent]:
        start = rfc3339(now_ms - 200 * DAY_MS)[:10]
        facts = AccountUpdated(
            name=account.title(),
            owner_id="ana",
            tier="mid-market",
            signed_up_on=start,
            renews_on=rfc3339(now_ms + 41 * DAY_MS)[:10],
        )
        plan = SubscriptionStarted(f"{account}-plan", plan="pro", seats=ACTORS, arr=21_200_000)
        return [
            Sent("accounts", account, self._id(account), facts, now_ms),
            Sent("billing", account, self._id(account), plan, now_ms - 200 * DAY_MS),
        ]

    def _four_weeks(self, account: str, now_ms: int) -> list[Sent]:
        return [
            Sent(
                "usage",
                account,
                self._id(account),
                UsageRecorded(f"feature_{(days + actor) % 8}", count=5, actor=f"actor-{actor}"),
                now_ms - days * DAY_MS,
                "usage",
            )
            for days in range(28)
            for actor in range(ACTORS)
        ]

    def _one(self, account: str, now_ms: int) -> Sent:
        chance = self._random.random()
        event_id = self._id(account)
        if chance < 0.84:
            late_ms = self._random.randrange(3 * DAY_MS) if self._random.random() < 0.05 else 0
            used = UsageRecorded(
                f"feature_{self._random.randrange(8)}",
                count=self._random.randint(1, 3),
                actor=f"actor-{self._random.randrange(ACTORS)}",
            )
            return Sent("usage", account, event_id, used, now_ms - late_ms, "usage")
        if chance < 0.90:
            gained = ValueRecorded(amount=1.0, unit="hours")
            return Sent("engagements", account, event_id, gained, now_ms, "value")
        if chance < 0.94:
            return Sent("actions", account, event_id, NoteAdded(by="ana", text="called"), now_ms, "note")
        if chance < 0.97:
            answer = SurveyAnswered(kind="csat", score=float(self._random.randint(1, 5)))
            return Sent("surveys", account, event_id, answer, now_ms, "answer")
        fact = AccountUpdated(seats=self._random.randint(ACTORS, 9))
        return Sent("accounts", account, event_id, fact, now_ms)

    def _change_of_mood(self, account: str, now_ms: int) -> list[Sent]:
        """Trouble begins, or what there was of it ends: bands and findings change."""
        open_tickets = self._troubled.pop(account, None)
        if open_tickets is None:
            return self._trouble(account, now_ms)
        solved = [
            Sent("tickets", account, self._id(account), TicketSolved(ticket), now_ms, "", ticket)
            for ticket in open_tickets
        ]
        invoice = f"{open_tickets[0]}-invoice"
        return [*solved, Sent("billing", account, self._id(account), InvoicePaid(invoice), now_ms, "", invoice)]

    def _trouble(self, account: str, now_ms: int) -> list[Sent]:
        since_ms = now_ms - 9 * DAY_MS
        tickets = [f"{self._id(account)}-ticket" for _ in range(TROUBLE_TICKETS)]
        self._troubled[account] = tickets
        opened = [
            Sent("tickets", account, self._id(account), TicketOpened(ticket, priority="p1"), since_ms, "", ticket)
            for ticket in tickets
        ]
        invoice = f"{tickets[0]}-invoice"
        due = rfc3339(now_ms - 40 * DAY_MS)[:10]
        return [
            *opened,
            Sent(
                "billing",
                account,
                self._id(account),
                InvoiceOverdue(invoice, amount=1, due_on=due),
                now_ms,
                "",
                invoice,
            ),
            Sent("billing", account, self._id(account), PaymentFailed(invoice, amount=150_000), now_ms),
        ]
