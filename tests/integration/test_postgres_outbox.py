"""The outbox against a real server: nothing lost, order kept, one relay at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import MetaData, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.clock import SystemClock
from truenorth.errors import TransientError
from truenorth.ids import derived_id, random_id
from truenorth.kafka.records import Outgoing, Record
from truenorth.postgres import dead_letters, outbox
from truenorth.postgres.engine import make_engine, transaction

pytestmark = pytest.mark.integration

METADATA = MetaData()
OUTBOX = outbox.outbox_table(METADATA)


class Broker:
    """Keeps what was sent; fails on demand after or before keeping it."""

    def __init__(self) -> None:
        self.kept: list[Outgoing] = []
        self.fail_before = 0
        self.fail_after = 0

    async def send(self, items: Sequence[Outgoing]) -> None:
        if self.fail_before:
            self.fail_before -= 1
            raise TransientError("the broker is away")
        self.kept.extend(items)
        if self.fail_after:
            self.fail_after -= 1
            raise TransientError("no answer came")

    @property
    def values(self) -> list[bytes | None]:
        return [item.value for item in self.kept]


@dataclass
class House:
    engine: AsyncEngine
    schema: str
    broker: Broker

    def relay(self) -> outbox.OutboxRelay:
        return outbox.OutboxRelay(self.engine, OUTBOX, self.broker.send, schema=self.schema, clock=SystemClock())

    async def put(self, *names: str) -> None:
        async with transaction(self.engine) as connection:
            for name in names:
                await outbox.put(
                    connection,
                    OUTBOX,
                    event_id=derived_id(name),
                    topic="tasks",
                    key="acme",
                    event_type="task.updated",
                    value=name.encode(),
                    now_ms=1,
                )

    async def left(self) -> int:
        async with transaction(self.engine) as connection:
            return len((await connection.execute(select(OUTBOX.c.id))).all())


@pytest.fixture
async def house(stack: Any) -> AsyncIterator[House]:
    schema = f"test_{random_id()[:8]}"
    engine = make_engine(stack.database_url, schema=schema, pool_connections=12)
    async with transaction(engine) as connection:
        await connection.execute(text(f'CREATE SCHEMA "{schema}"'))
        await connection.run_sync(METADATA.create_all)
    yield House(engine, schema, Broker())
    async with transaction(engine) as connection:
        await connection.execute(text(f'DROP SCHEMA "{schema}" CASCADE'))
    await engine.dispose()


async def test_rows_travel_in_order_with_topic_key_and_exact_bytes(house: House) -> None:
    await house.put("a", "b", "c")
    assert await house.relay().drain_once() == 3
    assert house.broker.values == [b"a", b"b", b"c"]
    assert house.broker.kept[0].topic == "truenorth.tasks.v1"
    assert house.broker.kept[0].key == b"acme"
    assert await house.left() == 0


async def test_the_same_id_twice_is_one_row(house: House) -> None:
    await house.put("a", "a")
    await house.put("a")
    assert await house.relay().drain_once() == 1


async def test_an_unacknowledged_row_is_sent_again(house: House) -> None:
    await house.put("a")
    house.broker.fail_before = 1
    with pytest.raises(TransientError):
        await house.relay().drain_once()
    assert await house.left() == 1
    house.broker.fail_after = 1
    with pytest.raises(TransientError):
        await house.relay().drain_once()
    await house.relay().drain_once()
    assert house.broker.values == [b"a", b"a"]
    assert await house.left() == 0


async def test_a_rolled_back_transaction_says_nothing(house: House) -> None:
    with pytest.raises(ValueError, match="no"):
        async with transaction(house.engine) as connection:
            await outbox.put(
                connection,
                OUTBOX,
                event_id=derived_id("x"),
                topic="tasks",
                key="acme",
                event_type="task.updated",
                value=b"x",
                now_ms=1,
            )
            raise ValueError("no")
    assert await house.relay().drain_once() == 0


async def test_writers_in_any_order_of_commit_lose_nothing(house: House) -> None:
    relay = house.relay()
    running = asyncio.create_task(relay.run())

    async def write(number: int) -> None:
        for turn in range(15):
            await house.put(f"{number}-{turn}")
            relay.wake()

    await asyncio.gather(*(write(number) for number in range(6)))
    async with asyncio.timeout(10):
        while await house.left():
            await asyncio.sleep(0.02)
    await relay.stop()
    await running
    assert len(house.broker.values) == len(set(house.broker.values)) == 90
    for number in range(6):
        own = [value for value in house.broker.values if value is not None and value.startswith(f"{number}-".encode())]
        assert own == [f"{number}-{turn}".encode() for turn in range(15)]


async def test_one_relay_is_active_and_another_takes_over(house: House) -> None:
    first, second = house.relay(), house.relay()
    running = asyncio.create_task(first.run())
    while not first.is_active:
        await asyncio.sleep(0.01)
    await house.put("a")
    assert await second.drain_once() == 0
    await first.stop()
    await running
    await house.put("b")
    await second.drain_once()
    assert house.broker.values == [b"a", b"b"]


async def test_a_relay_whose_connection_is_cut_comes_back(house: House) -> None:
    relay = house.relay()
    running = asyncio.create_task(relay.run())
    while not relay.is_active:
        await asyncio.sleep(0.01)
    async with transaction(house.engine) as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        )
    await house.put("a")
    async with asyncio.timeout(10):
        while not house.broker.kept:
            await asyncio.sleep(0.02)
    await relay.stop()
    await running
    assert relay.failures == 1


async def test_a_woken_relay_does_not_wait_for_its_next_look(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truenorth.postgres.outbox.POLL_S", 3600.0)
    relay = house.relay()
    running = asyncio.create_task(relay.run())
    while not relay.is_active:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(30):
        for number in range(5):
            await house.put(str(number))
            relay.wake()
            while len(house.broker.kept) <= number:
                await asyncio.sleep(0.001)
    await relay.stop()
    await running


async def test_a_dead_letter_travels_with_its_reason(house: House) -> None:
    record = Record("truenorth.actions.v1", 3, 9, b"acme", b"{broken", 5)
    async with transaction(house.engine) as connection:
        for _ in range(2):
            await dead_letters.park(
                connection, OUTBOX, record, reader="playbooks", reason="envelope_invalid: ...", now_ms=5
            )
    assert await house.relay().drain_once() == 1
    (item,) = house.broker.kept
    assert item.topic == "truenorth.dead-letters.v1"
    assert item.key is None
    assert item.value is not None
    assert b'"reader":"playbooks"' in item.value
    assert b'"offset":9' in item.value
