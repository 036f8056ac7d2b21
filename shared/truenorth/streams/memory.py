"""A log in memory that obeys the same rules as Kafka: transactions, fencing, groups with range assignment, compaction.

For tests and simulations. It is deterministic: nothing happens but in answer to a call, time comes from the broker's
clock. Every operation reaches named points at which it waits for its world: there a simulation lets others go first,
ends the worker, or has the operation fail. ``tests/conformance`` holds it to the real broker.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final

from truenorth.errors import HaltError, TransientError
from truenorth.kafka.records import Record
from truenorth.streams.log import Entry, Place
from truenorth.streams.memory_broker import Assignor, MemoryBroker, MemoryGroup, by_range, by_turns

__all__ = [
    "Assignor",
    "CommitLateError",
    "MemoryBroker",
    "MemoryGroup",
    "MemoryLog",
    "MemoryReader",
    "MemoryWriter",
    "UndeliveredError",
    "by_range",
    "by_turns",
]

READ_RECORDS_MAX: Final = 1000
READ_S_MAX: Final = 30.0
WAIT_S: Final = 0.05

Reach = Callable[[str, str], Awaitable[None]]
"""Called with the name of the point and what it is about; returns when the operation may go on, or raises."""


class CommitLateError(TransientError):
    """Raised at a point of a commit: the caller gives up waiting, but the commit is on its way and lands later."""


class UndeliveredError(TransientError):
    """Raised at the point "send": these records are not delivered, while the others of the transaction are."""


class MemoryWriter:
    """See `truenorth.streams.log.Writer`."""

    def __init__(self, broker: MemoryBroker, transactional_id: str, reach: Reach) -> None:
        self._broker = broker
        self._id = transactional_id
        self._reach = reach
        self._epoch = broker.initialise(transactional_id)
        self._broken = False

    async def commit(self, entries: Mapping[Place, Sequence[Entry]]) -> Mapping[Place, int]:
        """See `Writer.commit`."""
        if self._broken:
            raise AssertionError("a writer was used after it had failed")
        self._broken = True
        sends = {place: records for place, records in entries.items() if records}
        try:
            await self._reach("before commit", self._id)
            deliveries = {place: await self._send(place, sends[place]) for place in list(sends)}
            self._confirm(deliveries)
            await self._reach("before end", self._id)
        except CommitLateError:
            self._give_up(sends)
            raise
        self._broker.check(self._id, self._epoch)
        self._broker.finish(self._id, committed=True)
        await self._reach("after commit", self._id)
        self._broken = False
        return {place: last for place, last in deliveries.items() if last is not None}

    async def _send(self, place: Place, records: Sequence[Entry]) -> int | None:
        try:
            await self._reach("send", f"{place[0]}-{place[1]}")
        except UndeliveredError:
            return None
        return self._broker.write(self._id, self._epoch, place, records)

    def _confirm(self, deliveries: Mapping[Place, int | None]) -> None:
        """Look at every delivery; a broker would commit what is there without the missing rest."""
        if missing := [place for place, last in deliveries.items() if last is None]:
            raise TransientError(f"deliveries were not confirmed: {missing}")

    def _give_up(self, sends: Mapping[Place, Sequence[Entry]]) -> None:
        """Leave the whole transaction on its way."""
        self._broker.check(self._id, self._epoch)
        self._broker.finish(self._id, committed=False)
        for place, records in sends.items():
            self._broker.write(self._id, self._epoch, place, records)
        self._broker.land_later(self._id, self._epoch)

    async def close(self) -> None:
        """See `Writer.close`. What was open stays open until the broker ends it."""
        self._broken = True


class MemoryReader:
    """See `truenorth.streams.log.Reader`."""

    def __init__(self, broker: MemoryBroker, group: MemoryGroup, topics: Sequence[str], reach: Reach) -> None:
        self._broker = broker
        self._group = group
        self._reach = reach
        self.topics = frozenset(topics)
        self.generation = 0
        self.assignment: frozenset[Place] | None = None
        self._settled_in = -1
        self._left = False
        self._positions: dict[Place, int] = {}
        self._paused: set[Place] = set()
        group.join(self)

    def _hear(self) -> None:
        """Ask the group what is new: a meeting to come to, or what it gave."""
        if self._left:
            return
        if self not in self._group.members:  # it was expelled while it was not heard of
            self._group.join(self)
        if not self._group.has_come(self):
            self._assigned(None)
            self._group.come(self)
        if self._group.settled and self._settled_in != self._group.generation:
            self._settled_in = self._group.generation
            self._assigned(self._group.share(self))

    def _assigned(self, places: frozenset[Place] | None) -> None:
        """Take a new assignment, or none; nothing of it is begun."""
        self.generation += 1
        self.assignment = places
        self._positions = {}
        self._paused = set()

    async def poll(self, wait_s: float, records_max: int) -> Mapping[Place, Sequence[Record]]:
        """See `Reader.poll`."""
        await self._reach("poll", "")
        self._hear()
        polled = self._fetch(records_max)
        if polled:
            await self._reach("polled", "")
        else:
            await self._broker.clock.sleep(wait_s)
        self._hear()
        return polled

    def _fetch(self, records_max: int) -> dict[Place, Sequence[Record]]:
        polled: dict[Place, Sequence[Record]] = {}
        left = records_max
        for place, position in self._positions.items():
            if place in self._paused:
                continue
            stable = self._broker.stable(place)
            if not self._broker.begins[place] <= position <= self._broker.ends[place]:
                raise HaltError(f"a position lies outside of the log; nothing is skipped: {place} {position}")
            found = self._broker.readable(place, position, left)
            self._positions[place] = max(position, stable) if len(found) < left else found[-1].offset + 1
            left -= len(found)
            if found:
                polled[place] = found
            if not left:
                break
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
        await self._reach("positions", "")
        self._hear()
        return {place: self._positions[place] for place in places if place in self._positions}

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """See `Reader.ends`."""
        await self._reach("ends", "")
        ends = {place: self._broker.stable(place) for place in places}
        await self._reach("ends known", "")
        self._hear()
        return ends

    async def show(self, positions: Mapping[Place, int]) -> None:
        """See `Reader.show`."""
        await self._reach("show", "")
        self._broker.shown |= positions

    async def close(self) -> None:
        """See `Reader.close`."""
        self._left = True
        self._group.leave(self)


class MemoryLog:
    """See `truenorth.streams.log.Log`. One worker's handle; without ``reach`` the broker's ``fault`` is asked."""

    def __init__(
        self, broker: MemoryBroker, *, reach: Reach | None = None, read_records_max: int = READ_RECORDS_MAX
    ) -> None:
        self._broker = broker
        self._reach = reach or self._yield
        self._read_records_max = read_records_max

    async def _yield(self, point: str, what: str) -> None:
        await asyncio.sleep(0)
        self._broker.fault(point, what)

    async def partition_counts(self, topics: Sequence[str]) -> Mapping[str, int]:
        """See `Log.partition_counts`."""
        await self._reach("partition counts", "")
        return {topic: self._broker.counts[topic] for topic in topics if topic in self._broker.counts}

    async def spans(self, places: Sequence[Place]) -> Mapping[Place, tuple[int, int]]:
        """See `Log.spans`."""
        await self._reach("spans", "")
        return {place: (self._broker.begins[place], self._broker.stable(place)) for place in places}

    async def open_writer(self, transactional_id: str) -> MemoryWriter:
        """See `Log.open_writer`."""
        await self._reach("open writer", transactional_id)
        writer = MemoryWriter(self._broker, transactional_id, self._reach)
        await self._reach("writer opened", transactional_id)
        return writer

    async def read_through(self, place: Place, last: int) -> AsyncIterator[Sequence[Record]]:
        """See `Log.read_through`."""
        clock = self._broker.clock
        until_s = clock.monotonic() + READ_S_MAX
        offset = self._broker.begins[place]
        while offset <= last:
            await self._reach("read", f"{place[0]}-{place[1]}")
            stable = self._broker.stable(place)
            records = self._broker.readable(place, offset, self._read_records_max)
            if found := [record for record in records if record.offset <= last]:
                yield found
            offset = records[-1].offset + 1 if len(records) == self._read_records_max else max(offset, stable)
            if not records and offset <= last:
                if clock.monotonic() > until_s:
                    raise TransientError(f"reading {place} took more than {READ_S_MAX:g} s")
                await clock.sleep(WAIT_S)

    async def join(self, group: str, topics: Sequence[str], member: str | None) -> MemoryReader:  # noqa: ARG002
        """See `Log.join`."""
        await self._reach("join", group)
        return MemoryReader(self._broker, self._broker.group(group), topics, self._reach)
