import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from typing import cast

import pytest
from truenorth.clock import ManualClock
from truenorth.codec import encode
from truenorth.erasures import GRACE_MS, Request
from truenorth.errors import HaltError
from truenorth.events.envelope import Event
from truenorth.events.people import ErasureRequested
from truenorth.kafka import Record
from truenorth.kafka.dead_letters import POISON_RECORDS_MIN, POISON_WINDOW_RECORDS
from truenorth.telemetry import make_registry
from truenorth_notify.handlers import Intake
from truenorth_notify.metrics import Metrics
from truenorth_notify.worker import BatchReader, BatchUnit

from tests.notify.builders import NOW_MS, alert


class Kept:
    """What a reader did, without a database: everything is fresh, nothing is stored."""

    def __init__(self) -> None:
        self.taken: list[Event] = []
        self.parked: list[str] = []
        self.held: list[bool] = []
        self.erased: dict[str, Request] = {}
        self.commits = 0
        self.registry = make_registry()
        self.reader = BatchReader(
            units=self.unit,
            intake=cast("Intake", self),
            committed=self.committed,
            metrics=Metrics(self.registry),
            clock=ManualClock(NOW_MS),
        )

    @contextlib.asynccontextmanager
    async def unit(self) -> AsyncIterator[BatchUnit]:
        yield cast("BatchUnit", self)

    async def fresh(self, records: Sequence[Record]) -> list[Record]:
        return list(records)

    async def hold(self, *, alone: bool) -> None:
        self.held.append(alone)

    async def graves(self, accounts: Collection[str]) -> dict[str, int]:
        return {request.account: request.erased_ms for request in self.erased.values() if request.is_account}

    async def erase(self, request: Request, *, now_ms: int) -> bool:
        return self.erased.setdefault(request.request_id, request) is request

    async def park(self, record: Record, *, reason: str, now_ms: int) -> None:
        self.parked.append(reason)

    async def take(self, uow: BatchUnit, event: Event) -> None:
        self.taken.append(event)

    def committed(self) -> None:
        self.commits += 1


def record(value: bytes | None, offset: int = 0) -> Record:
    return Record("truenorth.alerts.v1", 0, offset, b"halden", value, NOW_MS)


def good(title: str = "t") -> bytes:
    return encode(alert(title=title), event_id="e", source="s", account="halden", time_ms=NOW_MS)


async def test_a_batch_is_taken_in_order_and_the_senders_are_woken_once() -> None:
    kept = Kept()
    await kept.reader.handle([record(good("a")), record(None), record(good("b"))])
    assert [event.data.title for event in kept.taken] == ["a", "b"]
    assert kept.commits == 1


async def test_an_unreadable_record_is_parked_with_its_reason_and_counted() -> None:
    kept = Kept()
    await kept.reader.handle([record(b"{"), record(good("nul \x00")), record(good())])
    assert [reason.partition(":")[0] for reason in kept.parked] == ["envelope_invalid", "text_invalid"]
    assert len(kept.taken) == 1
    counted = kept.registry.get_sample_value("truenorth_notify_dead_letters_total", {"topic": "truenorth.alerts.v1"})
    assert counted == 2


async def test_when_most_records_are_unreadable_nothing_more_is_read() -> None:
    kept = Kept()
    await kept.reader.handle([record(b"{", offset) for offset in range(POISON_RECORDS_MIN - 1)])
    with pytest.raises(HaltError, match=r"truenorth\.alerts\.v1"):
        await kept.reader.handle([record(b"{", POISON_RECORDS_MIN)])
    assert kept.commits == 1


async def test_a_bad_record_that_is_read_again_and_again_stops_nothing() -> None:
    kept = Kept()
    for _ in range(2 * POISON_RECORDS_MIN):
        await kept.reader.handle([record(b"{", 7)])
    assert kept.commits == 2 * POISON_RECORDS_MIN


async def test_unreadable_records_among_many_good_ones_stop_nothing() -> None:
    kept = Kept()
    for turn in range(2 * POISON_WINDOW_RECORDS):
        at = 3 * turn
        await kept.reader.handle([record(good(), at), record(good(), at + 1), record(b"{", at + 2)])
    assert len(kept.parked) == 2 * POISON_WINDOW_RECORDS


def request(offset: int = 0) -> Record:
    asked = ErasureRequested("account", "halden")
    value = encode(asked, event_id="r", source="s", account="halden", time_ms=NOW_MS)
    return Record("truenorth.erasures.v1", 0, offset, b"halden", value, NOW_MS)


async def test_an_erasure_goes_before_all_else_in_its_batch_which_runs_alone() -> None:
    kept = Kept()
    await kept.reader.handle([record(good())])
    await kept.reader.handle([record(good("late"), 1), request()])
    assert kept.held == [False, True]
    assert [getattr(event.data, "title", "") for event in kept.taken] == ["t"]
    await kept.reader.handle([request()])
    assert kept.registry.get_sample_value("truenorth_notify_erasure_seconds_count", {"kind": "account"}) == 1


async def test_what_is_founded_anew_after_the_grace_is_taken() -> None:
    kept = Kept()
    await kept.reader.handle([request()])
    later_ms = NOW_MS + GRACE_MS + 1
    said = alert(title="anew", decided_ms=later_ms)
    value = encode(said, event_id="e", source="s", account="halden", time_ms=later_ms)
    await kept.reader.handle([record(value)._replace(timestamp_ms=later_ms - 1), record(good())])
    assert kept.taken == []
    await kept.reader.handle([record(value)._replace(timestamp_ms=later_ms)])
    assert [event.data.title for event in kept.taken] == ["anew"]
