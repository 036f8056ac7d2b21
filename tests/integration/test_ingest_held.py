"""The tables of what was learned and what waits, beside the double that the unit tests use."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.clock import MILLIS_PER_DAY, ManualClock
from truenorth.codec import encode, encode_json
from truenorth.erasures import SERVICES, acknowledgement, requests_in
from truenorth.events.people import ErasureAcknowledged, ErasureRequested
from truenorth.ids import random_id
from truenorth.kafka import Record
from truenorth.postgres.engine import make_engine, transaction
from truenorth.telemetry import make_registry
from truenorth.topics import full_name
from truenorth_ingest.adapters.account_map import PostgresAccountMap
from truenorth_ingest.adapters.erasure_table import PostgresErasures
from truenorth_ingest.adapters.held import HeldEvents
from truenorth_ingest.adapters.schema import migrate
from truenorth_ingest.adapters.tables import HELD_EVENT, OUTBOX
from truenorth_ingest.domain.drafts import Draft, held, identity_key, learned
from truenorth_ingest.domain.holding import KEPT_MS_MAX, Kept, Said
from truenorth_ingest.handlers.holding import Holding
from truenorth_ingest.metrics import WorkerMetrics
from truenorth_ingest.ports import HoldingUnit
from truenorth_ingest.settings import SCHEMA
from truenorth_ingest.worker import BatchReader, Housekeeper, Replayer
from truenorth_local.stack import LocalStack

from tests.ingest.holding_double import FakeUnit, waiting

pytestmark = pytest.mark.integration

PERSON = "p_" + "a" * 32
Units = Callable[[], AbstractAsyncContextManager[HoldingUnit]]


@pytest.fixture
async def engine(stack: LocalStack) -> AsyncIterator[AsyncEngine]:
    url = await asyncio.to_thread(stack.new_database)
    await migrate(url)
    made = make_engine(url, schema=SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture(params=["double", "postgres"])
def units(request: pytest.FixtureRequest, engine: AsyncEngine) -> Units:
    if request.param == "postgres":
        return HeldEvents(engine).unit
    double = FakeUnit()

    @asynccontextmanager
    async def unit() -> AsyncIterator[HoldingUnit]:
        yield double

    return unit


async def test_both_learn_and_unlearn_pairs_and_say_what_changed(units: Units) -> None:
    async with units() as unit:
        assert await unit.learn({("s:1", "b"): 1, ("s:1", "a"): 1, ("s:2", "a"): 1}) == {"s:1", "s:2"}
        assert await unit.learn({("s:1", "a"): 2}) == set()
        assert await unit.learn({}) == set()
    async with units() as unit:
        assert await unit.accounts_of({"s:1", "s:3"}) == {"s:1": ["a", "b"]}
        assert await unit.accounts_of(set()) == {}
        assert await unit.unlearn([("s:1", "a"), ("s:9", "a")]) == {"s:1"}
        assert await unit.unlearn([]) == set()
        assert await unit.accounts_of({"s:1"}) == {"s:1": ["b"]}


async def test_both_give_each_awakened_event_once_in_order_and_bounded(units: Units) -> None:
    async with units() as unit:
        await unit.keep([Kept(waiting(n, "s:1", "s:2", partition=n % 2), "unknown") for n in range(9)])
        await unit.keep([Kept(waiting(50, "s:3"), "unknown")])
        await unit.awaken({"s:1", "s:9"}, now_ms=1)
        first = await unit.awoken(5)
        second = await unit.awoken(5)
        assert await unit.awoken(5) == []
    assert [one.place for one in first] == [(0, 0), (0, 2), (0, 4), (0, 6), (0, 8)]
    assert [one.place for one in second] == [(1, 1), (1, 3), (1, 5), (1, 7)]
    assert first[0] == waiting(0, "s:1", "s:2")


async def test_both_begin_anew_with_a_lookup_that_is_awakened_again(units: Units) -> None:
    async with units() as unit:
        await unit.keep([Kept(waiting(n, "s:1"), "unknown") for n in range(4)])
        await unit.awaken({"s:1"}, now_ms=1)
        assert len(await unit.awoken(3)) == 3
        await unit.awaken({"s:1"}, now_ms=2)
        assert len(await unit.awoken(10)) == 4


async def test_both_keep_the_new_reason_and_drop_what_is_told(units: Units) -> None:
    async with units() as unit:
        await unit.keep([Kept(waiting(1, "s:1"), "unknown"), Kept(waiting(2, "s:1"), "unknown")])
        await unit.keep([Kept(waiting(1, "s:1"), "ambiguous")])
        await unit.drop([(0, 2), (7, 7)])
        await unit.drop([])
        await unit.awaken({"s:1"}, now_ms=1)
        (one,) = await unit.awoken(10)
        assert one.event.reason == "ambiguous"
        said = Said(random_id(), "usage", "acme", "usage.recorded", b"{}")
        await unit.say([said, said], now_ms=1)


class Bench:
    """The worker's parts over a real database, and what they would have said."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine, self.clock, self.registry = engine, ManualClock(), make_registry()
        self.events, self.metrics = HeldEvents(engine), WorkerMetrics(self.registry)
        self.holding = Holding(self.clock, events_per_round_max=3)
        self.reader = BatchReader(
            units=self.events.unit,
            holding=self.holding,
            committed=lambda: None,
            metrics=self.metrics,
            clock=self.clock,
        )
        self.replayer = Replayer(
            units=self.events.unit,
            is_awake=self.events.is_awake,
            holding=self.holding,
            committed=lambda: None,
            metrics=self.metrics,
        )
        self.keeper = Housekeeper(
            units=self.events.unit,
            waiting=self.events.waiting,
            forget=self._forget,
            behind=lambda: (None, 0),
            metrics=self.metrics,
            clock=self.clock,
        )
        self._offsets = dict.fromkeys(("identities", "unresolved", "erasures", "erasures-done"), 0)

    async def _forget(self, now_ms: int) -> None:
        await self.events.forget_erasures(now_ms=now_ms)

    def record(self, topic: str, key: bytes | None, value: bytes | None) -> Record:
        self._offsets[topic] += 1
        return Record(full_name(topic), 0, self._offsets[topic], key, value, self.clock.now_ms())

    def learned(self, lookup: str, account: str) -> Record:
        one = learned(lookup, account, event_id=random_id(), recordedtime="2025-10-09T08:00:00Z")
        return self.record("identities", one.key, one.value)

    def event(self, event_id: str, *lookups: str, **data: Any) -> Record:
        body = encode_json({"feature": "export"} | data)
        draft = Draft(0, "usage.recorded", event_id, "sdk", "2025-10-09T08:00:00Z", body, lookups=lookups)
        one = held(draft, "unknown", event_id=random_id(), recordedtime="2025-10-09T08:00:01Z")
        return self.record("unresolved", one.key, one.value)

    def asked(self, kind: Any, account: str, subject: str) -> Record:
        value = encode(
            ErasureRequested(kind, subject), event_id="r", source="dpo", account=account, time_ms=self.clock.now_ms()
        )
        return self.record("erasures", account.encode(), value)

    async def said(self, topic: str) -> list[Any]:
        query = select(OUTBOX).where(OUTBOX.c.aggregatetype == topic).order_by(OUTBOX.c.position)
        async with transaction(self.engine) as connection:
            return list(await connection.execute(query))

    async def held(self) -> list[int]:
        async with transaction(self.engine) as connection:
            return list(await connection.scalars(select(HELD_EVENT.c.offset).order_by(HELD_EVENT.c.offset)))

    def counted(self, name: str, **labels: str) -> Any:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def bench(engine: AsyncEngine) -> Bench:
    return Bench(engine)


