"""What workers share on a log in memory: partitions with transactions, compaction and retention, and groups.

Everything here is synchronous: a call happens as a whole. Where workers may be interrupted is `memory`'s business.
A record of an open transaction has its offset but cannot be read, and holds readers back at the first such offset (the
last stable offset); an aborted one is gone and leaves its offset empty; the end of a transaction takes one offset in
each partition it touched, as Kafka's marker does.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final, Protocol

from truenorth.clock import Clock
from truenorth.errors import TransientError
from truenorth.kafka.records import Record, partition_of
from truenorth.streams.log import Entry, Place

_OFFSET: Final = attrgetter("offset")

Shares = Sequence[set[Place]]
Assignor = Callable[[Sequence[frozenset[str]], Mapping[str, int]], Shares]
"""Gives each member its places, from the topics each member reads and the partition count of each topic."""


def by_range(readers: Sequence[frozenset[str]], counts: Mapping[str, int]) -> Shares:
    """Give every member a run of neighbouring numbers of each topic it reads; the same numbers of equal topics."""
    shares: list[set[Place]] = [set() for _ in readers]
    for topic in sorted(set().union(*readers)):
        members = [number for number, topics in enumerate(readers) if topic in topics]
        each, extra = divmod(counts[topic], len(members))
        first = 0
        for rank, member in enumerate(members):
            last = first + each + (rank < extra)
            shares[member] |= {(topic, partition) for partition in range(first, last)}
            first = last
    return shares


def by_turns(readers: Sequence[frozenset[str]], counts: Mapping[str, int]) -> Shares:
    """Deal the partitions of all topics out one by one (round robin). It splits co-partitioned topics."""
    shares: list[set[Place]] = [set() for _ in readers]
    turn = 0
    for topic in sorted(set().union(*readers)):
        for partition in range(counts[topic]):
            while topic not in readers[turn % len(readers)]:
                turn += 1
            shares[turn % len(readers)].add((topic, partition))
            turn += 1
    return shares


class Member(Protocol):
    """What a group knows of a reader."""

    @property
    def topics(self) -> frozenset[str]:
        """The topics it reads."""
        ...


class MemoryGroup:
    """The members of one group. An assignment is made when every member has come to the meeting.

    Members notice that there is a meeting, and what came out of it, when they ask; nobody tells them. One that does
    not come any more holds the others up until it is expelled, as it is in Kafka when its session ends.
    """

    def __init__(self, counts: Mapping[str, int], assignor: Assignor) -> None:
        self.members: list[Member] = []
        self.generation = 0
        self._counts = counts
        self._assignor = assignor
        self._come: list[Member] = []
        self._shares: dict[int, frozenset[Place]] = {}

    @property
    def settled(self) -> bool:
        """Whether the members know what is theirs, or could know it."""
        return len(self._come) == len(self.members)

    def join(self, member: Member) -> None:
        """Take a member in; all meet."""
        self.members.append(member)
        self.rebalance()

    def leave(self, member: Member) -> None:
        """Let a member go, or expel one that was not heard of; the others meet."""
        if member in self.members:
            self.members.remove(member)
            self.rebalance()

    def rebalance(self) -> None:
        """Have all members meet."""
        self._come = []

    def has_come(self, member: Member) -> bool:
        """Tell whether this member is at the meeting already."""
        return member in self._come

    def come(self, member: Member) -> None:
        """Come to the meeting; the last one to come ends it."""
        self._come.append(member)
        if self.settled:
            self.generation += 1
            shares = self._assignor([one.topics for one in self.members], self._counts)
            self._shares = {id(one): frozenset(share) for one, share in zip(self.members, shares, strict=True)}

    def share(self, member: Member) -> frozenset[Place]:
        """Return what the last meeting gave to a member."""
        return self._shares[id(member)]


class MemoryBroker:
    """Topics with their partitions, transactional ids and groups.

    ``records`` holds what can be read, by offset; ``ends`` the next offsets, ``begins`` the first ones. ``fault`` is
    called with the name of each point that a `MemoryLog` reaches and what it is about, and may raise.
    """

    def __init__(self, clock: Clock, topics: Mapping[str, int], *, assignor: Assignor = by_range) -> None:
        self.clock = clock
        self.counts = dict(topics)
        self.records: dict[Place, list[Record]] = defaultdict(list)
        self.ends: dict[Place, int] = defaultdict(int)
        self.begins: dict[Place, int] = defaultdict(int)
        self.epochs: dict[str, int] = defaultdict(int)
        self.groups: dict[str, MemoryGroup] = {}
        self.shown: dict[Place, int] = {}
        self.fault: Callable[[str, str], None] = lambda point, what: None  # noqa: ARG005
        self._assignor = assignor
        self._open: dict[str, dict[Place, list[Record]]] = {}
        self._late: dict[str, int] = {}

    def group(self, name: str) -> MemoryGroup:
        """Return a group, which is made when it is asked for first."""
        if name not in self.groups:
            self.groups[name] = MemoryGroup(self.counts, self._assignor)
        return self.groups[name]

    def append(self, place: Place, key: bytes | None, value: bytes | None) -> int:
        """Append a record and return its offset."""
        record = self._next(place, key, value)
        self.records[place].append(record)
        return record.offset

    def send(self, topic: str, key: str, value: bytes | None) -> int:
        """Append a record to the partition its key belongs to and return its offset."""
        return self.append((topic, partition_of(key.encode(), self.counts[topic])), key.encode(), value)

    def _next(self, place: Place, key: bytes | None, value: bytes | None) -> Record:
        offset = self.ends[place]
        self.ends[place] = offset + 1
        return Record(*place, offset, key, value, self.clock.now_ms())

    def stable(self, place: Place) -> int:
        """Return the last stable offset: readers are let up to it."""
        firsts = [records[place][0].offset for records in self._open.values() if records.get(place)]
        return min(firsts, default=self.ends[place])

    def readable(self, place: Place, offset: int, count_max: int) -> Sequence[Record]:
        """Return the next records that may be read from ``offset`` on."""
        records = self.records[place]
        first = bisect_left(records, offset, key=_OFFSET)
        last = len(records) if not self._open else bisect_left(records, self.stable(place), key=_OFFSET)
        return records[first : min(last, first + count_max)]

    def initialise(self, transactional_id: str) -> int:
        """Shut out who used this transactional id, undo what it had open, and return the new epoch."""
        self.finish(transactional_id, committed=False)
        self._late.pop(transactional_id, None)
        self.epochs[transactional_id] += 1
        return self.epochs[transactional_id]

    def write(self, transactional_id: str, epoch: int, place: Place, entries: Sequence[Entry]) -> int:
        """Write records in the transaction that is open, or begins with them; return the last offset.

        Raises:
            TransientError: another writer took over.
        """
        self.check(transactional_id, epoch)
        records = [self._next(place, key, value) for key, value in entries]
        self._open.setdefault(transactional_id, {}).setdefault(place, []).extend(records)
        return records[-1].offset

    def check(self, transactional_id: str, epoch: int) -> None:
        """Refuse a writer that was shut out.

        Raises:
            TransientError: another writer took over.
        """
        if epoch != self.epochs[transactional_id]:
            raise TransientError(f"another writer took over {transactional_id}")

    def finish(self, transactional_id: str, *, committed: bool) -> None:
        """End the open transaction of an id, if there is one."""
        for place, records in self._open.pop(transactional_id, {}).items():
            if committed:
                for record in records:
                    insort(self.records[place], record, key=_OFFSET)
            self.ends[place] += 1

    def land_later(self, transactional_id: str, epoch: int) -> None:
        """Keep a commit on its way, whose sender has given up waiting for it."""
        self._late[transactional_id] = epoch

    def land(self) -> None:
        """Let the commits that are on their way arrive; one whose writer was shut out meanwhile is refused."""
        late, self._late = self._late, {}
        for transactional_id, epoch in late.items():
            if epoch == self.epochs[transactional_id]:
                self.finish(transactional_id, committed=True)

    def time_out(self) -> None:
        """Abort every open transaction and shut its writer out, as the broker does after the transaction timeout."""
        for transactional_id in list(self._open):
            self.initialise(transactional_id)

    def compact(
        self, topic: str, *, until: Mapping[int, int] | None = None, tombstones_until_ms: int | None = None
    ) -> None:
        """Keep only the last record of each key among those that lie before ``until`` (per partition; None: all).

        Tombstones there with a time before ``tombstones_until_ms`` go too.
        """
        for number in range(self.counts[topic]):
            place = topic, number
            bound = self.stable(place) if until is None else min(until.get(number, 0), self.stable(place))
            records = self.records[place]
            count = bisect_left(records, bound, key=_OFFSET)
            last = {record.key: record for record in records[:count]}
            kept = [record for record in records[:count] if last[record.key] is record]
            if tombstones_until_ms is not None:
                kept = [r for r in kept if r.value is not None or r.timestamp_ms >= tombstones_until_ms]
            self.records[place] = kept + records[count:]

    def trim(self, place: Place, begin: int) -> None:
        """Delete what lies before ``begin``, as retention does."""
        self.begins[place] = begin
        self.records[place] = [record for record in self.records[place] if record.offset >= begin]
