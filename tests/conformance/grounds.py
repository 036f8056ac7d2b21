"""The same ground on each log: fresh topics, and ways to act on them from outside of `Log`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from truenorth.clock import ManualClock, SystemClock
from truenorth.ids import random_secret
from truenorth.kafka import Outgoing, Record, partition_of
from truenorth.kafka.admin import ensure_topics
from truenorth.kafka.clients import discard_producer, new_producer
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.producer import LanesProducer
from truenorth.streams.log import Entry, Log, Place, Reader
from truenorth.streams.memory import MemoryBroker, MemoryLog, MemoryReader
from truenorth.topics import Topic

PARTITIONS = 2
WIDE_PARTITIONS = 5
WAIT_S = 60.0
_Admin: Any = AIOKafkaAdminClient  # half typed
_RecordsToDelete: Any = RecordsToDelete


class PlainTopic(Topic):
    """A topic outside of the catalogue, under its own name."""

    @property
    def full_name(self) -> str:
        return self.name


class CompactedTopic(PlainTopic):
    """One that is compacted as soon as the broker's cleaner comes by; tombstones are kept."""

    def config(self, *, replicas: int) -> dict[str, str]:
        often = {"min.cleanable.dirty.ratio": "0.0001", "segment.ms": "100", "max.compaction.lag.ms": "200"}
        return super().config(replicas=replicas) | often


class Transaction(Protocol):
    """A transaction that is open for as long as a test likes."""

    async def write(self, place: Place, *values: bytes) -> None: ...

    async def finish(self, *, committed: bool) -> None: ...


class Ground(Protocol):
    """A log with two fresh topics, two wide ones and a compacted one."""

    log: Log
    group: str
    topics: list[str]
    wide: list[str]
    compacted: str

    async def send(self, topic: str, key: bytes, value: bytes | None) -> None: ...

    async def begin(self, transactional_id: str) -> Transaction: ...

    async def trim(self, place: Place, begin: int) -> None: ...

    async def wait_a_little(self) -> None: ...

    async def compact(self) -> None:
        """Have the compacted topic compacted, or let time pass in which it may be."""
        ...

    async def crash(self, reader: Reader) -> None:
        """End a reader without a word to the group, and see to it that its session ends."""
        ...


def _names(count: int) -> list[str]:
    return [f"conformance-{random_secret(4)}" for _ in range(count)]


class MemoryTransaction:
    def __init__(self, broker: MemoryBroker, transactional_id: str) -> None:
        self._broker = broker
        self._id = transactional_id
        self._epoch = broker.initialise(transactional_id)

    async def write(self, place: Place, *values: bytes) -> None:
        self._broker.write(self._id, self._epoch, place, [Entry(b"k", value) for value in values])

    async def finish(self, *, committed: bool) -> None:
        self._broker.check(self._id, self._epoch)
        self._broker.finish(self._id, committed=committed)


class MemoryGround:
    def __init__(self) -> None:
        *self.topics, first, second, self.compacted = _names(5)
        self.wide = [first, second]
        self.group = f"group-{random_secret(4)}"
        counts = dict.fromkeys([*self.topics, self.compacted], PARTITIONS)
        self.broker = MemoryBroker(ManualClock(), counts | dict.fromkeys(self.wide, WIDE_PARTITIONS))
        self.log: Log = MemoryLog(self.broker)

    async def send(self, topic: str, key: bytes, value: bytes | None) -> None:
        self.broker.append((topic, partition_of(key, self.broker.counts[topic])), key, value)

    async def begin(self, transactional_id: str) -> Transaction:
        return MemoryTransaction(self.broker, transactional_id)

    async def trim(self, place: Place, begin: int) -> None:
        self.broker.trim(place, begin)

    async def wait_a_little(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def compact(self) -> None:
        ends = {number: self.broker.ends[self.compacted, number] - 1 for number in range(PARTITIONS)}
        self.broker.compact(self.compacted, until=ends)  # the last record is in the segment that is written to

    async def crash(self, reader: Reader) -> None:
        assert isinstance(reader, MemoryReader)
        self.broker.group(self.group).leave(reader)


class KafkaTransaction:
    def __init__(self, producer: Any) -> None:
        self.producer = producer

    async def write(self, place: Place, *values: bytes) -> None:
        for value in values:
            await self.producer.send_and_wait(place[0], value, key=b"k", partition=place[1])

    async def finish(self, *, committed: bool) -> None:
        await (self.producer.commit_transaction() if committed else self.producer.abort_transaction())


class KafkaGround:
    def __init__(self, bootstrap: str) -> None:
        *self.topics, first, second, self.compacted = _names(5)
        self.wide = [first, second]
        self.group = f"group-{random_secret(4)}"
        self.log: Log = KafkaLog(bootstrap, client_id="conformance")
        self.bootstrap = bootstrap
        self.sender = LanesProducer(bootstrap, clock=SystemClock(), client_id="conformance")
        self.producers: list[Any] = []

    async def start(self) -> None:
        for topics, partitions in (([*self.topics], PARTITIONS), (self.wide, WIDE_PARTITIONS)):
            plain = [PlainTopic(name, "account", "tests", "delete", 1, "") for name in topics]
            await ensure_topics(self.bootstrap, partitions=partitions, replicas=1, topics=plain)
        compacted = CompactedTopic(self.compacted, "account", "tests", "compact", None, "")
        await ensure_topics(self.bootstrap, partitions=PARTITIONS, replicas=1, topics=[compacted])
        await self.sender.start()

    async def stop(self) -> None:
        await self.sender.stop()
        for producer in self.producers:
            await discard_producer(producer)

    async def send(self, topic: str, key: bytes, value: bytes | None) -> None:
        await self.sender.send_many([Outgoing(topic, key, value)])

    async def begin(self, transactional_id: str) -> Transaction:
        producer = await new_producer(
            self.bootstrap, client_id="conformance", transactional_id=transactional_id, transaction_timeout_ms=60_000
        )
        self.producers.append(producer)
        await producer.begin_transaction()
        return KafkaTransaction(producer)

    async def trim(self, place: Place, begin: int) -> None:
        admin = _Admin(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.delete_records({TopicPartition(*place): _RecordsToDelete(before_offset=begin)})
        finally:
            await admin.close()

    async def wait_a_little(self) -> None:
        await asyncio.sleep(0.5)

    async def compact(self) -> None:
        await asyncio.sleep(0.5)

    async def crash(self, reader: Any) -> None:
        async def nothing() -> None:
            """Do not leave the group."""

        reader._consumer._coordinator._maybe_leave_group = nothing
        await reader.close()


@asynccontextmanager
async def kafka_ground(bootstrap: str) -> AsyncIterator[KafkaGround]:
    ground = KafkaGround(bootstrap)
    await ground.start()
    try:
        yield ground
    finally:
        await ground.stop()


async def drained(log: Log, place: Place, last: int) -> list[Record]:
    return [record async for records in log.read_through(place, last) for record in records]


async def assigned(*readers: Reader, count: int = 2 * PARTITIONS) -> None:
    """Poll until every reader has its share and together they have everything once."""
    async with asyncio.timeout(WAIT_S):
        while True:
            for reader in readers:
                await reader.poll(0.05, 10)
            shares = [reader.assignment for reader in readers]
            if None not in shares and sum(len(share or ()) for share in shares) == count:
                return


async def polled(reader: Reader, count: int) -> list[Record]:
    found: list[Record] = []
    async with asyncio.timeout(WAIT_S):
        while len(found) < count:
            for records in (await reader.poll(0.05, 100)).values():
                found.extend(records)
    return found
