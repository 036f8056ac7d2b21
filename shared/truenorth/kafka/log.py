"""The stream engine's log on Kafka: transactional writers, group readers, changelog reading."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from truenorth.errors import HaltError, TransientError
from truenorth.kafka.admin import partitions_of
from truenorth.kafka.clients import discard_producer, new_consumer, new_producer, stop_consumer
from truenorth.kafka.errors import describe, within
from truenorth.kafka.records import RECORD_HEADERS, Record
from truenorth.streams.log import Entry, Place

_log = logging.getLogger(__name__)

TRANSACTION_TIMEOUT_MS: Final = 10_000
COMMIT_S_MAX: Final = 9.0
ANSWER_S_MAX: Final = 10.0
REBALANCE_S_MAX: Final = 90.0
READ_RECORDS_MAX: Final = 20_000
READ_S_MAX: Final = 30.0


_fields = attrgetter("topic", "partition", "offset", "key", "value", "timestamp")
_new = tuple.__new__


def _records(raws: Sequence[Any]) -> list[Record]:
    return [_new(Record, _fields(raw)) for raw in raws]  # half the time of calling Record: this is done for every event


class KafkaLog:
    """See `truenorth.streams.log.Log`."""

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id

    async def partition_counts(self, topics: Sequence[str]) -> Mapping[str, int]:
        """See `Log.partition_counts`."""
        consumer = await new_consumer(self._bootstrap, client_id=self._client_id)
        try:
            return {topic: len(await partitions_of(consumer, topic)) for topic in topics}
        finally:
            await stop_consumer(consumer)

    async def spans(self, places: Sequence[Place]) -> Mapping[Place, tuple[int, int]]:
        """See `Log.spans`."""
        consumer = await new_consumer(self._bootstrap, client_id=self._client_id)
        try:
            return await _spans(consumer, places)
        finally:
            await stop_consumer(consumer)

    async def open_writer(self, transactional_id: str) -> "KafkaWriter":
        """See `Log.open_writer`."""
        producer = await new_producer(
            self._bootstrap,
            client_id=f"{self._client_id}-{transactional_id}",
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )
        return KafkaWriter(producer)

    async def read_through(self, place: Place, last: int) -> AsyncIterator[Sequence[Record]]:
        """See `Log.read_through`."""
        consumer = await new_consumer(self._bootstrap, client_id=self._client_id)
        try:
            there = TopicPartition(*place)
            await partitions_of(consumer, there.topic)
            begin, _ = (await _spans(consumer, [place]))[place]
            consumer.assign([there])
            consumer.seek(there, begin)
            while True:
                raws, begin = await within(READ_S_MAX, _step(consumer, there, begin), f"reading {place}")
                if raws:
                    yield _records(raws)
                if begin > last:
                    return
        except KafkaError as error:
            raise TransientError(f"reading {place} failed: {describe(error)}") from error
        finally:
            await stop_consumer(consumer)

    async def join(self, group: str, topics: Sequence[str], member: str | None) -> "KafkaReader":
        """See `Log.join`."""
        consumer = await new_consumer(self._bootstrap, client_id=self._client_id, group=group, group_instance_id=member)
        try:
            for topic in topics:  # a topic that is not there would be waited for without a word
                await partitions_of(consumer, topic)
            reader = KafkaReader(consumer)
            consumer.subscribe(list(topics), listener=reader.listener)
        except BaseException:
            await stop_consumer(consumer)
            raise
        return reader


async def _step(consumer: Any, there: Any, begin: int) -> tuple[Sequence[Any], int]:
    """Return the next records and the next offset after ``begin``: at least a step over what was left empty."""
    while True:
        polled = await consumer.getmany(timeout_ms=500, max_records=READ_RECORDS_MAX)
        position = await consumer.position(there)
        if position != begin:
            return polled.get(there, ()), position


async def _spans(consumer: Any, places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
    theirs = [TopicPartition(*place) for place in places]
    try:
        for topic in {place.topic for place in theirs}:
            await partitions_of(consumer, topic)
        begins = await within(ANSWER_S_MAX, consumer.beginning_offsets(theirs), "asking for first offsets")
        ends = await within(ANSWER_S_MAX, consumer.end_offsets(theirs), "asking for end offsets")
    except KafkaError as error:
        raise TransientError(f"offsets are not known: {describe(error)}") from error
    return {(place.topic, place.partition): (begins[place], ends[place]) for place in theirs}


class KafkaWriter:
    """See `truenorth.streams.log.Writer`."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    async def commit(self, entries: Mapping[Place, Sequence[Entry]]) -> Mapping[Place, int]:
        """See `Writer.commit`. The client commits happily around a failed send, so every delivery is looked at."""
        try:
            return await within(COMMIT_S_MAX, self._commit(entries), "a commit")
        except MessageSizeTooLargeError as error:
            raise HaltError(f"a record is too large for its topic: {describe(error)}") from error
        except Exception as error:
            raise TransientError(f"a commit failed: {describe(error)}") from error

    async def _commit(self, entries: Mapping[Place, Sequence[Entry]]) -> Mapping[Place, int]:
        await self._producer.begin_transaction()
        sends = [self._send(place, records) for place, records in entries.items() if records]
        lasts = await asyncio.gather(*sends)
        await self._producer.commit_transaction()
        return dict(lasts)

    async def _send(self, place: Place, records: Sequence[Entry]) -> tuple[Place, int]:
        deliveries = []
        batch = self._producer.create_batch()
        for key, value in records:
            if batch.append(timestamp=None, key=key, value=value, headers=RECORD_HEADERS) is None:
                deliveries.append(await self._producer.send_batch(batch, place[0], partition=place[1]))
                batch = self._producer.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=RECORD_HEADERS)
        count = batch.record_count()
        deliveries.append(await self._producer.send_batch(batch, place[0], partition=place[1]))
        delivered = await asyncio.gather(*deliveries)
        if any(one.offset < 0 for one in delivered):
            raise TransientError(f"a delivery to {place} was not confirmed with its offset")
        return place, delivered[-1].offset + count - 1

    async def close(self) -> None:
        """See `Writer.close`."""
        await discard_producer(self._producer)