async def test_a_batch_that_is_read_again_changes_nothing(bench: Bench) -> None:
    batch = [bench.event("e1", "s:1"), bench.event("e2", "s:2"), bench.learned("s:1", "acme")]
    for _ in range(2):
        await bench.reader.handle(batch)
    while await bench.replayer.turn():
        pass
    assert [one.aggregateid for one in await bench.said("usage")] == ["acme"]
    assert await bench.held() == [2]
    assert bench.counted("truenorth_ingest_events_replayed_total") == 1


async def test_many_processes_at_once_strand_no_event(bench: Bench) -> None:
    events = [bench.event(f"e{n}", f"s:{n}")._replace(partition=n) for n in range(40)]
    pairs = [bench.learned(f"s:{n}", "acme")._replace(partition=n) for n in range(40)]
    await asyncio.gather(*(bench.reader.handle([one]) for two in zip(events, pairs, strict=True) for one in two))
    while await bench.replayer.turn():
        pass
    assert await bench.held() == []
    assert len(await bench.said("usage")) == 40


async def test_an_account_is_forgotten_with_its_lookups_and_what_may_be_its_events(bench: Bench) -> None:
    await bench.reader.handle([bench.learned("s:1", "acme"), bench.learned("s:1", "b"), bench.learned("s:2", "b")])
    await bench.reader.handle([bench.event("e1", "s:1"), bench.event("e2", "s:7"), bench.event("e3", "s:7", "s:1")])
    for _ in range(2):
        await bench.reader.handle([bench.asked("account", "acme", "acme")])
    assert await bench.held() == [2]
    assert await PostgresAccountMap(bench.engine).accounts_of(["s:1", "s:2"]) == {"s:1": ["b"], "s:2": ["b"]}
    (gone,) = await bench.said("identities")
    assert (gone.aggregateid.encode(), gone.payload) == (identity_key("s:1", "acme"), b"")
    (word,) = await bench.said("erasures-done")
    assert msgspec.json.decode(word.payload)["data"]["service"] == "ingest"
    assert bench.counted("truenorth_ingest_held_events_erased_total") == 2


