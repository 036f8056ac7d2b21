"""Every log the engine can run on keeps the same promises: the one in memory, and Kafka."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from truenorth.clock import ManualClock, SystemClock
from truenorth.errors import TransientError
from truenorth.ids import random_secret
from truenorth.kafka import Outgoing, Record, partition_of
from truenorth.kafka.admin import ensure_topics
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.producer import LanesProducer
from truenorth.streams.log import Entry, Log, Reader
from truenorth.streams.memory import MemoryBroker, MemoryLog
from truenorth.topics import Topic

pytestmark = pytest.mark.timeout(120)

PARTITIONS = 2


class PlainTopic(Topic):
    """A topic outside of the catalogue, under its own name."""

    @property
    def full_name(self) -> str:
        return self.name


class Ground:
    """A log with two fresh topics, and a way to write into them from outside."""

    def __init__(self, log: Log, send: Callable[[str, bytes, bytes], Any]) -> None:
        self.log = log
        self.send = send
        self.group = f"group-{random_secret(4)}"
        self.topics = [f"conformance-{random_secret(4)}" for _ in range(2)]


def memory_ground() -> Ground:
    broker = MemoryBroker(ManualClock(), {})

    async def send(topic: str, key: bytes, value: bytes) -> None:
        broker.append((topic, partition_of(key, PARTITIONS)), key, value)

    ground = Ground(MemoryLog(broker), send)
    broker.counts = dict.fromkeys(ground.topics, PARTITIONS)
    return ground


@asynccontextmanager
async def kafka_ground(bootstrap: str) -> AsyncIterator[Ground]:
    producer = LanesProducer(bootstrap, clock=SystemClock(), client_id="conformance")

    async def send(topic: str, key: bytes, value: bytes) -> None:
        await producer.send_many([Outgoing(topic, key, value)])

    ground = Ground(KafkaLog(bootstrap, client_id="conformance"), send)
    topics = [PlainTopic(name, "account", "tests", "delete", 1, "") for name in ground.topics]
    await ensure_topics(bootstrap, partitions=PARTITIONS, replicas=1, topics=topics)
    await producer.start()
    try:
        yield ground
    finally:
        await producer.stop()


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.integration)])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    if request.param == "memory":
        yield memory_ground()
    else:
        async with kafka_ground(request.getfixturevalue("stack").bootstrap) as made:
            yield made


async def drained(log: Log, place: tuple[str, int], last: int) -> list[Record]:
    return [record async for records in log.read_through(place, last) for record in records]


async def assigned(*readers: Reader) -> None:
    """Poll until every reader has its share and together they have everything once."""
    async with asyncio.timeout(60):
        while True:
            for reader in readers:
                await reader.poll(0.05, 10)
            shares = [reader.assignment for reader in readers]
            if None not in shares and sum(len(share or ()) for share in shares) == 2 * PARTITIONS:
                return


async def polled(reader: Reader, count: int) -> list[Record]:
    found: list[Record] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            for records in (await reader.poll(0.05, 100)).values():
                found.extend(records)
    return found


async def test_a_commit_is_there_as_a_whole_and_tells_its_last_offsets(ground: Ground) -> None:
    first, second = ground.topics
    writer = await ground.log.open_writer(f"{ground.group}-0")
    lasts = await writer.commit({(first, 0): [Entry(b"a", b"1"), Entry(b"b", None)], (second, 1): [Entry(b"c", b"2")]})
    assert lasts == {(first, 0): 1, (second, 1): 0}
    assert [(r.offset, r.key, r.value) for r in await drained(ground.log, (first, 0), 1)] == [
        (0, b"a", b"1"),
        (1, b"b", None),
    ]
    lasts = await writer.commit({(first, 0): [Entry(b"a", b"3")]})
    assert lasts == {(first, 0): 3}  # the end of the first transaction took an offset
    assert [r.value for r in await drained(ground.log, (first, 0), 3)] == [b"1", None, b"3"]
    await writer.close()
    assert (await ground.log.spans([(first, 0)]))[first, 0] == (0, 5)


async def test_a_new_writer_shuts_the_old_one_out(ground: Ground) -> None:
    place = ground.topics[0], 0
    old = await ground.log.open_writer(f"{ground.group}-0")
    await old.commit({place: [Entry(b"k", b"old")]})
    new = await ground.log.open_writer(f"{ground.group}-0")
    with pytest.raises(TransientError):
        await old.commit({place: [Entry(b"k", b"too late")]})
    last = (await new.commit({place: [Entry(b"k", b"new")]}))[place]
    assert [record.value for record in await drained(ground.log, place, last)] == [b"old", b"new"]
    await old.close()
    await new.close()


async def test_nothing_is_delivered_before_a_place_is_begun(ground: Ground) -> None:
    topic = ground.topics[0]
    for value in (b"1", b"2", b"3"):
        await ground.send(topic, b"k", value)
    place = topic, partition_of(b"k", PARTITIONS)
    reader = await ground.log.join(ground.group, ground.topics, None)
    await assigned(reader)
    for _ in range(5):
        assert not await reader.poll(0.05, 10)
    assert await reader.positions([place]) == {}
    reader.begin(place, 1)
    assert [(record.offset, record.value) for record in await polled(reader, 2)] == [(1, b"2"), (2, b"3")]
    assert await reader.positions([place]) == {place: 3}
    assert (await reader.ends([place]))[place] == 3
    reader.begin(place, 0)
    assert [record.value for record in await polled(reader, 3)] == [b"1", b"2", b"3"]
    await reader.show({place: 3})
    await reader.close()


async def test_a_paused_place_delivers_nothing_and_goes_on_without_a_gap(ground: Ground) -> None:
    topic = ground.topics[0]
    place = topic, partition_of(b"k", PARTITIONS)
    reader = await ground.log.join(ground.group, ground.topics, None)
    await assigned(reader)
    reader.begin(place, 0)
    reader.pause([place])
    await ground.send(topic, b"k", b"1")
    for _ in range(5):
        assert not await reader.poll(0.05, 10)
    reader.resume([place])
    assert [record.value for record in await polled(reader, 1)] == [b"1"]
    await reader.close()


async def test_the_same_partition_number_of_all_topics_goes_to_the_same_member(ground: Ground) -> None:
    first = await ground.log.join(ground.group, ground.topics, None)
    await assigned(first)
    before = first.generation
    second = await ground.log.join(ground.group, ground.topics, None)
    await assigned(first, second)
    assert first.generation > before
    for reader in (first, second):
        share = reader.assignment or frozenset()
        (number,) = {number for _, number in share}
        assert share == {(topic, number) for topic in ground.topics}
    await second.close()
    await assigned(first)
    await first.close()


async def test_positions_pass_over_the_ends_of_transactions(ground: Ground) -> None:
    place = ground.topics[0], 0
    writer = await ground.log.open_writer(f"{ground.group}-0")
    await writer.commit({place: [Entry(b"k", b"1")]})
    await writer.close()
    reader = await ground.log.join(ground.group, ground.topics, None)
    await assigned(reader)
    reader.begin(place, 0)
    assert [record.value for record in await polled(reader, 1)] == [b"1"]
    async with asyncio.timeout(30):
        while await reader.positions([place]) != await reader.ends([place]):
            await reader.poll(0.05, 10)
    await reader.close()


async def test_partitions_are_counted(ground: Ground) -> None:
    assert await ground.log.partition_counts(ground.topics) == dict.fromkeys(ground.topics, PARTITIONS)
