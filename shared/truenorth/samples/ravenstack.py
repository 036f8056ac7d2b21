"""RavenStack (a synthetic SaaS data set by River @ Rivalytics) as the events that its rows mean.

Rules, so that the figures can be checked against the files:

- All dates are shifted by one whole number of days, so that the latest is today. Days without a time are their
  midnight, UTC; a moment that would lie ahead of now is taken as now.
- Usage names a subscription and is joined through it. Usage before the subscription began or after it ended, and
  tickets from before the account signed up, are accepted and counted as odd.
- An id that comes twice: with the same content the second is refused as a duplicate, with another it is repaired
  with the suffix ``-2``.
- An account is churned when its ``churn_flag`` is True, at its last churn event; earlier churn events are taken as
  churned and returned a day later (repaired), and so are all churn events of an account whose flag is False. An
  account with the flag and no event churns when its last subscription ended, or at the end of the data (repaired).
"""

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from truenorth.clock import day_of_date, from_millis
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.people import HistoryLoaded
from truenorth.ids import derived_id
from truenorth.samples.events import SampleEvent, in_posting_order
from truenorth.samples.ravenstack_rows import Mapper
from truenorth.samples.report import LoadReport
from truenorth.samples.tables import Row, RowRefusedError, read_table

SOURCE: Final = "ravenstack"
FILES: Final = {
    "accounts": "account_id",
    "subscriptions": "subscription_id",
    "feature_usage": "usage_id",
    "support_tickets": "ticket_id",
    "churn_events": "churn_event_id",
}
_DATE_COLUMNS: Final = {
    "accounts": ("signup_date",),
    "subscriptions": ("start_date", "end_date"),
    "feature_usage": ("usage_date",),
    "support_tickets": ("submitted_at", "closed_at"),
    "churn_events": ("churn_date",),
}


def load(directory: Path, *, now_ms: int) -> tuple[list[SampleEvent], LoadReport]:
    """Return all events in posting order, ``history.loaded`` per account last, and the report of the rows so far.

    Raises:
        MissingError: when a file of the data set is missing.
    """
    report = LoadReport()
    tables = {name: list(read_table(directory / f"{SOURCE}_{name}.csv", name)) for name in FILES}
    last = _last_day(tables)
    today = from_millis(now_ms).date()
    report.shift_days = (today - last).days if last else 0
    mapper = Mapper(report, shift=timedelta(days=report.shift_days), now_ms=now_ms, end=today)
    for name, rows in tables.items():
        report.file(name)
        for row, suffix in _distinct(rows, FILES[name], report):
            _map(mapper, row, suffix, report)
    mapper.finish()
    report.accounts = len(mapper.accounts)
    events = in_posting_order(mapper.events)
    events += _loaded(events, now_ms)
    for event in events:
        report.events[TYPE_OF_PAYLOAD[type(event.data)]] += 1
    return events, report


def _map(mapper: Mapper, row: Row, suffix: str, report: LoadReport) -> None:
    try:
        mapper.take(row, suffix)
    except RowRefusedError as error:
        report.refuse(row.file, row.number, str(error))
    else:
        report.accept(row.file, row.number)


def _last_day(tables: dict[str, list[Row]]) -> date | None:
    """Return the latest readable day of the data; one mistyped year in the future would move everything."""
    days: list[date] = []
    for name, rows in tables.items():
        for row in rows:
            for column in _DATE_COLUMNS[name]:
                try:
                    days.append(row.day(column))
                except RowRefusedError:
                    continue  # an empty or unreadable date is judged where the row is mapped
    return max(days, default=None)


def _distinct(rows: list[Row], id_column: str, report: LoadReport) -> list[tuple[Row, str]]:
    """Return the rows to map, each with the suffix its id needs to be distinct."""
    seen: dict[str, list[dict[str, str]]] = defaultdict(list)
    kept: list[tuple[Row, str]] = []
    for row in rows:
        name = row.text(id_column)
        before = seen[name]
        if name and row.cells in before:
            report.refuse(row.file, row.number, f"the same {id_column} and content twice")
            continue
        if name and before and row.file == "accounts":
            report.refuse(row.file, row.number, "the account is there already, with other content")
            continue
        suffix = f"-{len(before) + 1}" if name and before else ""
        if suffix:
            report.repair(row.file, row.number, f"the same {id_column} with other content: given a suffix")
        before.append(row.cells)
        kept.append((row, suffix))
    return kept


def _loaded(events: list[SampleEvent], now_ms: int) -> list[SampleEvent]:
    first: dict[str, int] = {}
    for event in events:
        first.setdefault(event.account, event.time_ms)
    return [
        SampleEvent(
            id=derived_id(SOURCE, "loaded", account, str(day_of_date(from_millis(now_ms).date()))),
            account=account,
            time_ms=now_ms,
            data=HistoryLoaded(from_on=from_millis(start_ms).date().isoformat()),
        )
        for account, start_ms in sorted(first.items())
    ]
