"""Batches: what waits, what is parked, what halts, and what is somebody else's."""

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from truenorth.clock import ManualClock
from truenorth.codec import encode
from truenorth.definitions.bundle import make_bundle
from truenorth.definitions.model import Definitions, Playbook
from truenorth.erasures import GRACE_MS, Request
from truenorth.errors import HaltError, TransientError
from truenorth.events.health import DecisionPoint, HealthChanged
from truenorth.events.payload import PayloadStruct
from truenorth.events.people import ErasureRequested, NoteAdded
from truenorth.events.work import AlertRaised, TaskUpdated
from truenorth.kafka import Record
from truenorth.kafka.dead_letters import POISON_RECORDS_MIN
from truenorth_playbooks.domain.book import Book
from truenorth_playbooks.handlers.react import Reactor
from truenorth_playbooks.metrics import Metrics

from tests.playbooks.makers import ALL, NOW, PEOPLE


class Unit:
    """Keeps nothing but what it was asked to."""

    def __init__(self) -> None:
        self.parked: list[str] = []
        self.saved: list[Book] = []
        self.kept_versions: list[str] = []
        self.erased: dict[str, Request] = {}

    async def fresh(self, records: Sequence[Record]) -> list[Record]:
        return list(records)

    async def books(
        self, accounts: Collection[str], *, tasks: Collection[str] = (), alerts: Collection[str] = ()
    ) -> dict[str, Book]:
        graves = {request.account: request.erased_ms for request in self.erased.values() if request.is_account}
        return {account: Book(account, erased_ms=graves.get(account)) for account in accounts}

    async def erase(self, request: Request, now_ms: int) -> bool:
        return self.erased.setdefault(request.request_id, request) is request

    async def playbooks(self, versions: Collection[str]) -> dict[str, Playbook]:
        return {}

    async def first_time(self, action_ids: Sequence[str], now_ms: int) -> set[str]:
        return set(action_ids)

    async def save(self, books: Collection[Book], playbooks: Mapping[str, Playbook], now_ms: int) -> int:
        self.saved.extend(books)
        self.kept_versions.extend(playbooks)
        return sum(len(book.said) for book in books)

    async def retime(self, books: Collection[Book], task_ids: Collection[str]) -> None:
        return None

    async def park(self, record: Record, reason: str, now_ms: int) -> None:
        self.parked.append(reason)


class Store:
    """One unit, again and again."""

    def __init__(self) -> None:
        self.one = Unit()

    @contextlib.asynccontextmanager
    async def unit(self) -> AsyncIterator[Unit]:
        yield self.one

    async def due_tasks(self, now_ms: int, limit: int) -> list[tuple[str, str]]:
        return []

    async def forget_actions(self, before_ms: int) -> None:
        return None

    async def forget_erasures(self, now_ms: int) -> None:
        return None


class Bench:
    """A reactor over a store of nothing."""

    def __init__(self, *, defined: bool = True) -> None:
        bundle = make_bundle(Definitions(playbooks=ALL, people=PEOPLE), ordinal=1, applied_ms=0)
        self.store = Store()
        self.woken = 0
        self.registry = CollectorRegistry()
        self.reactor = Reactor(
            self.store,
            current=lambda: bundle if defined else None,
            wake=self.wake,
            clock=ManualClock(NOW),
            metrics=Metrics(self.registry),
        )

    def wake(self) -> None:
        self.woken += 1


def record(offset: int, payload: PayloadStruct | None, *, topic: str = "health-changes") -> Record:
    value = b"{" if payload is None else encode(payload, event_id=str(offset), source="t", account="acme", time_ms=NOW)
    return Record(f"truenorth.{topic}.v1", 0, offset, b"acme", value, NOW)


def red(number: int, decided_ms: int = NOW) -> HealthChanged:
    point = DecisionPoint(offsets={}, definitions="", ordinal=1, now_ms=NOW)
    return HealthChanged("acme", number, "band", "", "yellow", "red", "behaviour", decided_ms, point, owner_id="dana")


