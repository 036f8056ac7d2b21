"""Old and new workers beside one another: state moves forward, account by account, and never backward."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
from truenorth.clock import ManualClock
from truenorth.streams.counting import Account, CountingProcessor, Counts
from truenorth.streams.engine import Engine
from truenorth.streams.kept import Kept
from truenorth.streams.memory import MemoryBroker, MemoryLog
from truenorth.streams.records import decode_own

from tests.conformance.accounts import happening, processor, revisions_by_account, topics_of

PARTITIONS = 2
ACCOUNTS = [f"account-{number}" for number in range(12)]


class NewerProcessor(CountingProcessor):
    """Version 2 keeps the number of events beside their total, which version 1 would lose."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.schema = 2

    def migrate(self, parts: dict[str, bytes], schema: int) -> dict[str, bytes]:
        assert schema == 1
        return parts | {"extra": b"migrated"}

    def load(self, key: str, parts: dict[str, bytes]) -> Account:
        account = super().load(key, parts)
        assert parts.get("extra", b"new") in {b"new", b"migrated"}
        return account

    def dump(self, state: Account) -> Mapping[str, bytes]:
        return {**super().dump(state), "extra": b"migrated"}


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.old = processor("t")
        self.broker = MemoryBroker(self.clock, dict.fromkeys(topics_of(self.old), PARTITIONS))
        self.running: list[tuple[Engine[Any], asyncio.Task[None]]] = []
        self.sent = 0

    def newer(self) -> CountingProcessor:
        return NewerProcessor(self.old.sources, self.old.changelog, self.old.dead_letters, self.old._out)

    async def start(self, program: CountingProcessor) -> Engine[Any]:
        engine: Engine[Any] = Engine(MemoryLog(self.broker), program, group="g", clock=self.clock)
        await engine.start()
        self.running.append((engine, asyncio.create_task(engine.run())))
        return engine

    async def stop(self, engine: Engine[Any]) -> None:
        await engine.stop()
        for one, task in list(self.running):
            if one is engine:
                await task
                self.running.remove((one, task))

    async def stop_all(self) -> None:
        for _, task in self.running:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def send(self, accounts: list[str]) -> None:
        for account in accounts:
            self.broker.send(self.old.sources[0], account, happening(account))
            self.sent += 1

    def kept(self) -> Kept:
        kept = Kept(core="core", sources=2)
        for number in range(PARTITIONS):
            kept.take(self.broker.records[self.old.changelog, number])
        kept.restored()
        return kept

    def total(self) -> int:
        decode = msgspec.msgpack.Decoder(Counts).decode
        return sum(decode(decode_own(own).core).total for own in self.kept().owns.values())

    async def until_all_counted(self) -> None:
        for _ in range(20_000):
            if self.total() == self.sent:
                return
            await asyncio.sleep(0)
        raise AssertionError(f"{self.total()} of {self.sent} were counted")

    def schemas(self) -> dict[str, int]:
        return {account: decode_own(own).schema for account, own in self.kept().owns.items()}


async def test_state_moves_forward_at_the_next_touch_of_each_account() -> None:
    world = World()
    old = await world.start(world.old)
    world.send(ACCOUNTS)
    await world.until_all_counted()
    await world.stop(old)
    await world.start(world.newer())
    world.send(ACCOUNTS[:4])
    await world.until_all_counted()
    assert world.schemas() == {account: 2 if account in ACCOUNTS[:4] else 1 for account in ACCOUNTS}
    assert set(world.kept().others) == set(ACCOUNTS[:4])
    await world.stop_all()


async def test_an_old_worker_leaves_newer_state_alone_until_it_is_replaced() -> None:
    """A rolling upgrade: old and new share the group, and a partition goes back from new to old."""
    world = World()
    old = await world.start(world.old)
    world.send(ACCOUNTS)
    await world.until_all_counted()
    newer = await world.start(world.newer())
    world.send(ACCOUNTS)
    await world.until_all_counted()  # each on its share
    moved = next(iter(newer.owned))
    await world.stop(newer)  # its share goes back to the old one
    world.send(ACCOUNTS)
    for _ in range(3_000):
        await asyncio.sleep(0)
    assert old.owned == {0, 1} - {moved}
    assert "version 2 of the program" in old.refused[moved]
    assert world.total() < world.sent
    await world.stop(old)
    await world.start(world.newer())
    await world.until_all_counted()
    outputs = [record for number in range(PARTITIONS) for record in world.broker.records["t-out", number]]
    for account, revisions in revisions_by_account(outputs).items():
        assert revisions == list(range(1, len(revisions) + 1)), account
    await world.stop_all()
