"""The past of a book: what its back ends would have posted day by day, as backfill. The same seed, the same past."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from truenorth.clock import MILLIS_PER_DAY, date_of_day, day_of, day_start_ms
from truenorth.events import inputs
from truenorth.events.payload import PayloadStruct
from truenorth.events.people import HistoryLoaded
from truenorth.ids import derived_id
from truenorth.samples.book import BookAccount
from truenorth.samples.dealings import contact, dealings_of, said_of
from truenorth.samples.events import SampleEvent, in_posting_order

_HOUR_MS = 3_600_000
_RECENT_DAYS = 28
_EVENTS_PER_DAY_MAX = 8
_WEEKEND_SHARE = 0.25
_LONG_STANDING_DAYS = 100
_ARR_CHANGED_DAYS = 30
_BEGAN_WELL_FEATURES = 5


def past_of(book: list[BookAccount], *, days: int, seed: int, now_ms: int, contacts: bool = False) -> list[SampleEvent]:
    """Return the events of the last ``days`` days in posting order, ``history.loaded`` per account last."""
    events: list[SampleEvent] = []
    loaded: list[SampleEvent] = []
    for account in book:
        past = Past(account, seed=seed, now_ms=now_ms, days=days)
        events += past.events(contacts=contacts)
        loaded.append(past.loaded())
    return in_posting_order(events) + loaded


def said_by_csms(book: list[BookAccount], *, seed: int, now_ms: int) -> list[SampleEvent]:
    """Return what the CSMs of the book say of their accounts: events of `actions`, which no back end may post."""
    return [
        SampleEvent(
            derived_id("said", str(seed), account.id, str(day_of(now_ms)), str(number)),
            account.id,
            round(now_ms - ago * MILLIS_PER_DAY),
            data,
            backfill=True,
        )
        for account in book
        for number, (ago, data) in enumerate(said_of(account))
    ]


@dataclass(slots=True)
class Past:
    """One account's past. Event ids are derived from the book's seed, so posting twice is posting once."""

    account: BookAccount
    seed: int
    now_ms: int
    days: int

    def events(self, *, contacts: bool) -> list[SampleEvent]:
        """Return its events, in no order."""
        made = list(self._payloads(contacts=contacts))
        return [
            SampleEvent(self._id(number), self.account.id, min(time_ms, self.now_ms), data, backfill=True)
            for number, (time_ms, data) in enumerate(made)
        ]

    def loaded(self) -> SampleEvent:
        """Return the event that says its past is complete."""
        first = date_of_day(self._today - min(self.days, self.account.age_days)).isoformat()
        return SampleEvent(self._id(-1), self.account.id, self.now_ms, HistoryLoaded(from_on=first))

    @property
    def _today(self) -> int:
        return day_of(self.now_ms)

    def _id(self, number: int) -> str:
        return derived_id("book", str(self.seed), self.account.id, str(self._today), str(number))

    def _ms(self, days_ago: float, hour: float = 9.0) -> int:
        """Return the moment of an hour so many days ago; today's hours are squeezed into what has passed of it."""
        if days_ago < 1:
            start = day_start_ms(self._today)
            return start + round((self.now_ms - start) * hour / 24)
        return day_start_ms(self._today - round(days_ago)) + round(hour * _HOUR_MS)

    def _payloads(self, *, contacts: bool) -> Iterator[tuple[int, PayloadStruct]]:
        rng = random.Random(f"past {self.seed} {self.account.id}")  # noqa: S311 - a reproducible sample
        yield self._ms(self.account.age_days, 8), facts_of(self.account, today=self._today)
        yield from self._billing()
        yield from self._support(rng)
        yield from self._people(contacts=contacts)
        yield from self._first_days()
        yield from self._usage(rng)

    def _billing(self) -> Iterator[tuple[int, PayloadStruct]]:
        account, story = self.account, self.account.story
        renews = date_of_day(self._today) + timedelta(days=account.renews_in_days)
        yield (
            self._ms(account.age_days, 8.1),
            inputs.SubscriptionStarted(
                subscription_id=f"{account.id}-s1",
                plan=account.plan,
                seats=account.seats,
                arr=round(account.arr * story.arr_was),
                trial=story.trial,
                renews_on=None if story.trial else renews.isoformat(),
            ),
        )
        if story.arr_was != 1 and account.age_days > _ARR_CHANGED_DAYS:
            changed = inputs.SubscriptionChanged(subscription_id=f"{account.id}-s1", arr=account.arr)
            yield self._ms(_ARR_CHANGED_DAYS, 10), changed
        if story.churned is not None:
            ended = inputs.SubscriptionEnded(subscription_id=f"{account.id}-s1", reason="price")
            yield self._ms(story.churned, 17), ended
            yield self._ms(story.churned, 17.1), inputs.AccountChurned(reason="price")
        if story.trial or account.age_days < 40:
            return
        late = story.overdue or 0
        invoice = f"{account.id}-i1"
        due = date_of_day(self._today - late if late else self._today - 5).isoformat()
        amount = account.arr // 4
        yield (
            self._ms(min(late + 14, account.age_days - 1)),
            inputs.InvoiceIssued(invoice_id=invoice, amount=amount, due_on=due),
        )
        for number in range(story.failed_payments):
            yield self._ms(late - 1 - 3 * number, 6), inputs.PaymentFailed(invoice_id=invoice, amount=amount)
        if late:
            yield self._ms(late - 1, 7), inputs.InvoiceOverdue(invoice_id=invoice, amount=amount, due_on=due)
        else:
            yield self._ms(6), inputs.InvoicePaid(invoice_id=invoice)

    def _support(self, rng: random.Random) -> Iterator[tuple[int, PayloadStruct]]:
        account, story = self.account, self.account.story
        number = 0
        for _ in range(story.solved_tickets):
            number += 1
            ticket, opened = f"{account.id}-t{number}", rng.randint(3, min(26, max(4, account.age_days - 1)))
            priority: inputs.Priority = rng.choice(("p2", "p3", "p4"))
            minutes = round(story.response_hours * 60 * rng.uniform(0.6, 1.4))
            yield self._ms(opened, 10), inputs.TicketOpened(ticket_id=ticket, priority=priority)
            solved = inputs.TicketSolved(ticket_id=ticket, first_response_minutes=minutes)
            yield self._ms(opened - 1, 15), solved
            if number <= story.reopened:
                yield self._ms(opened - 1, 17), inputs.TicketReopened(ticket_id=ticket)
                yield self._ms(opened - 2, 9), inputs.TicketSolved(ticket_id=ticket)
            if story.csat is not None:
                score = min(5.0, max(1.0, story.csat + rng.choice((-0.5, 0, 0.5))))
                yield self._ms(opened - 1, 16), inputs.TicketRated(ticket_id=ticket, score=score)
        for place in range(story.open_tickets):
            number += 1
            yield self._ms(2 + place * 2, 11), inputs.TicketOpened(ticket_id=f"{account.id}-t{number}")
        if story.p1_open is not None:
            urgent = inputs.TicketOpened(ticket_id=f"{account.id}-p1", priority="p1", escalated=True)
            yield self._ms(story.p1_open, 12), urgent

    def _people(self, *, contacts: bool) -> Iterator[tuple[int, PayloadStruct]]:
        account = self.account
        yield from ((self._ms(ago, 13), data) for ago, data in dealings_of(account))
        if contacts:
            mail = f"champion@{account.id}.example.com"
            known = inputs.ContactUpdated(
                contact_id=contact(account, "champion"),
                account_id=account.id,
                name=f"Champion of {account.name}",
                email=mail,
                role="champion",
            )
            yield self._ms(account.age_days, 8.2), known

    def _first_days(self) -> Iterator[tuple[int, PayloadStruct]]:
        """Yield how an account of long standing once began: seven features within ten days, where it went well."""
        account = self.account
        if account.age_days < _LONG_STANDING_DAYS or account.story.features < _BEGAN_WELL_FEATURES:
            return
        for place, (feature, module) in enumerate(account.feature_modules[:7]):
            usage = inputs.UsageRecorded(feature=feature, module=module, count=3, actor=account.actors[0])
            yield self._ms(account.age_days - 1 - place, 10), usage

    def _usage(self, rng: random.Random) -> Iterator[tuple[int, PayloadStruct]]:
        """Yield day by day who used what: recent days are ``trend`` times as busy as the ones before."""
        account, story = self.account, self.account.story
        if not story.seat_share:
            return
        actors = account.actors
        active = actors[: max(1, round(len(actors) * story.seat_share * rng.uniform(0.88, 1.12)))]
        trend = story.trend * rng.uniform(0.92, 1.08)
        features = account.feature_modules[: story.features]
        last = max(story.quiet_days, story.churned or 0)
        turn = rng.randrange(len(active))
        for ago in range(min(self.days, account.age_days), last - 1, -1):
            weekend = date_of_day(self._today - ago).weekday() >= 5
            if weekend and rng.random() > _WEEKEND_SHARE and ago:
                continue
            busy = trend if ago < _RECENT_DAYS else 1.0
            made = min(_EVENTS_PER_DAY_MAX, len(active) + 1)
            for place in range(made):
                feature, module = features[(turn + place) % len(features)]
                count = max(1, round(rng.randint(6, 14) * busy))
                usage = inputs.UsageRecorded(
                    feature=feature, module=module, count=count, actor=active[(turn + place) % len(active)]
                )
                yield self._ms(ago, rng.uniform(7, 18)), usage
            turn += made


def facts_of(account: BookAccount, *, today: int) -> inputs.AccountUpdated:
    """Return the facts of an account of the book; ``today`` is the epoch day that ages count from."""
    signed_up = date_of_day(today - account.age_days).isoformat()
    return inputs.AccountUpdated(
        name=account.name,
        owner_id=account.owner,
        plan=account.plan,
        industry=account.industry,
        country=account.country,
        seats=account.seats,
        signed_up_on=signed_up,
        contract_starts_on=None if account.story.trial else signed_up,
        renews_on=None
        if account.story.trial
        else (date_of_day(today) + timedelta(days=account.renews_in_days)).isoformat(),
        trial=account.story.trial,
        tier=account.tier,
        potential_arr=None if account.story.potential is None else round(account.arr * account.story.potential),
        promised_service=account.story.promised,
        parent_id=account.parent,
    )