async def test_nothing_is_applied_before_definitions_are_known() -> None:
    bench = Bench(defined=False)
    with pytest.raises(TransientError, match="run truenorth apply"):
        await bench.reactor.handle([record(0, red(1))])
    assert bench.store.one.saved == []


async def test_what_is_said_wakes_the_relay() -> None:
    bench = Bench()
    await bench.reactor.handle([record(0, red(1))])
    (book,) = bench.store.one.saved
    assert [type(said.payload) for said in book.said] == [TaskUpdated, AlertRaised]
    assert bench.woken == 1
    assert b'what="run_opened"' in generate_latest(bench.registry)


async def test_a_version_is_kept_once() -> None:
    bench = Bench()
    await bench.reactor.handle([record(0, red(1))])
    await bench.reactor.handle([record(1, red(1))])
    assert len(bench.store.one.kept_versions) == 1


async def test_other_peoples_actions_and_tombstones_touch_nothing() -> None:
    bench = Bench()
    note = record(0, NoteAdded(by="dana", text="called"), topic="actions")
    await bench.reactor.handle([note, note._replace(value=None)])
    assert bench.store.one.saved == []
    assert bench.store.one.parked == []
    assert bench.woken == 0


async def test_one_bad_record_is_parked_and_the_rest_goes_on() -> None:
    bench = Bench()
    await bench.reactor.handle([record(0, None), record(1, red(1))])
    assert len(bench.store.one.parked) == 1
    assert bench.store.one.parked[0].startswith("envelope_invalid")
    assert len(bench.store.one.saved) == 1


async def test_a_text_that_the_database_cannot_hold_is_parked_rather_than_tried_for_ever() -> None:
    bench = Bench()
    change = msgspec.structs.replace(red(1), name="Ac\x00me")
    await bench.reactor.handle([record(0, change), record(1, red(1))])
    assert [reason.partition(":")[0] for reason in bench.store.one.parked] == ["text_invalid"]
    assert len(bench.store.one.saved) == 1


async def test_a_batch_of_bad_records_halts_rather_than_parks() -> None:
    bench = Bench()
    with pytest.raises(
        HaltError, match=f"{POISON_RECORDS_MIN} of the last {POISON_RECORDS_MIN} records cannot be read"
    ):
        await bench.reactor.handle([record(offset, None) for offset in range(POISON_RECORDS_MIN)])
    assert bench.store.one.parked == []


async def test_bad_records_that_come_one_by_one_halt_as_well() -> None:
    bench = Bench()
    for offset in range(POISON_RECORDS_MIN - 1):
        await bench.reactor.handle([record(offset, None)])
    with pytest.raises(HaltError):
        await bench.reactor.handle([record(POISON_RECORDS_MIN, None)])
    assert len(bench.store.one.parked) == POISON_RECORDS_MIN - 1


async def test_an_erasure_goes_before_all_else_in_its_batch_and_wakes_the_relay_once() -> None:
    bench = Bench()
    request = record(1, ErasureRequested("account", "acme"), topic="erasures")
    await bench.reactor.handle([record(0, red(1)), request])
    assert [book.said for book in bench.store.one.saved] == [[]]
    assert bench.woken == 1
    await bench.reactor.handle([request])
    assert bench.woken == 1
    assert bench.registry.get_sample_value("truenorth_playbooks_erasure_seconds_count", {"kind": "account"}) == 1


async def test_what_was_on_its_way_is_buried_and_what_is_founded_anew_is_not() -> None:
    bench = Bench()
    await bench.reactor.handle([record(0, ErasureRequested("account", "acme"), topic="erasures")])
    late = record(1, red(1))._replace(timestamp_ms=NOW + GRACE_MS)
    older = record(2, red(2))._replace(timestamp_ms=NOW + 9 * GRACE_MS)
    await bench.reactor.handle([late, older])
    assert [book.said for book in bench.store.one.saved] == [[]]
    value = encode(red(3, NOW + 2 * GRACE_MS), event_id="n", source="t", account="acme", time_ms=NOW + 2 * GRACE_MS)
    await bench.reactor.handle([record(3, red(3))._replace(timestamp_ms=NOW + 2 * GRACE_MS, value=value)])
    assert len(bench.store.one.saved[-1].said) == 2
