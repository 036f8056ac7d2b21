"""Whatever happens to workers, commits and the changelog, the engine's counts and revisions are those of the oracle.

Each seed is one history: workers start, die, are put to sleep and wake; commits fail before or after they happened;
the changelog is compacted. It is the engine's own code, on the log in memory. A failing seed is in the test's name.
"""

import asyncio
import random
from typing import Any

import pytest
from truenorth.clock import ManualClock
from truenorth.errors import TransientError
from truenorth.kafka import Record
from truenorth.streams.engine import Engine
from truenorth.streams.hooks import NoHooks
from truenorth.streams.memory import MemoryBroker, MemoryLog
from truenorth.streams.settings import EngineSettings

from tests.conformance.accounts import (
    happening,
    processor,
    revisions_by_account,
    topics_of,
    totals_kept,
    totals_sent,
)

PARTITIONS = 2
STEPS = 60
SEEDS = 60
TURNS_MAX = 60_000


class Refolds(NoHooks):
    def __init__(self) -> None:
        self.count = 0

    def refolded(self, count: int) -> None:
        self.count += count


class History:
    """One seeded history of faults."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = ManualClock()
        self.program = processor("t", silence_ms=5_000)
        self.broker = MemoryBroker(self.clock, dict.fromkeys(topics_of(self.program), PARTITIONS))
        self.broker.fault = self.fault
        self.hooks = Refolds()
        self.workers: list[asyncio.Task[None]] = []
        self.sleepers: list[Any] = []
        self.faulty = True

    def fault(self, step: str, transactional_id: str) -> None:
        if self.faulty and self.random.random() < 0.1:
            raise TransientError(step)

    def start_worker(self) -> None:
        engine = Engine(
            MemoryLog(self.broker),
            processor("t", silence_ms=5_000),
            group="g",
            clock=self.clock,
            settings=EngineSettings(slice_accounts=2, poll_records_max=self.random.choice([3, 10, 1000])),
            hooks=self.hooks,
        )
        self.workers.append(asyncio.create_task(engine.run()))

    async def kill_worker(self) -> None:
        worker = self.workers.pop(self.random.randrange(len(self.workers)))
        worker.cancel()
        await asyncio.wait([worker])

    def put_to_sleep(self) -> None:
        """The group thinks a worker is dead; the worker knows nothing of it, and goes on."""
        group = self.broker.groups.get("g")
        if group and len(group.members) > 1:
            self.sleepers.append(group.members.pop(self.random.randrange(len(group.members))))
            group.rebalance()

    def wake_up(self) -> None:
        while self.sleepers:
            self.broker.groups["g"].members.append(self.sleepers.pop())
            self.broker.groups["g"].rebalance()

    def send(self) -> None:
        for _ in range(self.random.randrange(10)):
            account = f"account-{self.random.randrange(8)}"
            self.broker.send(self.random.choice(list(self.program.sources)), account, happening(account))

    async def let_run(self, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
            for worker in self.workers:
                if worker.done():
                    worker.result()

    async def step(self) -> None:
        deed = self.random.randrange(10)
        if deed < 4:
            self.send()
        elif deed == 4 and len(self.workers) < 3:
            self.start_worker()
        elif deed == 5 and len(self.workers) > 1:
            self.wake_up()
            await self.kill_worker()
        elif deed == 6:
            self.put_to_sleep()
        elif deed == 7:
            self.wake_up()
        elif deed == 8:
            self.broker.compact(self.program.changelog)
        await self.let_run(self.random.randrange(40))

    def records(self, topic: str) -> list[Record]:
        return [record for number in range(PARTITIONS) for record in self.broker.records[topic, number]]

    def expected(self) -> dict[str, int]:
        return totals_sent(record.value for topic in self.program.sources for record in self.records(topic))

    def found(self) -> dict[str, int]:
        return totals_kept(self.records(self.program.changelog))


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_counts_and_revisions_are_exact_after_any_history(seed: int) -> None:
    history = History(seed)
    history.start_worker()
    try:
        for _ in range(STEPS):
            await history.step()
        history.faulty = False
        history.wake_up()
        for _ in range(TURNS_MAX // 100):
            if history.found() == history.expected():
                break
            await history.let_run(100)
        assert history.found() == history.expected()
    finally:
        for worker in history.workers:
            worker.cancel()
        await asyncio.wait(history.workers)
    assert history.hooks.count == 0
    for account, revisions in revisions_by_account(history.records("t-out")).items():
        assert revisions == list(range(1, len(revisions) + 1)), account
