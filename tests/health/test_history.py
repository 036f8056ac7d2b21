"""The rebuild of days: who is asked for, how far back, and what is published."""

from collections.abc import Sequence

import pytest
from truenorth import codec
from truenorth.clock import ManualClock, date_of_day, day_of
from truenorth.definitions.model import Bundle
from truenorth.definitions.parse import load_directory
from truenorth.errors import TransientError
from truenorth.events import Event
from truenorth.events.health import HealthDay
from truenorth.events.inputs import AccountUpdated, UsageRecorded
from truenorth.events.people import HistoryLoaded
from truenorth.kafka import Outgoing, Record
from truenorth.topics import full_name
from truenorth_health.adapters.history import DAYS_MAX, HistoryRebuilder, wanted_days
from truenorth_health.adapters.processor import CompiledDefinitions

from tests.e2e.platform import REPOSITORY

TODAY = 20_700
NOW_MS = TODAY * 86_400_000 + 1


def request(account: str, day: int, offset: int = 0) -> Record:
    payload = HistoryLoaded(date_of_day(day).isoformat())
    value = codec.encode(payload, event_id=f"h{offset}", source="load", account=account, time_ms=NOW_MS)
    return Record(full_name("backfills"), 0, offset, account.encode(), value, NOW_MS)


class Sent:
    def __init__(self) -> None:
        self.items: list[Outgoing] = []

    async def send_many(self, items: Sequence[Outgoing]) -> None:
        self.items += items

    def days(self) -> list[HealthDay]:
        return [codec.parse_as(item.value, HealthDay) for item in self.items if item.value is not None]


def in_force() -> Bundle | None:
    return Bundle("0" * 12, 1, NOW_MS, load_directory(REPOSITORY / "config"))


def events_of(account: str) -> list[Event]:
    facts = AccountUpdated(name="Acme", owner_id="dana", signed_up_on=date_of_day(TODAY - 200).isoformat())
    start_ms = (TODAY - 200) * 86_400_000
    events = [Event("f", "load", "account.updated", account, start_ms, start_ms, facts, backfill=True)]
    for number in range(200):
        at_ms = start_ms + number * 86_400_000 + 5
        used = UsageRecorded(feature=f"f{number % 7}", actor="a")
        events.append(Event(f"u{number}", "load", "usage.recorded", account, at_ms, at_ms, used, backfill=True))
    return events


def test_an_account_asked_for_twice_is_rebuilt_once_from_the_earlier_day() -> None:
    records = [request("acme", TODAY - 10), request("acme", TODAY - 30, 1), request("other", TODAY - 5, 2)]
    assert wanted_days(records, today=TODAY) == {"acme": TODAY - 30, "other": TODAY - 5}


def test_no_day_is_rebuilt_that_would_not_be_kept() -> None:
    assert wanted_days([request("acme", TODAY - 2_000)], today=TODAY) == {"acme": TODAY - DAYS_MAX}


def test_a_request_nobody_can_read_does_not_stop_the_others() -> None:
    broken = Record(full_name("backfills"), 0, 0, b"x", b"{}", NOW_MS)
    never = codec.encode(HistoryLoaded("2026-02-30"), event_id="h", source="load", account="acme", time_ms=NOW_MS)
    no_day = Record(full_name("backfills"), 0, 0, b"acme", never, NOW_MS)
    assert wanted_days([broken, no_day, request("acme", TODAY - 1, 1)], today=TODAY) == {"acme": TODAY - 1}


async def test_days_up_to_yesterday_are_published_as_reconstructed() -> None:
    async def read(topic: str, keys: set[bytes]) -> dict[str, list[Event]]:
        assert keys == {b"acme"}
        return {"acme": [e for e in events_of("acme") if full_name(topic_of(e)) == topic]}

    sent = Sent()
    rebuilder = HistoryRebuilder("", CompiledDefinitions(in_force), sent, ManualClock(NOW_MS), read=read)
    await rebuilder.handle([request("acme", TODAY - 90)])
    days = sent.days()
    assert [day.on for day in days] == [date_of_day(TODAY - back).isoformat() for back in range(90, 0, -1)]
    assert all(day.reconstructed for day in days)
    assert day_of(NOW_MS) == TODAY
    assert rebuilder.days_count == 90


def topic_of(event: Event) -> str:
    return "accounts" if event.type.startswith("account.") else "usage"


async def test_without_definitions_the_request_waits() -> None:
    async def read(_topic: str, _keys: set[bytes]) -> dict[str, list[Event]]:
        return {}

    def none_yet() -> Bundle | None:
        return None

    rebuilder = HistoryRebuilder("", CompiledDefinitions(none_yet), Sent(), ManualClock(NOW_MS), read=read)
    with pytest.raises(TransientError):
        await rebuilder.handle([request("acme", TODAY - 1)])
