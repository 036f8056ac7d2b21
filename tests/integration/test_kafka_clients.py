"""Writing and reading on a real broker: what is acknowledged is there, in order, and nobody skips anything."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.errors import OutOfOrderSequenceNumber
from truenorth.clock import SystemClock
from truenorth.errors import HaltError, RefusedError, TransientError
from truenorth.ids import random_secret
from truenorth.kafka import Outgoing, Record, partition_of
from truenorth.kafka.admin import begin_and_end_offsets, end_offsets, ensure_topics
from truenorth.kafka.consumer import ConsumerLoop
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic
from truenorth.streams.log import Entry
from truenorth.topics import Topic
from truenorth_local.stack import LocalStack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CLOCK = SystemClock()
PARTITIONS = 3


class PlainTopic(Topic):
    """A topic outside of the catalogue, under its own name."""

    @property
    def full_name(self) -> str:
        return self.name


async def new_topic(bootstrap: str, partitions: int = PARTITIONS) -> str:
    name = f"kafka-{random_secret(4)}"
    topic = PlainTopic(name, "account", "tests", "delete", 1, "")
    await ensure_topics(bootstrap, partitions=partitions, replicas=1, topics=[topic])
    return name


@asynccontextmanager
async def producing(bootstrap: str, **more: Any) -> AsyncIterator[LanesProducer]:
    producer = LanesProducer(bootstrap, clock=CLOCK, client_id="tests", **more)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def read_all(bootstrap: str, topic: str) -> list[Record]:
    return [record async for record in read_topic(bootstrap, topic)]


@asynccontextmanager
async def consuming(loop: ConsumerLoop) -> AsyncIterator["asyncio.Task[None]"]:
    await loop.start()
    task = asyncio.create_task(loop.run())
    try:
        yield task
    finally:
        await loop.stop()
        with contextlib.suppress(HaltError, ValueError):
            await task


async def until(true: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


async def test_every_acknowledged_record_is_there_in_order_and_in_its_partition(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap)

    async def caller(name: int) -> None:
        for number in range(50):
            await producer.send_many([Outgoing(topic, b"key-%d" % name, b"%d-%d" % (number, i)) for i in range(3)])

    async with producing(stack.bootstrap) as producer:
        await asyncio.gather(*(caller(name) for name in range(20)))
    records = await read_all(stack.bootstrap, topic)
    assert len(records) == 20 * 50 * 3
    for name in range(20):
        key = b"key-%d" % name
        mine = [record for record in records if record.key == key]
        assert [record.value for record in mine] == [b"%d-%d" % (n, i) for n in range(50) for i in range(3)]
        assert {record.partition for record in mine} == {partition_of(key, PARTITIONS)}


async def test_large_tombstone_and_keyless_records(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap)
    async with producing(stack.bootstrap) as producer:
        await producer.send_many(
            [Outgoing(topic, b"k", b"x" * 2_500_000), Outgoing(topic, b"k", None), Outgoing(topic, None, b"no key")]
        )
        with pytest.raises(RefusedError) as refused:
            await producer.send_many([Outgoing(topic, b"k", b"x" * 4_000_000)])
    assert refused.value.code == "record_too_large"
    assert {record.value and len(record.value) for record in await read_all(stack.bootstrap, topic)} == {
        2_500_000,
        None,
        6,
    }


async def test_a_topic_that_is_not_there_is_a_transient_error(stack: LocalStack) -> None:
    async with producing(stack.bootstrap, delivery_s_max=2) as producer:
        with pytest.raises(TransientError, match="nowhere"):
            await producer.send_many([Outgoing("nowhere", b"k", b"v")])


async def test_a_broker_that_is_away_is_a_transient_error() -> None:
    async with producing("127.0.0.1:1", delivery_s_max=1) as producer:
        assert not producer.connected
        with pytest.raises(TransientError):
            await producer.send_many([Outgoing("topic", b"k", b"v")])


async def test_too_much_waiting_is_refused_at_once(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap)
    async with producing(stack.bootstrap, waiting_bytes_max=1000) as producer:
        with pytest.raises(TransientError, match="wait for the broker"):
            await producer.send_many([Outgoing(topic, b"k", b"x" * 2000)])
        await producer.send_many([Outgoing(topic, b"k", b"x")])


async def test_a_broken_producer_is_replaced(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap)
    async with producing(stack.bootstrap) as producer:
        await producer.send_many([Outgoing(topic, b"k", b"before")])
        broken: Any = producer._producer

        async def refuse(*_: Any, **__: Any) -> None:
            raise OutOfOrderSequenceNumber

        broken.send_batch = refuse
        with pytest.raises(TransientError, match="OutOfOrder"):
            await producer.send_many([Outgoing(topic, b"k", b"lost")])
        await producer.send_many([Outgoing(topic, b"k", b"after")])
        assert producer.replaced_count == 1
        assert producer._producer is not broken
    assert [record.value for record in await read_all(stack.bootstrap, topic)] == [b"before", b"after"]


async def test_reading_once_passes_over_what_transactions_left_empty(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap, partitions=1)
    log = KafkaLog(stack.bootstrap, client_id="tests")
    writer = await log.open_writer(f"{topic}-writer")
    assert await writer.commit({(topic, 0): [Entry(b"k", b"1"), Entry(b"k", b"2")]}) == {(topic, 0): 1}
    assert await writer.commit({(topic, 0): [Entry(b"k", b"3")]}) == {(topic, 0): 3}
    await writer._producer.begin_transaction()
    await writer._producer.send_and_wait(topic, b"aborted", b"k", partition=0)
    await writer._producer.abort_transaction()
    await writer.close()
    assert [record.value for record in await read_all(stack.bootstrap, topic)] == [b"1", b"2", b"3"]
    begin, end = (await begin_and_end_offsets(stack.bootstrap, [topic]))[topic, 0]
    assert (begin, end) == (0, 7)
    assert await end_offsets(stack.bootstrap, [topic]) == {(topic, 0): 7}


async def test_a_second_writer_shuts_the_first_one_out(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap, partitions=1)
    log = KafkaLog(stack.bootstrap, client_id="tests")
    first = await log.open_writer(f"{topic}-writer")
    second = await log.open_writer(f"{topic}-writer")
    with pytest.raises(TransientError):
        await first.commit({(topic, 0): [Entry(b"k", b"first")]})
    await second.commit({(topic, 0): [Entry(b"k", b"second")]})
    await first.close()
    await second.close()
    assert [record.value for record in await read_all(stack.bootstrap, topic)] == [b"second"]


async def test_topics_are_made_once_and_a_changed_count_halts(stack: LocalStack) -> None:
    name = f"kafka-{random_secret(4)}"
    topics = [PlainTopic(name, "account", "tests", "delete", 1, "")]
    assert await ensure_topics(stack.bootstrap, partitions=2, replicas=1, topics=topics) == [name]
    assert await ensure_topics(stack.bootstrap, partitions=2, replicas=1, topics=topics) == []
    with pytest.raises(HaltError, match="2 partitions, 5 are expected"):
        await ensure_topics(stack.bootstrap, partitions=5, replicas=1, topics=topics)


class Shelf:
    """Keeps what was handled, and the positions as a database would."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []
        self.positions: dict[tuple[str, int], int] = {}
        self.failures_left = 0
        self.caught_up = asyncio.Event()

    def known(self) -> list[bytes]:
        """What was handled, tombstones apart."""
        return [value for value in self.values if value is not None]

    def holds(self, count: int) -> Callable[[], bool]:
        """Return whether so much was handled, as a question for `until`."""
        return lambda: len(self.values) >= count

    async def handle(self, records: Sequence[Record]) -> None:
        if self.failures_left:
            self.failures_left -= 1
            raise TransientError("not now")
        for record in records:
            self.values.append(record.value)
            self.positions[record.topic, record.partition] = record.offset + 1

    async def position(self, places: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return {place: self.positions[place] for place in places if place in self.positions}

    async def on_caught_up(self) -> None:
        self.caught_up.set()


async def numbered(bootstrap: str, topic: str, numbers: range) -> list[bytes]:
    values = [b"%d" % number for number in numbers]
    async with producing(bootstrap) as producer:
        await producer.send_many([Outgoing(topic, value, value) for value in values])
    return values


async def test_without_a_group_everything_is_read_from_the_start(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap)
    values = await numbered(stack.bootstrap, topic, range(100))
    shelf = Shelf()
    loop = ConsumerLoop(
        stack.bootstrap, None, [topic], shelf.handle, clock=CLOCK, on_caught_up=shelf.on_caught_up, batch_records_max=7
    )
    async with consuming(loop):
        await asyncio.wait_for(shelf.caught_up.wait(), 30)
        assert sorted(shelf.known()) == sorted(values)
        assert loop.progress.caught_up
        assert loop.progress.lag_records == 0
        assert loop.progress.stuck_for_s == 0
        more = await numbered(stack.bootstrap, topic, range(100, 110))
        await until(lambda: len(shelf.values) == 110)
    assert sorted(shelf.known()) == sorted([*values, *more])


async def test_the_database_says_where_to_go_on(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap)
    await numbered(stack.bootstrap, topic, range(50))
    shelf, group = Shelf(), f"{topic}-group"
    for first, last in ((0, 50), (50, 80)):
        if first:
            await numbered(stack.bootstrap, topic, range(first, last))
        loop = ConsumerLoop(stack.bootstrap, group, [topic], shelf.handle, clock=CLOCK, position=shelf.position)
        async with consuming(loop):
            await until(shelf.holds(last))
    assert sorted(shelf.known()) == sorted(b"%d" % number for number in range(80))


async def test_a_group_goes_on_from_what_it_committed(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap)
    await numbered(stack.bootstrap, topic, range(30))
    shelf, group = Shelf(), f"{topic}-group"
    for last in (30, 60):
        if last > 30:
            await numbered(stack.bootstrap, topic, range(30, last))
        loop = ConsumerLoop(stack.bootstrap, group, [topic], shelf.handle, clock=CLOCK)
        async with consuming(loop):
            await until(shelf.holds(last))
    assert len(shelf.values) == 60


async def test_members_of_a_group_share_the_topic(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap)
    shelf, group = Shelf(), f"{topic}-group"
    loops = [
        ConsumerLoop(stack.bootstrap, group, [topic], shelf.handle, clock=CLOCK, position=shelf.position)
        for _ in range(2)
    ]
    async with consuming(loops[0]), consuming(loops[1]):
        await until(lambda: sorted(len(loop.progress.positions) for loop in loops) == [1, 2])
        values = await numbered(stack.bootstrap, topic, range(200))
        await until(lambda: len(shelf.values) == 200)
    assert sorted(shelf.known()) == sorted(values)


async def test_a_batch_that_fails_for_the_moment_is_tried_again(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap)
    values = await numbered(stack.bootstrap, topic, range(10))
    shelf = Shelf()
    shelf.failures_left = 2
    async with consuming(ConsumerLoop(stack.bootstrap, None, [topic], shelf.handle, clock=CLOCK)):
        await until(lambda: len(shelf.values) == 10)
    assert sorted(shelf.known()) == sorted(values)


async def test_any_other_failure_ends_the_loop(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap)
    await numbered(stack.bootstrap, topic, range(10))

    async def handle(records: Sequence[Record]) -> None:
        raise ValueError("a bug")

    loop = ConsumerLoop(stack.bootstrap, None, [topic], handle, clock=CLOCK)
    async with consuming(loop) as task:
        await asyncio.wait([task], timeout=30)
        with pytest.raises(ValueError, match="a bug"):
            task.result()


async def test_a_position_behind_the_end_halts(stack: LocalStack) -> None:
    topic = await new_topic(stack.bootstrap, partitions=1)
    await numbered(stack.bootstrap, topic, range(10))
    shelf = Shelf()
    shelf.positions[topic, 0] = 99
    loop = ConsumerLoop(stack.bootstrap, None, [topic], shelf.handle, clock=CLOCK, position=shelf.position)
    async with consuming(loop) as task:
        await asyncio.wait([task], timeout=30)
        with pytest.raises(HaltError, match="the log holds 0 to 10"):
            task.result()


async def test_a_broker_that_is_away_is_waited_for() -> None:
    shelf = Shelf()
    loop = ConsumerLoop("127.0.0.1:1", None, ["topic"], shelf.handle, clock=CLOCK)
    async with consuming(loop) as task:
        await asyncio.sleep(1)
        assert not task.done()
        assert not loop.progress.caught_up
