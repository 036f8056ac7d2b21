"""The engine on the log in memory: what happens in which order, and what a fault does."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from truenorth.clock import ManualClock
from truenorth.errors import HaltError, TransientError
from truenorth.kafka import Record
from truenorth.kafka.records import partition_of
from truenorth.streams.counting import CountingProcessor
from truenorth.streams.engine import Engine
from truenorth.streams.hooks import Flushed, Stage
from truenorth.streams.memory import MemoryBroker, MemoryLog
from truenorth.streams.records import POSITION_KEY, decode_position
from truenorth.streams.settings import EngineSettings

from tests.conformance.accounts import happening, processor, revisions_by_account, topics_of, totals_kept

PARTITIONS = 4
ACCOUNTS = [f"account-{number}" for number in range(20)]


class Counters:
    def __init__(self) -> None:
        self.refolds = 0
        self.letters = 0
        self.drops: list[str] = []
        self.flushes = 0

    def polled(self, records: int) -> None: ...

    def dead_letter(self, topic: str) -> None:
        self.letters += 1

    def refolded(self, count: int) -> None:
        self.refolds += count

    def flushed(self, flush: Flushed) -> None:
        self.flushes += 1

    def left_early(self, count: int) -> None: ...

    def spent(self, stage: Stage, seconds: float) -> None: ...

    def restoring(self, records: int) -> None: ...

    def restored(self, partition: int, records: int, seconds: float) -> None: ...

    def dropped(self, partition: int, reason: str) -> None:
        self.drops.append(reason)


class Bench:
    """A broker in memory with the topics of one counting processor."""

    def __init__(self, *, silence_ms: int | None = None) -> None:
        self.clock = ManualClock()
        self.processor = processor("t", silence_ms=silence_ms)
        self.broker = MemoryBroker(self.clock, dict.fromkeys(topics_of(self.processor), PARTITIONS))
        self.counters = Counters()
        self.sent = 0

    def send(self, account: str, *, source: int = 0, count: int = 1) -> None:
        self.broker.send(self.processor.sources[source], account, happening(account, count=count))
        self.sent += count

    def all_records(self, topic: str) -> list[Record]:
        return [record for number in range(PARTITIONS) for record in self.broker.records[topic, number]]

    def totals(self) -> dict[str, int]:
        return totals_kept(self.all_records(self.processor.changelog))

    def revisions(self) -> dict[str, list[int]]:
        return revisions_by_account(self.all_records("t-out"))

    def engine(self, settings: EngineSettings | None = None, one: CountingProcessor | None = None) -> Engine[Any]:
        return Engine(
            MemoryLog(self.broker),
            one or self.processor,
            group="g",
            clock=self.clock,
            settings=settings,
            hooks=self.counters,
        )

    @asynccontextmanager
    async def running(self, engine: Engine[Any]) -> AsyncIterator[asyncio.Task[None]]:
        await engine.start()
        task = asyncio.create_task(engine.run())
        try:
            yield task
        finally:
            if not task.done():
                await engine.stop()
            await asyncio.wait([task])


async def until(true: Callable[[], bool], task: asyncio.Task[None] | None = None) -> None:
    for _ in range(20_000):
        if true():
            return
        if task is not None and task.done():
            task.result()
        await asyncio.sleep(0)
    raise AssertionError("it never came true")


async def test_counts_every_event_once_and_publishes_each_change() -> None:
    bench = Bench()
    for account in ACCOUNTS:
        bench.send(account)
        bench.send(account, source=1, count=2)
    async with bench.running(bench.engine()) as task:
        await until(lambda: sum(bench.totals().values()) == bench.sent, task)
    assert bench.totals() == dict.fromkeys(ACCOUNTS, 3)
    assert bench.revisions() == {account: [1] for account in ACCOUNTS}


async def test_a_restart_goes_on_where_the_changelog_ends() -> None:
    bench = Bench()
    for round_number in range(1, 4):
        for account in ACCOUNTS:
            bench.send(account)
        async with bench.running(bench.engine()) as task:
            await until(lambda: sum(bench.totals().values()) == bench.sent, task)
        bench.broker.compact(bench.processor.changelog)
        assert bench.totals() == dict.fromkeys(ACCOUNTS, round_number)
    assert bench.revisions() == {account: [1, 2, 3] for account in ACCOUNTS}
    assert bench.counters.refolds == 0


async def test_state_can_be_looked_at_while_it_runs() -> None:
    bench = Bench()
    bench.send("account-1")
    engine = bench.engine()
    async with bench.running(engine) as task:
        await until(lambda: engine.state_parts("account-1") is not None, task)
        assert engine.state_parts("nobody") is None
        assert engine.owned == frozenset(range(PARTITIONS))
        await until(lambda: engine.caught_up, task)


@pytest.mark.parametrize("step", ["before commit", "after commit"])
async def test_a_failed_or_unanswered_commit_drops_the_partition_and_opens_it_again(step: str) -> None:
    bench = Bench()
    failures = {"left": 3}

    def fault(at: str, transactional_id: str) -> None:
        if at == step and bench.sent and failures["left"] and bench.counters.flushes:
            failures["left"] -= 1
            raise TransientError("no answer")

    bench.broker.fault = fault
    async with bench.running(bench.engine()) as task:
        for _ in range(4):
            for account in ACCOUNTS:
                bench.send(account)
            await until(lambda: sum(bench.totals().values()) == bench.sent, task)
    assert failures["left"] == 0
    assert bench.counters.drops
    assert bench.totals() == dict.fromkeys(ACCOUNTS, 4)
    for account, revisions in bench.revisions().items():
        assert revisions == list(range(1, len(revisions) + 1)), account
    assert bench.counters.refolds == 0


async def test_two_workers_share_and_hand_over() -> None:
    bench = Bench()
    first, second = bench.engine(), bench.engine(one=processor("t"))
    async with bench.running(first) as one:
        for account in ACCOUNTS:
            bench.send(account)
        await until(lambda: sum(bench.totals().values()) == bench.sent, one)
        async with bench.running(second) as two:
            await until(lambda: len(first.owned) == len(second.owned) == PARTITIONS // 2, one)
            for account in ACCOUNTS:
                bench.send(account)
            await until(lambda: sum(bench.totals().values()) == bench.sent, two)
            assert not first.owned & second.owned
        await until(lambda: len(first.owned) == PARTITIONS, one)
        for account in ACCOUNTS:
            bench.send(account)
        await until(lambda: sum(bench.totals().values()) == bench.sent, one)
    assert bench.totals() == dict.fromkeys(ACCOUNTS, 3)
    assert bench.revisions() == {account: [1, 2, 3] for account in ACCOUNTS}


async def test_a_worker_whose_partitions_were_taken_can_not_write_any_more() -> None:
    bench = Bench()
    engine = bench.engine()
    async with bench.running(engine) as task:
        await until(lambda: len(engine.owned) == PARTITIONS, task)
        thief = MemoryLog(bench.broker)
        for number in range(PARTITIONS):
            await thief.open_writer(f"g-{number}")
        bench.send("account-1")
        await until(lambda: sum(bench.totals().values()) == bench.sent, task)  # it fenced the thief in its turn
    assert bench.counters.drops
    assert bench.revisions() == {"account-1": [1]}


async def test_what_cannot_be_read_is_parked_with_its_reason() -> None:
    bench = Bench()
    bench.broker.send(bench.processor.sources[0], "account-1", b"not json")
    bench.broker.append((bench.processor.sources[0], 0), b"account-0", happening("\x00account"))
    bench.send("account-1", count=5)
    async with bench.running(bench.engine()) as task:
        await until(lambda: sum(bench.totals().values()) == 5, task)
    letters = [json.loads(record.value or b"") for record in bench.all_records("t-dead")]
    assert len(letters) == 2
    assert {letter["reader"] for letter in letters} == {"g"}
    assert all(letter["reason"] for letter in letters)


async def test_an_event_that_cannot_be_folded_is_parked_alone() -> None:
    bench = Bench()
    bench.send("account-1", count=2)
    bench.broker.send(bench.processor.sources[0], "account-1", happening("account-1", count=-7))
    bench.send("account-1", count=3)
    async with bench.running(bench.engine()) as task:
        await until(lambda: bench.totals().get("account-1") == 5, task)
    (letter,) = [json.loads(record.value or b"") for record in bench.all_records("t-dead")]
    assert letter["offset"] == 1
    assert letter["reason"] == "count is -7"


async def test_an_account_in_the_wrong_partition_is_parked() -> None:
    bench = Bench()
    wrong = (partition_of(b"account-1", PARTITIONS) + 1) % PARTITIONS
    bench.broker.append((bench.processor.sources[0], wrong), b"account-1", happening("account-1"))
    async with bench.running(bench.engine()) as task:
        await until(lambda: bool(bench.all_records("t-dead")), task)
    assert bench.totals() == {}
    assert "murmur2" in json.loads(bench.all_records("t-dead")[0].value or b"")["reason"]


async def test_nothing_but_poison_halts() -> None:
    bench = Bench()
    for _ in range(500):
        bench.broker.append((bench.processor.sources[0], 0), b"k", b"{")
    engine = bench.engine()
    async with bench.running(engine) as task:
        await asyncio.wait([task], timeout=10)
        with pytest.raises(HaltError, match="in a row"):
            task.result()


async def test_half_poison_halts_too() -> None:
    bench = Bench()
    for number in range(3000):
        account = ACCOUNTS[number % 20]
        bench.broker.send(bench.processor.sources[0], account, happening(account) if number % 3 == 0 else b"{")
    async with bench.running(bench.engine()) as task:
        await asyncio.wait([task], timeout=10)
        with pytest.raises(HaltError, match="of the last"):
            task.result()


async def test_a_silent_account_is_decided_once_at_its_time() -> None:
    bench = Bench(silence_ms=60_000)
    bench.send("account-1")
    async with bench.running(bench.engine()) as task:
        await until(lambda: sum(bench.totals().values()) == 1, task)
        sent_at_ms = bench.clock.now_ms()
        await until(lambda: len(bench.revisions().get("account-1", [])) == 2, task)
        assert bench.clock.now_ms() >= sent_at_ms + 59_000
        await until(lambda: bench.clock.now_ms() > sent_at_ms + 400_000, task)
    assert bench.revisions() == {"account-1": [1, 2]}


async def test_due_times_survive_a_restart() -> None:
    bench = Bench(silence_ms=60_000)
    bench.send("account-1")
    async with bench.running(bench.engine()) as task:
        await until(lambda: sum(bench.totals().values()) == 1, task)
    bench.clock.advance(days=1)
    async with bench.running(bench.engine()) as task:
        await until(lambda: len(bench.revisions()["account-1"]) == 2, task)


async def test_nobody_is_silent_while_the_worker_is_behind() -> None:
    bench = Bench(silence_ms=60_000)
    bench.send("account-1")
    async with bench.running(bench.engine()) as task:
        await until(lambda: sum(bench.totals().values()) == 1, task)
    bench.clock.advance(days=1)
    place = partition_of(b"account-1", PARTITIONS)
    neighbour = next(a for a in ACCOUNTS[2:] if partition_of(a.encode(), PARTITIONS) == place)
    for _ in range(3000):  # read before the event that ends the silence
        bench.send(neighbour, source=1)
    bench.send("account-1", source=1)
    slow = EngineSettings(poll_records_max=10, flush_after_s=0, flush_after_s_max=0, due_check_s=0)
    async with bench.running(bench.engine(slow)) as task:
        await until(lambda: sum(bench.totals().values()) == bench.sent, task)
    published = [json.loads(record.value or b"") for record in bench.all_records("t-out") if record.key == b"account-1"]
    assert [(entry["total"], entry["silent"]) for entry in published] == [(1, 0), (2, 0)]
    assert bench.counters.flushes > 10


async def test_all_accounts_are_decided_again_once_per_reason() -> None:
    bench = Bench()
    for account in ACCOUNTS:
        bench.send(account)
    engine = bench.engine(EngineSettings(redecide_accounts_per_s=10))
    async with bench.running(engine) as task:
        await until(lambda: sum(bench.totals().values()) == bench.sent, task)
        began_ms = bench.clock.now_ms()
        engine.request_decision("new definitions")
        engine.request_decision("new definitions")
        await until(lambda: all(len(revisions) == 2 for revisions in bench.revisions().values()), task)
        assert bench.clock.now_ms() - began_ms >= 500  # spread out
    again = bench.engine()
    again.request_decision("new definitions")
    async with bench.running(again) as task:
        await until(lambda: len(again.owned) == PARTITIONS, task)
        bench.send("account-3")
        await until(lambda: len(bench.revisions()["account-3"]) == 3, task)
    assert {len(revisions) for account, revisions in bench.revisions().items() if account != "account-3"} == {2}


async def test_a_restart_in_the_middle_decides_the_rest_too() -> None:
    bench = Bench()
    for account in ACCOUNTS:
        bench.send(account)
    engine = bench.engine(EngineSettings(redecide_accounts_per_s=1))
    async with bench.running(engine) as task:
        await until(lambda: sum(bench.totals().values()) == bench.sent, task)
        engine.request_decision("new")
        await until(lambda: any(len(revisions) == 2 for revisions in bench.revisions().values()), task)
    again = bench.engine()
    again.request_decision("new")
    async with bench.running(again) as task:
        await until(lambda: all(len(revisions) >= 2 for revisions in bench.revisions().values()), task)


async def test_a_position_before_the_log_begins_halts() -> None:
    bench = Bench()
    for _ in range(2):
        for account in ACCOUNTS:
            bench.send(account)
    async with bench.running(bench.engine()) as task:
        await until(lambda: sum(bench.totals().values()) == bench.sent, task)
    place = bench.processor.sources[0], 0
    bench.broker.ends[place] += 5
    bench.broker.trim(place, bench.broker.ends[place])
    async with bench.running(bench.engine()) as task:
        await asyncio.wait([task], timeout=10)
        with pytest.raises(HaltError, match="are lost"):
            task.result()


async def test_a_position_after_the_log_ends_halts() -> None:
    bench = Bench()
    bench.send("account-1")
    async with bench.running(bench.engine()) as task:
        await until(lambda: sum(bench.totals().values()) == bench.sent, task)
    place = bench.processor.sources[0], partition_of(b"account-1", PARTITIONS)
    bench.broker.ends[place] = 0
    bench.broker.records[place] = []
    async with bench.running(bench.engine()) as task:
        await asyncio.wait([task], timeout=10)
        with pytest.raises(HaltError, match="not the same"):
            task.result()


async def test_different_partition_counts_halt() -> None:
    bench = Bench()
    bench.broker.counts[bench.processor.sources[1]] = 8
    async with bench.running(bench.engine()) as task:
        await asyncio.wait([task], timeout=10)
        with pytest.raises(HaltError, match="same number of partitions"):
            task.result()


async def test_workers_that_read_different_topics_halt() -> None:
    bench = Bench()
    bench.broker.counts["t-source2"] = PARTITIONS
    async with bench.running(bench.engine()) as one:
        await until(lambda: bool(bench.broker.groups), one)
        async with bench.running(bench.engine(one=processor("t", sources=3))) as two:
            await asyncio.wait([one, two], timeout=10, return_when=asyncio.FIRST_COMPLETED)
            done = one if one.done() else two
            with pytest.raises(HaltError, match="must read the same topics"):
                done.result()


async def test_no_partition_is_opened_before_the_processor_is_ready() -> None:
    bench = Bench()
    bench.send("account-1")
    ready = {"yes": False}
    bench.processor.ready = lambda: ready["yes"]  # type: ignore[method-assign]
    engine = bench.engine()
    async with bench.running(engine) as task:
        await until(lambda: bool(engine.opening), task)
        for _ in range(200):
            await asyncio.sleep(0)
        assert not engine.owned
        ready["yes"] = True
        await until(lambda: sum(bench.totals().values()) == 1, task)


async def test_a_full_queue_pauses_and_goes_on() -> None:
    bench = Bench()
    for number in range(3000):
        bench.send(ACCOUNTS[number % 20])
    settings = EngineSettings(queued_events_max=50, poll_records_max=100, flush_after_s=0.5)
    async with bench.running(bench.engine(settings)) as task:
        await until(lambda: sum(bench.totals().values()) == bench.sent, task)
    assert bench.totals() == dict.fromkeys(ACCOUNTS, 150)


async def test_the_position_record_goes_with_each_flush() -> None:
    bench = Bench()
    bench.send("account-1", source=1)
    async with bench.running(bench.engine()) as task:
        await until(lambda: sum(bench.totals().values()) == 1, task)
    number = partition_of(b"account-1", PARTITIONS)
    records = bench.broker.records[bench.processor.changelog, number]
    (value,) = [record.value for record in records if record.key == POSITION_KEY]
    position = decode_position(value or b"")
    assert position.sources == {"t-source0": 0, "t-source1": 1}
    assert position.flush == 1


async def test_slow_commits_make_flushes_smaller_and_quick_ones_larger_again() -> None:
    bench = Bench()
    settings = EngineSettings(dirty_accounts_max=400, dirty_accounts_least=50)
    engine = bench.engine(settings)
    opener = engine._opener
    for seconds, most in ((3.0, 200), (9.0, 100), (9.0, 50), (9.0, 50), (1.0, 50), (0.1, 62), (0.1, 77)):
        opener._learn(seconds)
        assert opener.dirty_accounts_max == most
    for _ in range(20):
        opener._learn(0.1)
    assert opener.dirty_accounts_max == 400


async def test_a_partition_with_too_many_waiting_accounts_pauses_and_loses_nothing() -> None:
    bench = Bench()
    for account in range(300):
        bench.send(f"account-{account}")
    engine = bench.engine(EngineSettings(dirty_accounts_max=5, poll_records_max=10))
    async with bench.running(engine) as task:
        await until(lambda: sum(bench.totals().values()) == bench.sent, task)
    assert bench.counters.flushes > 300 // (4 * 20)
