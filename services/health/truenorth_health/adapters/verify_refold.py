"""A partition folded anew, never further than asked: to the offsets of a decision, or to the end.

Every source is read in step, only as far as the decisions that are judged need it. Events wait per account and are
folded up to the very offsets that a decision names. Accounts stay encoded, so memory is that of their states.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from truenorth.errors import PoisonError, RefusedError
from truenorth.kafka import Record
from truenorth.streams.processor import Item
from truenorth.streams.records import NO_OFFSET
from truenorth.streams.seen import SEEN_SECONDS, SeenRing
from truenorth.topics import HEALTH_SOURCES, full_name

from truenorth_health.adapters.processor import AccountProcessor
from truenorth_health.adapters.verify_stored import Read
from truenorth_health.domain.limits import ERASURE_GRACE_MS
from truenorth_health.domain.state import AccountState, load
from truenorth_health.domain.verify import Difference

QUEUED_EVENTS_MAX: Final = 20_000
NEVER_MS: Final = 1 << 62
ERASURES: Final = HEALTH_SOURCES.index("erasures")

Event = tuple[int, Item]
"""The number of its source, and the event."""


class _Cursor:
    """One source, read up to the position that the stored state names."""

    def __init__(self, records: AsyncGenerator[Record, None], position: int) -> None:
        self._records = records
        self._head: Record | None = None
        self.position = position
        self.first_offset = 0
        self.first_ms: int | None = None
        self.read_ms = 0

    async def start(self) -> None:
        """Look at the first record: what lies before it is past retention."""
        await self._step()
        if self._head is not None:
            self.first_offset = self._head.offset
        elif self.position > 0:
            self.first_offset = self.position
        if self.first_offset > 0:
            self.first_ms = NEVER_MS if self._head is None else self._head.timestamp_ms

    async def read(self, last_offset: int, until_ms: int, take: Callable[[Record], None]) -> None:
        """Hand over what there is up to an offset, unless it was appended after a time."""
        while (head := self._head) is not None and head.offset <= last_offset and head.timestamp_ms <= until_ms:
            self.read_ms = max(self.read_ms, head.timestamp_ms)
            take(head)
            await self._step()

    async def close(self) -> None:
        await self._records.aclose()

    async def _step(self) -> None:
        head = await anext(self._records, None)
        self._head = head if head is not None and head.offset < self.position else None


class Refold:
    """The accounts of one partition, folded anew from its sources."""

    def __init__(
        self,
        read: Read,
        number: int,
        positions: Mapping[str, int],
        processor: AccountProcessor,
        wanted: Callable[[str], bool],
    ) -> None:
        topics = [full_name(name) for name in HEALTH_SOURCES]
        self._cursors = [_Cursor(read(topic, number), positions.get(topic, 0)) for topic in topics]
        self._processor = processor
        self._wanted = wanted
        self._queue: dict[str, list[Event]] = {}
        self._queued = 0
        self._erasures: dict[str, list[Event]] = {}
        self._rings: dict[tuple[int, str], SeenRing] = {}
        self._causes: dict[str, int] = {}
        self.parts: dict[str, dict[str, bytes]] = {}
        self.last: dict[str, list[int]] = {}
        self.duplicates: dict[str, int] = {}
        self.events = 0
        self.dead_letters = 0

    async def start(self) -> None:
        """Begin; erasures are read at once, as they are few and undo what other sources hold."""
        await asyncio.gather(*(cursor.start() for cursor in self._cursors))
        await self._cursors[ERASURES].read(NEVER_MS, NEVER_MS, lambda record: self._take(ERASURES, record))

    async def close(self) -> None:
        """Let go of the broker."""
        for cursor in self._cursors:
            await cursor.close()

    @property
    def begins_ms(self) -> dict[str, int]:
        """Source -> when its oldest retained record was appended, of those that lost some to retention."""
        firsts = zip(HEALTH_SOURCES, self._cursors, strict=True)
        return {name: cursor.first_ms for name, cursor in firsts if cursor.first_ms is not None}

    async def read_to(self, offsets: Mapping[str, int], until_ms: int) -> None:
        """Read each source (short name) up to its offset, and nothing that was appended after ``until_ms``."""
        for source, name in enumerate(HEALTH_SOURCES):
            if name in offsets:
                await self._read(source, offsets[name], until_ms)

    async def read_all(self) -> None:
        """Read and fold everything up to the stored positions."""
        for source in range(len(HEALTH_SOURCES)):
            await self._read(source, NEVER_MS, NEVER_MS)
        self._drain()
        for account in list(self._erasures):
            self.state(account)

    def state(self, account: str, offsets: Mapping[str, int] | None = None) -> AccountState:
        """Return the account folded up to these offsets (None: all that was read); it may be changed."""
        if due := self._due(account, offsets):
            self._fold(account, due)
        return load(account, dict(self.parts.get(account, {})))

    def causes(self, account: str) -> int:
        """Return the causes folded since the last call."""
        return self._causes.pop(account, 0)

    def strays(self, account: str, offsets: Mapping[str, int]) -> Iterator[Difference]:
        """Yield the offsets that cannot have been the account's last ones, after `state` was asked for them."""
        last = self.last.get(account, [])
        for source, name in enumerate(HEALTH_SOURCES):
            named = offsets.get(name, NO_OFFSET)
            folded = last[source] if last else NO_OFFSET
            if named < self._cursors[source].first_offset or named == folded:
                continue
            said = "an event with a later offset was folded before" if folded > named else "no event of the account"
            yield Difference(f"point.offsets.{name}", named, f"{folded}: {said}")

    async def _read(self, source: int, last_offset: int, until_ms: int) -> None:
        await self._cursors[source].read(last_offset, until_ms, lambda record: self._take(source, record))

    def _take(self, source: int, record: Record) -> None:
        if record.key is not None and not self._wanted(record.key.decode(errors="replace")):
            return
        try:
            account, identity, event = self._processor.decode(source, record)
        except (RefusedError, PoisonError):
            self.dead_letters += 1
            return
        waiting = self._erasures if source == ERASURES else self._queue
        waiting.setdefault(account, []).append((source, Item(record._replace(value=None), identity, event)))
        self._queued += 1
        if self._queued >= QUEUED_EVENTS_MAX:
            self._drain()

    def _drain(self) -> None:
        """Fold all that waits: everything below an offset that some decision named was in the same cut or before."""
        for account in list(self._queue):
            items = self._queue.pop(account)
            self._fold(account, self._with_erasures(account, items, NO_OFFSET))
        self._queued = 0
        seconds = [cursor.read_ms // 1000 for cursor in self._cursors]
        for key in [key for key, ring in self._rings.items() if seconds[key[0]] - ring.newest_second() > SEEN_SECONDS]:
            del self._rings[key]  # no record to come can be a duplicate of anything in there

    def _due(self, account: str, offsets: Mapping[str, int] | None) -> list[Event]:
        """Take from what waits for an account what belongs to these offsets."""
        items = self._queue.pop(account, [])
        if offsets is None:
            return self._with_erasures(account, items, NEVER_MS)
        limits = [offsets.get(name, NO_OFFSET) for name in HEALTH_SOURCES]
        due = [one for one in items if one[1].record.offset <= limits[one[0]]]
        if len(due) < len(items):
            self._queue[account] = [one for one in items if one[1].record.offset > limits[one[0]]]
        return self._with_erasures(account, due, limits[ERASURES])

    def _with_erasures(self, account: str, items: list[Event], until_offset: int) -> list[Event]:
        """Add erasures where they belong: before what is too young to be meant, and at the end when they are due.

        What is folded before an erasure is undone, what is folded after it but was appended before is ignored; so
        only events appended after the time of grace must not be folded before it.
        """
        waiting = self._erasures.pop(account, None)
        if waiting is None:
            return items
        kept, out = [], list(items)
        for one in waiting:
            grace_ms = one[1].record.timestamp_ms + ERASURE_GRACE_MS
            place = next((at for at, (_, item) in enumerate(out) if item.record.timestamp_ms > grace_ms), None)
            if place is not None:
                out.insert(place, one)
            elif one[1].record.offset <= until_offset:
                out.append(one)
            else:
                kept.append(one)
        if kept:
            self._erasures[account] = kept
        return out

    def _fold(self, account: str, items: Sequence[Event]) -> None:
        last = self.last.setdefault(account, [NO_OFFSET] * len(HEALTH_SOURCES))
        fresh: list[Event] = []
        for source, run in groupby(items, key=_source):
            events = list(run)
            last[source] = max(last[source], events[-1][1].record.offset)
            fresh += self._new(account, source, events)
        self.events += len(fresh)
        parts = self.parts.get(account, {})
        state = self._processor.load(account, dict(parts))
        try:
            for source, run in groupby(fresh, key=_source):
                self._processor.fold(state, source, [item for _, item in run])
        except (RefusedError, PoisonError):
            state = self._fold_apart(account, parts, fresh)
        self.parts[account] = dict(self._processor.dump(state))
        self._causes[account] = self._causes.get(account, 0) | state.causes

    def _new(self, account: str, source: int, events: Sequence[Event]) -> Sequence[Event]:
        """Return the events of a source without a sender's duplicates."""
        ring = self._rings.get((source, account))
        if ring is None:
            ring = self._rings[source, account] = SeenRing()
        fresh = ring.fresh([item for _, item in events])
        if len(fresh) < len(events):
            self.duplicates[account] = self.duplicates.get(account, 0) + len(events) - len(fresh)
        return [(source, item) for item in fresh]

    def _fold_apart(self, account: str, parts: Mapping[str, bytes], items: Sequence[Event]) -> AccountState:
        """Fold event by event, each time from a sound state; what cannot be folded was parked."""
        good: list[Event] = []
        for one in items:
            state = self._processor.load(account, dict(parts))
            try:
                for source, item in [*good, one]:
                    self._processor.fold(state, source, [item])
            except (RefusedError, PoisonError):
                self.dead_letters += 1
                self.events -= 1
                if one[1].identity is not None:
                    self._rings[one[0], account].forget(one[1].identity)
            else:
                good.append(one)
        state = self._processor.load(account, dict(parts))
        for source, item in good:
            self._processor.fold(state, source, [item])
        return state


def _source(event: Event) -> int:
    return event[0]
