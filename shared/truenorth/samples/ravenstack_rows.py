"""What one row of RavenStack means, as events; the rules are told in `truenorth.samples.ravenstack`."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from truenorth.clock import to_millis
from truenorth.events import inputs
from truenorth.events.payload import PayloadStruct
from truenorth.ids import derived_id
from truenorth.samples.events import SampleEvent
from truenorth.samples.owners import owner_of
from truenorth.samples.report import LoadReport
from truenorth.samples.tables import Row, RowRefusedError

_PRIORITIES: Final[dict[str, inputs.Priority]] = {"urgent": "p1", "high": "p2", "medium": "p3", "low": "p4"}
_CENTS: Final = 100


@dataclass(slots=True)
class _Account:
    row: int
    signed_up: date
    flagged: bool
    churns: list[tuple[datetime, Row]] = field(default_factory=list)
    ends: list[date | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Subscription:
    account: str
    start: date
    end: date | None


class Mapper:
    """Takes rows, file by file (accounts, subscriptions, usage, tickets, churn), and gathers events."""

    def __init__(self, report: LoadReport, *, shift: timedelta, now_ms: int, end: date) -> None:
        self.events: list[SampleEvent] = []
        self.accounts: dict[str, _Account] = {}
        self._subscriptions: dict[str, _Subscription] = {}
        self._report = report
        self._shift = shift
        self._now_ms = now_ms
        self._end = end - shift
        self._parts: dict[str, int] = defaultdict(int)

    def take(self, row: Row, suffix: str) -> None:
        """Turn a row into events.

        Raises:
            RowRefusedError: when it cannot be taken; nothing of it was.
        """
        takers = {
            "accounts": self._account,
            "subscriptions": self._subscription,
            "feature_usage": self._usage,
            "support_tickets": self._ticket,
            "churn_events": self._churn_row,
        }
        takers[row.file](row, suffix)

    def finish(self) -> None:
        """Churn and reactivate, once all churn rows of an account are known."""
        for name, account in self.accounts.items():
            self._churn(name, account)

    def _account(self, row: Row, _: str) -> None:
        name = row.needed("account_id")
        signed_up = row.day("signup_date")
        seats = row.number_in("seats")
        if seats is None or seats < 0:
            self._report.repair(row.file, row.number, "seats unreadable: left out")
            seats = None
        facts = inputs.AccountUpdated(
            name=row.text("account_name") or name,
            owner_id=owner_of(name),
            plan=row.text("plan_tier") or None,
            industry=row.text("industry") or None,
            country=row.text("country") or None,
            seats=None if seats is None else int(seats),
            signed_up_on=(signed_up + self._shift).isoformat(),
            trial=row.flag("is_trial"),
        )
        self.accounts[name] = _Account(row.number, signed_up, row.flag("churn_flag"))
        self._add(row, name, _at(signed_up), facts)

    def _subscription(self, row: Row, suffix: str) -> None:
        account = self._known_account(row)
        name = f"{row.needed('subscription_id')}{suffix}"
        start = row.day("start_date")
        end = row.day("end_date") if row.text("end_date") else None
        if end is not None and end < start:
            self._report.repair(row.file, row.number, "ends before it starts: ended on its first day")
            end = start
        seats, arr = row.number_in("seats"), row.number_in("arr_amount")
        if seats is None or arr is None or seats < 0 or arr < 0:
            self._report.repair(row.file, row.number, "seats or amount unreadable: taken as 0")
        self._subscriptions.setdefault(name, _Subscription(account, start, end))
        self.accounts[account].ends.append(end)
        started = inputs.SubscriptionStarted(
            subscription_id=name,
            plan=row.text("plan_tier") or "default",
            seats=int(max(seats or 0, 0)),
            arr=round(max(arr or 0, 0) * _CENTS),
            trial=row.flag("is_trial"),
        )
        self._add(row, account, _at(start, minute=1), started)
        if end is not None:
            self._add(row, account, _at(end, minute=9), inputs.SubscriptionEnded(subscription_id=name))

    def _usage(self, row: Row, suffix: str) -> None:
        subscription = self._subscriptions.get(row.needed("subscription_id"))
        if subscription is None:
            raise RowRefusedError("names a subscription that is not there")
        day, feature = row.day("usage_date"), row.needed("feature_name")
        count = row.number_in("usage_count")
        if count is None or count < 0:
            raise RowRefusedError("usage_count is no count")
        if count < 1:
            raise RowRefusedError("usage_count is 0: nothing was used")
        if day < subscription.start:
            self._odd(row, "used before its subscription started")
        elif subscription.end is not None and day > subscription.end:
            self._odd(row, "used after its subscription ended")
        usage = inputs.UsageRecorded(
            feature=feature,
            count=int(count),
            duration_seconds=_count(row, "usage_duration_secs"),
            errors=_count(row, "error_count"),
        )
        self._add(row, subscription.account, _at(day, minute=5), usage, suffix)

    def _ticket(self, row: Row, suffix: str) -> None:
        account = self._known_account(row)
        name = f"{row.needed('ticket_id')}{suffix}"
        opened = row.moment("submitted_at")
        priority = _PRIORITIES.get(row.text("priority").lower())
        if priority is None:
            self._report.repair(row.file, row.number, "unknown priority: taken as medium")
        if opened.date() < self.accounts[account].signed_up:
            self._odd(row, "opened before its account signed up")
        ticket = inputs.TicketOpened(ticket_id=name, priority=priority or "p3", escalated=row.flag("escalation_flag"))
        solved = row.moment("closed_at") if row.text("closed_at") else None
        if solved is not None and solved < opened:
            self._report.repair(row.file, row.number, "closed before it was opened: closed when opened")
            solved = opened
        self._add(row, account, opened, ticket)
        if solved is not None:
            minutes = _count(row, "first_response_time_minutes")
            self._add(row, account, solved, inputs.TicketSolved(ticket_id=name, first_response_minutes=minutes))
        self._rating(row, account, name, solved or opened)

    def _rating(self, row: Row, account: str, ticket: str, when: datetime) -> None:
        score = row.number_in("satisfaction_score")
        if score is None:
            self._odd(row, "no satisfaction score")
        elif 1 <= score <= 5:
            self._add(row, account, when, inputs.TicketRated(ticket_id=ticket, score=score))
        else:
            self._report.repair(row.file, row.number, "satisfaction outside 1 to 5: left out")

    def _churn_row(self, row: Row, _: str) -> None:
        account = self.accounts[self._known_account(row)]
        account.churns.append((row.moment("churn_date"), row))

    def _churn(self, name: str, account: _Account) -> None:
        account.churns.sort(key=lambda churn: (churn[0], churn[1].number))
        for index, (when, row) in enumerate(account.churns):
            final = account.flagged and index == len(account.churns) - 1
            refund = row.number_in("refund_amount_usd") or 0
            churned = inputs.AccountChurned(
                reason=row.text("reason_code") or None, refund=round(max(refund, 0) * _CENTS) or None
            )
            moment = when + timedelta(minutes=10 + index)
            self._add(row, name, moment, churned)
            if not final:
                self._add(row, name, self._back(account, index, moment), inputs.AccountReactivated())
                why = "left again later" if account.flagged else "its churn_flag is False"
                self._report.repair(row.file, row.number, f"{why}: taken as churned and returned")
        if account.flagged and not account.churns:
            ended = account.ends and all(account.ends)
            last = max((end for end in account.ends if end), default=self._end) if ended else self._end
            self._report.repair("accounts", account.row, "churn_flag without a churn event: churned at its last end")
            row = Row("accounts", account.row, {"account_id": name})
            self._add(row, name, _at(last, minute=20), inputs.AccountChurned())

    def _back(self, account: _Account, index: int, left: datetime) -> datetime:
        """Return when they came back: a day later, but before they leave again and before the data ends."""
        latest = _at(self._end, minute=40 + index % 19)
        if index + 1 < len(account.churns):
            latest = account.churns[index + 1][0] + timedelta(minutes=10 + index)
        return max(min(left + timedelta(days=1), latest), left + timedelta(seconds=30))

    def _known_account(self, row: Row) -> str:
        name = row.needed("account_id")
        if name not in self.accounts:
            raise RowRefusedError("names an account that is not there")
        return name

    def _odd(self, row: Row, what: str) -> None:
        self._report.file(row.file).odd[what] += 1

    def _add(self, row: Row, account: str, when: datetime, data: PayloadStruct, suffix: str = "") -> None:
        time_ms = to_millis((when + self._shift).replace(tzinfo=UTC))
        if time_ms > self._now_ms:
            self._odd(row, "later today than now: taken as now")
            time_ms = self._now_ms
        key = f"{row.file}\x1f{next(iter(row.cells.values()), '')}{suffix}\x1f{type(data).__name__}"
        self._parts[key] += 1
        event_id = derived_id("ravenstack", key, str(self._parts[key]))
        place = (row.file, row.number)
        self.events.append(SampleEvent(event_id, account, time_ms, data, backfill=True, row=place))


def _at(day: date, *, minute: int = 0) -> datetime:
    return datetime.combine(day, time(minute=minute))


def _count(row: Row, column: str) -> int | None:
    value = row.number_in(column)
    return int(value) if value is not None and value >= 0 else None