async def test_a_person_is_forgotten_wherever_they_are_named(bench: Bench) -> None:
    actor = f"actor:{PERSON}"
    await bench.reader.handle([bench.learned(actor, "acme"), bench.learned(actor, "b"), bench.learned("s:1", "acme")])
    await bench.reader.handle(
        [bench.event("e1", actor), bench.event("e2", "s:7", actor=PERSON), bench.event("e3", "s:7")]
    )
    await bench.reader.handle([bench.asked("actor", "acme", PERSON)])
    assert await bench.held() == [3]
    assert await PostgresAccountMap(bench.engine).accounts_of([actor, "s:1"]) == {"s:1": ["acme"]}
    assert {one.aggregateid for one in await bench.said("identities")} == {f"{actor}\nacme", f"{actor}\nb"}


async def test_what_waited_for_seven_days_is_gone_and_counted(bench: Bench) -> None:
    await bench.reader.handle([bench.event("old", "s:1")])
    await bench.keeper.turn()
    assert bench.counted("truenorth_ingest_held_events", reason="unknown") == 1
    bench.clock.advance(days=1)
    await bench.reader.handle([bench.event("new", "s:1")])
    bench.clock.advance(seconds=(KEPT_MS_MAX - MILLIS_PER_DAY) / 1000 + 1)
    while await bench.keeper.turn():
        pass
    assert await bench.held() == [2]
    assert bench.counted("truenorth_ingest_events_expired_total", reason="unknown") == 1
    await bench.keeper.turn()
    assert bench.counted("truenorth_ingest_held_events", reason="unknown") == 1


async def test_what_cannot_be_read_is_parked(bench: Bench) -> None:
    await bench.reader.handle([bench.record("unresolved", b"s:1", b"?"), bench.event("e1", "s:1", count="many")])
    assert len(await bench.said("dead-letters")) == 2
    assert await bench.held() == []


async def test_an_erasure_is_requested_then_running_then_finished(bench: Bench) -> None:
    table = PostgresErasures(bench.engine)
    asked = bench.asked("actor", "acme", PERSON)
    (request,) = requests_in([asked])
    assert await table.standing(request.request_id) is None
    await table.asked([request.request_id], kind="actor", now_ms=5)
    standing = await table.standing(request.request_id)
    assert standing is not None
    assert (standing.status, standing.account) == ("requested", "")
    await bench.reader.handle([asked])
    for service in SERVICES:
        event_id, word = acknowledgement(request.request_id, "actor", service)
        assert isinstance(word, ErasureAcknowledged)
        value = encode(word, event_id=event_id, source=service, account="acme", time_ms=bench.clock.now_ms())
        await bench.reader.handle([bench.record("erasures-done", b"acme", value)])
        standing = await table.standing(request.request_id)
        assert standing is not None
        assert standing.status == ("finished" if service == SERVICES[-1] else "running")
    assert standing.account == "acme"
    assert set(standing.done_ms) == set(SERVICES)
