"""A log in memory that obeys the same rules: transactions, fencing, groups with range assignment, compaction.

For tests and simulations. It is deterministic: nothing happens but in answer to a call, time comes from the clock.
A transaction takes one offset more in each partition it touched, as Kafka's end marker does.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from truenorth.clock import Clock
from truenorth.errors import HaltError, TransientError
from truenorth.kafka.records import Record, partition_of
from truenorth.streams.log import Entry, Place


class MemoryBroker:
    """What several workers share. ``fault`` may raise at the steps "before commit" and "after commit"."""

    def __init__(self, clock: Clock, topics: Mapping[str, int]) -> None:
        self.clock = clock
        self.counts = dict(topics)
        self.records: dict[Place, list[Record]] = defaultdict(list)
        self.ends: dict[Place, int] = defaultdict(int)
        self.begins: dict[Place, int] = defaultdict(int)
        self.epochs: dict[str, int] = defaultdict(int)
        self.groups: dict[str, MemoryGroup] = {}
        self.shown: dict[Place, int] = {}
        self.fault: Callable[[str, str], None] = lambda step, transactional_id: None  # noqa: ARG005

    def append(self, place: Place, key: bytes | None, value: bytes | None) -> int:
        """Append a record and return its offset."""
        offset = self.ends[place]
        self.records[place].append(Record(*place, offset, key, value, self.clock.now_ms()))
        self.ends[place] = offset + 1
        return offset

    def send(self, topic: str, key: str, value: bytes | None) -> int:
        """Append a record to the partition its key belongs to and return its offset."""
        return self.append((topic, partition_of(key.encode(), self.counts[topic])), key.encode(), value)

    def compact(self, topic: str) -> None:
        """Keep only the last record of each key, as compaction does in the end."""
        for number in range(self.counts[topic]):
            place = topic, number
            last = {record.key: record for record in self.records[place]}
            self.records[place] = [record for record in self.records[place] if last[record.key] is record]

    def trim(self, place: Place, begin: int) -> None:
        """Delete what lies before ``begin``, as retention does."""
        self.begins[place] = begin
        self.records[place] = [record for record in self.records[place] if record.offset >= begin]


class MemoryGroup:
    """The members of one group and what each has been given."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self.members: list[MemoryReader] = []

    def rebalance(self) -> None:
        """Give every member its range of each topic it reads."""
        shares: dict[MemoryReader, set[Place]] = {member: set() for member in self.members}
        for topic in sorted({topic for member in self.members for topic in member.topics}):
            readers = [member for member in self.members if topic in member.topics]
            each, extra = divmod(self._broker.counts[topic], len(readers))
            first = 0
            for number, member in enumerate(readers):
                count = each + (number < extra)
                shares[member] |= {(topic, partition) for partition in range(first, first + count)}
                first += count
        for member, places in shares.items():
            member.assigned(frozenset(places))


class MemoryWriter:
    """See `truenorth.streams.log.Writer`."""

    def __init__(self, broker: MemoryBroker, transactional_id: str) -> None:
        self._broker = broker
        self._id = transactional_id
        broker.epochs[transactional_id] += 1
        self._epoch = broker.epochs[transactional_id]
        self._broken = False

    async def commit(self, entries: Mapping[Place, Sequence[Entry]]) -> Mapping[Place, int]:
        """See `Writer.commit`."""
        await asyncio.sleep(0)
        if self._broken:
            raise AssertionError("a writer was used after it had failed")
        self._broken = True
        self._broker.fault("before commit", self._id)
        if self._epoch != self._broker.epochs[self._id]:
            raise TransientError(f"another writer took over {self._id}")
        lasts = {}
        for place, records in entries.items():
            for key, value in records:
                lasts[place] = self._broker.append(place, key, value)
            self._broker.ends[place] += 1
        self._broker.fault("after commit", self._id)
        self._broken = False
        return lasts

    async def close(self) -> None:
        """See `Writer.close`."""
        self._broken = True


class MemoryReader:
    """See `truenorth.streams.log.Reader`."""

    def __init__(self, broker: MemoryBroker, group: MemoryGroup, topics: Sequence[str]) -> None:
        self._broker = broker
        self._group = group
        self.topics = frozenset(topics)
        self.generation = 0
        self.assignment: frozenset[Place] | None = None
        self._positions: dict[Place, int] = {}
        self._paused: set[Place] = set()
        group.members.append(self)
        group.rebalance()

    def assigned(self, places: frozenset[Place]) -> None:
        """Take a new assignment; nothing of it is begun."""
        self.generation += 1
        self.assignment = places
        self._positions = {}
        self._paused = set()

    async def poll(self, wait_s: float, records_max: int) -> Mapping[Place, Sequence[Record]]:
        """See `Reader.poll`."""
        await asyncio.sleep(0)
        polled: dict[Place, list[Record]] = {}
        left = records_max
        for place, position in self._positions.items():
            if position < self._broker.begins[place]:
                raise HaltError(f"a position lies outside of the log; nothing is skipped: {place} {position}")
            if place in self._paused:
                continue
            found = [record for record in self._broker.records[place] if record.offset >= position][:left]
            self._positions[place] = self._broker.ends[place] if len(found) < left else found[-1].offset + 1
            left -= len(found)
            if found:
                polled[place] = found
            if not left:
                break
        if not polled:
            await self._broker.clock.sleep(wait_s)
        return polled

    def begin(self, place: Place, offset: int) -> None:
        """See `Reader.begin`."""
        if self.assignment and place in self.assignment:
            self._positions[place] = offset
            self._paused.discard(place)

    def pause(self, places: Sequence[Place]) -> None:
        """See `Reader.pause`."""
        self._paused |= set(places)

    def resume(self, places: Sequence[Place]) -> None:
        """See `Reader.resume`."""
        self._paused -= set(places)

    async def positions(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """See `Reader.positions`."""
        return {place: self._positions[place] for place in places if place in self._positions}

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """See `Reader.ends`."""
        return {place: self._broker.ends[place] for place in places}

    async def show(self, positions: Mapping[Place, int]) -> None:
        """See `Reader.show`."""
        self._broker.shown |= positions

    async def close(self) -> None:
        """See `Reader.close`."""
        if self in self._group.members:
            self._group.members.remove(self)
            self._group.rebalance()


class MemoryLog:
    """See `truenorth.streams.log.Log`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def partition_counts(self, topics: Sequence[str]) -> Mapping[str, int]:
        """See `Log.partition_counts`."""
        return {topic: self._broker.counts[topic] for topic in topics if topic in self._broker.counts}

    async def spans(self, places: Sequence[Place]) -> Mapping[Place, tuple[int, int]]:
        """See `Log.spans`."""
        return {place: (self._broker.begins[place], self._broker.ends[place]) for place in places}

    async def open_writer(self, transactional_id: str) -> MemoryWriter:
        """See `Log.open_writer`."""
        return MemoryWriter(self._broker, transactional_id)

    async def read_through(self, place: Place, last: int) -> AsyncIterator[Sequence[Record]]:
        """See `Log.read_through`."""
        yield [record for record in self._broker.records[place] if record.offset <= last]

    async def join(self, group: str, topics: Sequence[str], member: str | None) -> MemoryReader:  # noqa: ARG002
        """See `Log.join`."""
        there = self._broker.groups.setdefault(group, MemoryGroup(self._broker))
        return MemoryReader(self._broker, there, topics)
