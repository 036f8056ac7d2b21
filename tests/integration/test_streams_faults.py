"""The engine on a real broker, under what a real night brings: kill -9, workers that come and go, failed deliveries."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from truenorth.clock import SystemClock
from truenorth.errors import HaltError
from truenorth.ids import random_secret
from truenorth.kafka import Outgoing, Record
from truenorth.kafka.admin import ensure_topics
from truenorth.kafka.log import KafkaLog, KafkaWriter
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic
from truenorth.streams.counting import CountingProcessor
from truenorth.streams.engine import Engine
from truenorth.streams.hooks import NoHooks
from truenorth.streams.log import Entry, Place
from truenorth.topics import Topic
from truenorth_local.stack import LocalStack

from tests.conformance.accounts import (
    happening,
    processor,
    revisions_by_account,
    topics_of,
    totals_kept,
    totals_sent,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

PARTITIONS = 4
ROOT = Path(__file__).parents[2]
CLOCK = SystemClock()


class PlainTopic(Topic):
    """A topic outside of the catalogue, under its own name."""

    @property
    def full_name(self) -> str:
        return self.name


class Ground:
    """Fresh topics on the broker, a group name, and a producer."""

    def __init__(self, bootstrap: str, sources: int) -> None:
        self.bootstrap = bootstrap
        self.prefix = f"streams-{random_secret(4)}"
        self.group = f"{self.prefix}-group"
        self.sources = sources
        self.processor = processor(self.prefix, sources=sources)
        self.producer = LanesProducer(bootstrap, clock=CLOCK, client_id="ground")
        self.workers: list[subprocess.Popen[str]] = []
        self.told: list[IO[str]] = []
        self.random = random.Random(7)

    async def prepare(self) -> None:
        names = topics_of(self.processor)
        compacted = self.processor.changelog
        topics = [
            PlainTopic(name, "account", "tests", "compact" if name == compacted else "delete", 1, "") for name in names
        ]
        await ensure_topics(self.bootstrap, partitions=PARTITIONS, replicas=1, topics=topics)
        await self.producer.start()

    async def send(self, count: int, accounts: int = 300) -> None:
        items = []
        for _ in range(count):
            account = f"account-{self.random.randrange(accounts)}"
            topic = self.random.choice(list(self.processor.sources))
            items.append(Outgoing(topic, account.encode(), happening(account, feature=f"f{count % 7}")))
        await self.producer.send_many(items)

    def start_worker(self, tmp_path: Path) -> subprocess.Popen[str]:
        told = (tmp_path / f"worker-{len(self.workers)}.txt").open("w+")
        worker = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.conformance.worker",
                self.bootstrap,
                self.prefix,
                self.group,
                str(self.sources),
            ],
            cwd=ROOT,
            stdout=told,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.workers.append(worker)
        self.told.append(told)
        return worker

    def engine(self, one: CountingProcessor | None = None, hooks: NoHooks | None = None) -> Engine[Any]:
        log = KafkaLog(self.bootstrap, client_id="tests")
        return Engine(log, one or self.processor, group=self.group, clock=CLOCK, hooks=hooks)

    async def values_sent(self) -> list[bytes | None]:
        return [r.value for topic in self.processor.sources async for r in read_topic(self.bootstrap, topic)]

    async def totals(self) -> dict[str, int]:
        return totals_kept([record async for record in read_topic(self.bootstrap, self.processor.changelog)])

    async def published(self) -> list[Record]:
        return [record async for record in read_topic(self.bootstrap, f"{self.prefix}-out")]

    async def check_exact(self) -> None:
        expected = totals_sent(await self.values_sent())
        found = await self.totals()
        assert found == expected
        published = await self.published()
        for account, revisions in revisions_by_account(published).items():
            assert revisions == list(range(1, len(revisions) + 1)), account
        last = {(record.key or b"").decode(): json.loads(record.value or b"")["total"] for record in published}
        assert last == expected

    async def wait_exact(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        expected = sum(totals_sent(await self.values_sent()).values())
        while sum((await self.totals()).values()) != expected:
            assert time.monotonic() < deadline, self.said()
            await asyncio.sleep(0.3)

    def said(self) -> str:
        lines = []
        for told in self.told:
            told.flush()
            told.seek(0)
            lines.append(told.read())
        return "\n---\n".join(lines)


@asynccontextmanager
async def ground_on(bootstrap: str, *, sources: int = 2) -> AsyncIterator[Ground]:
    ground = Ground(bootstrap, sources)
    await ground.prepare()
    try:
        yield ground
    finally:
        for worker in ground.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        for told in ground.told:
            told.close()
        await ground.producer.stop()


@asynccontextmanager
async def running(engine: Engine[Any]) -> AsyncIterator[asyncio.Task[None]]:
    await engine.start()
    task = asyncio.create_task(engine.run())
    try:
        yield task
    finally:
        if not task.done():
            await engine.stop()
        await asyncio.wait([task])


async def until(true: Callable[[], bool], task: asyncio.Task[None], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if task.done():
            task.result()
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def under_load(ground: Ground, deed: Callable[[], Awaitable[None]]) -> None:
    """Send all the while that ``deed`` lasts."""
    doing = asyncio.ensure_future(deed())
    while not doing.done():
        await ground.send(400)
        await asyncio.sleep(0.05)
    await doing


async def test_three_kills_under_load_change_nothing(stack: LocalStack, tmp_path: Path) -> None:
    async with ground_on(stack.bootstrap) as ground:

        async def kill_three_times() -> None:
            ground.start_worker(tmp_path)
            survivor = ground.start_worker(tmp_path)
            for _ in range(3):
                await asyncio.sleep(4)
                ground.workers[-1 if ground.workers[-1] is not survivor else 0].kill()
                ground.start_worker(tmp_path)
            await asyncio.sleep(3)

        await under_load(ground, kill_three_times)
        await ground.wait_exact(60)
        for worker in ground.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
        for worker in ground.workers:
            await asyncio.to_thread(worker.wait, 30)
        await ground.check_exact()
        assert "REFOLDED" not in ground.said()
        assert "OPEN" in ground.said()


async def test_a_worker_that_slept_through_its_takeover_writes_nothing(stack: LocalStack, tmp_path: Path) -> None:
    async with ground_on(stack.bootstrap) as ground:
        sleeper = ground.start_worker(tmp_path)

        async def sleep_and_wake() -> None:
            await asyncio.sleep(4)
            sleeper.send_signal(signal.SIGSTOP)
            ground.start_worker(tmp_path)
            await asyncio.sleep(16)
            sleeper.send_signal(signal.SIGCONT)
            await asyncio.sleep(4)

        await under_load(ground, sleep_and_wake)
        await ground.wait_exact(60)
        await ground.check_exact()


async def test_workers_join_and_leave(stack: LocalStack) -> None:
    async with ground_on(stack.bootstrap) as ground:
        first = ground.engine()
        async with running(first) as one:
            await ground.send(2000)
            await until(lambda: len(first.owned) == PARTITIONS, one)
            second = ground.engine(processor(ground.prefix))
            async with running(second) as two:
                await until(lambda: len(first.owned) == len(second.owned) == PARTITIONS // 2, two)
                await ground.send(2000)
                await ground.wait_exact(30)
            await until(lambda: len(first.owned) == PARTITIONS, one)
            await ground.send(2000)
            await ground.wait_exact(30)
        await ground.check_exact()


async def test_a_new_worker_restores_what_the_old_one_knew(stack: LocalStack) -> None:
    async with ground_on(stack.bootstrap) as ground:
        await ground.send(3000)
        first = ground.engine()
        async with running(first) as task:
            await until(lambda: first.caught_up, task)
            await ground.wait_exact(30)
            before = {f"account-{n}": first.state_parts(f"account-{n}") for n in range(300)}
        again = ground.engine()
        async with running(again) as task:
            await until(lambda: again.caught_up, task)
            assert {key: again.state_parts(key) for key in before} == before
        await ground.check_exact()


async def test_poison_goes_to_the_dead_letters_and_the_rest_goes_on(stack: LocalStack) -> None:
    async with ground_on(stack.bootstrap) as ground:
        await ground.send(500)
        bad = [Outgoing(ground.processor.sources[0], b"account-1", b"{") for _ in range(5)]
        await ground.producer.send_many(bad)
        engine = ground.engine()
        async with running(engine) as task:
            await until(lambda: engine.caught_up, task)
        letters = [r async for r in read_topic(stack.bootstrap, ground.processor.dead_letters)]
        assert len(letters) == 5
        assert json.loads(letters[0].value or b"")["topic"] == ground.processor.sources[0]


async def test_nothing_but_poison_halts_the_worker(stack: LocalStack) -> None:
    async with ground_on(stack.bootstrap) as ground:
        await ground.producer.send_many([Outgoing(ground.processor.sources[0], b"k", b"{") for _ in range(1000)])
        async with running(ground.engine()) as task:
            await asyncio.wait([task], timeout=60)
            with pytest.raises(HaltError, match="in a row"):
                task.result()


class Drops(NoHooks):
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def dropped(self, partition: int, reason: str) -> None:
        self.reasons.append(reason)


async def test_a_failed_delivery_inside_a_transaction_drops_the_partition(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client would commit around it and lose the record for good."""
    async with ground_on(stack.bootstrap) as ground:
        drops = Drops()
        engine = ground.engine(hooks=drops)
        send = KafkaWriter._send
        failures = {"left": 3}

        async def failing(self: KafkaWriter, place: Place, records: Sequence[Entry]) -> Any:
            if place[0].endswith("-out") and failures["left"]:
                failures["left"] -= 1
                raise ConnectionError("the delivery failed")
            return await send(self, place, records)

        async with running(engine) as task:
            await until(lambda: len(engine.owned) == PARTITIONS, task)
            monkeypatch.setattr(KafkaWriter, "_send", failing)
            await ground.send(1000)
            await ground.wait_exact(60)
        assert failures["left"] == 0
        assert drops.reasons
        await ground.check_exact()


async def test_readers_of_uncommitted_records_see_more_but_ours_do_not(stack: LocalStack) -> None:
    async with ground_on(stack.bootstrap) as ground:
        log = KafkaLog(stack.bootstrap, client_id="tests")
        place = (ground.processor.changelog, 0)
        old = await log.open_writer(f"{ground.group}-0")
        await old._producer.begin_transaction()
        await old._producer.send_and_wait(place[0], b"half", b"key", partition=0)
        new = await log.open_writer(f"{ground.group}-0")  # aborts what the old one had open
        with contextlib.suppress(Exception):
            await old._producer.commit_transaction()
        assert [r async for r in read_topic(stack.bootstrap, place[0])] == []
        await old.close()
        await new.close()