class _Listener(ConsumerRebalanceListener):
    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.generation = 0
        self.assignment: frozenset[Place] | None = None

    def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ARG002 - the client's interface
        self.generation += 1
        self.assignment = None

    def on_partitions_assigned(self, assigned: Any) -> None:
        if assigned:
            self._consumer.pause(*assigned)  # until they are begun
        for place in assigned:  # a place without any position would raise in each poll and starve the others
            self._consumer.seek(place, 0)
        self.generation += 1
        self.assignment = frozenset((place.topic, place.partition) for place in assigned)


class KafkaReader:
    """See `truenorth.streams.log.Reader`."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.listener = _Listener(consumer)
        self._begun: set[Place] = set()
        self._begun_in = 0
        self._waiting_s = 0.0

    @property
    def generation(self) -> int:
        """See `Reader.generation`."""
        return self.listener.generation

    @property
    def assignment(self) -> frozenset[Place] | None:
        """See `Reader.assignment`."""
        return self.listener.assignment

    async def poll(self, wait_s: float, records_max: int) -> Mapping[Place, Sequence[Record]]:
        """See `Reader.poll`."""
        if self.assignment is None:
            await asyncio.sleep(wait_s)
            self._waiting_s += wait_s
            if self._waiting_s > REBALANCE_S_MAX:
                raise TransientError(f"the group gave no assignment in {REBALANCE_S_MAX:g} s")
            return {}
        self._waiting_s = 0.0
        try:
            polling = self._consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=records_max)
            polled = await within(REBALANCE_S_MAX, polling, "a poll")
        except (NoOffsetForPartitionError, IllegalStateError):
            return {}  # asked before it was begun, or in the middle of a change of the assignment
        except OffsetOutOfRangeError as error:
            raise HaltError(f"a position lies outside of the log; nothing is skipped: {error}") from error
        except KafkaError as error:
            raise TransientError(f"a poll failed: {describe(error)}") from error
        return {(place.topic, place.partition): _records(raws) for place, raws in polled.items() if raws}

    def _still_mine(self, places: Sequence[Place]) -> list[Any]:
        assigned = self._consumer.assignment()
        return [place for place in (TopicPartition(*one) for one in places) if place in assigned]

    def begin(self, place: Place, offset: int) -> None:
        """See `Reader.begin`."""
        if self._begun_in != self.generation:
            self._begun_in = self.generation
            self._begun.clear()
        for there in self._still_mine([place]):
            self._consumer.seek(there, offset)
            self._consumer.resume(there)
            self._begun.add(place)

    def pause(self, places: Sequence[Place]) -> None:
        """See `Reader.pause`."""
        if there := self._still_mine(places):
            self._consumer.pause(*there)

    def resume(self, places: Sequence[Place]) -> None:
        """See `Reader.resume`."""
        if there := self._still_mine(places):
            self._consumer.resume(*there)

    async def positions(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """See `Reader.positions`."""
        if self._begun_in != self.generation:
            return {}
        begun = [place for place in places if place in self._begun]
        try:  # answers at once for a place that was begun
            return await within(ANSWER_S_MAX, self._positions(begun), "asking for positions")
        except IllegalStateError:
            return {}

    async def _positions(self, begun: Sequence[Place]) -> Mapping[Place, int]:
        return {(p.topic, p.partition): await self._consumer.position(p) for p in self._still_mine(begun)}

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """See `Reader.ends`."""
        theirs = [TopicPartition(*place) for place in places]
        try:
            ends = await within(ANSWER_S_MAX, self._consumer.end_offsets(theirs), "asking for end offsets")
        except KafkaError as error:
            raise TransientError(f"end offsets are not known: {describe(error)}") from error
        return {(place.topic, place.partition): end for place, end in ends.items()}

    async def show(self, positions: Mapping[Place, int]) -> None:
        """See `Reader.show`."""
        offsets = {place: positions[tuple(place)] for place in self._still_mine(list(positions))}
        if not offsets:
            return
        try:
            await within(ANSWER_S_MAX, self._consumer.commit(offsets), "showing positions")
        except (CommitFailedError, IllegalStateError) as error:
            _log.info("positions could not be shown just now: %s", describe(error))
        except KafkaError as error:
            raise TransientError(f"showing positions failed: {describe(error)}") from error

    async def close(self) -> None:
        """See `Reader.close`."""
        await stop_consumer(self._consumer)
