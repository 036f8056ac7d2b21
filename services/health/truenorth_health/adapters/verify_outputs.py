"""What health published in one partition: its transitions in the order they were decided, and its snapshots."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final, NamedTuple

import msgspec
from truenorth import codec
from truenorth.errors import RefusedError
from truenorth.events.health import HealthChanged, MilestoneChanged
from truenorth.kafka import Record
from truenorth.topics import full_name

from truenorth_health.adapters.verify_stored import Read
from truenorth_health.domain.verify_path import Told
from truenorth_health.domain.verify_present import Shown

TOPICS: Final = ("health-changes", "milestones")
WINDOW_MS: Final = 60_000
"""How far apart, by the broker's clocks, records of one transaction on the two topics may lie."""
WINDOW_RECORDS_MAX: Final = 20_000

Unreadable = Callable[[str, Record, str], None]
"""Is told of a record that cannot be read: topic (short name), record, reason."""


class Transitions:
    """The transitions of a partition. ``begins_ms``: per topic that lost records to retention, when the oldest is."""

    def __init__(self, read: Read, number: int, wanted: Callable[[str], bool], unreadable: Unreadable) -> None:
        self._read = read
        self._number = number
        self._wanted = wanted
        self._unreadable = unreadable
        self._window: deque[Told] = deque()
        self._waiting: dict[str, list[Told]] = {}
        self.begins_ms: dict[str, int] = {}

    async def groups(self) -> AsyncIterator[list[Told]]:
        """Yield the transitions of one decision after the other, in order of their numbers per account."""
        async with aclosing(self._merged()) as merged:
            async for told in merged:
                self._window.append(told)
                self._waiting.setdefault(told.account, []).append(told)
                while told.timestamp_ms - self._window[0].timestamp_ms > WINDOW_MS or self._is_full:
                    for group in self._ready():
                        yield group
        while self._window:
            for group in self._ready():
                yield group

    @property
    def _is_full(self) -> bool:
        return len(self._window) > WINDOW_RECORDS_MAX

    def _ready(self) -> list[list[Told]]:
        """Take the oldest out of the window, with what was decided together with it or before it."""
        oldest = self._window.popleft()
        waiting = self._waiting.get(oldest.account, [])
        if oldest not in waiting:
            return []  # taken together with another one
        last = max(one.data.number for one in waiting if one.data.revision == oldest.data.revision)
        ready = sorted((one for one in waiting if one.data.number <= last), key=_number)
        left = [one for one in waiting if one.data.number > last]
        if left:
            self._waiting[oldest.account] = left
        else:
            del self._waiting[oldest.account]
        groups: list[list[Told]] = []
        for one in ready:
            if groups and groups[-1][0].data.revision == one.data.revision:
                groups[-1].append(one)
            else:
                groups.append([one])
        return groups

    async def _merged(self) -> AsyncGenerator[Told, None]:
        streams = [self._told(topic) for topic in TOPICS]
        try:
            heads = [await anext(stream, None) for stream in streams]
            while any(heads):
                _, at = min((head.timestamp_ms, at) for at, head in enumerate(heads) if head is not None)
                head = heads[at]
                if head is not None:
                    yield head
                heads[at] = await anext(streams[at], None)
        finally:
            for stream in streams:
                await stream.aclose()

    async def _told(self, topic: str) -> AsyncGenerator[Told, None]:
        is_first = True
        async with aclosing(self._read(full_name(topic), self._number)) as records:
            async for record in records:
                if is_first and record.offset > 0:
                    self.begins_ms[topic] = record.timestamp_ms
                is_first = False
                if not self._wanted((record.key or b"").decode(errors="replace")):
                    continue
                told = self._parsed(topic, record)
                if told is not None:
                    yield told

    def _parsed(self, topic: str, record: Record) -> Told | None:
        wanted = HealthChanged if topic == "health-changes" else MilestoneChanged
        try:
            event = codec.parse_event(record.value or b"")
        except RefusedError as error:
            self._unreadable(topic, record, str(error))
            return None
        if not isinstance(event.data, wanted) or (record.key or b"").decode(errors="replace") != event.data.account:
            self._unreadable(topic, record, f"a {event.type} of {event.account!r} does not belong here")
            return None
        return Told(topic, record.offset, record.timestamp_ms, event.id, event.data)


class Snapshot(NamedTuple):
    """The latest snapshot of an account; ``shown`` None: it was deleted."""

    offset: int
    shown: Shown | None


class _Wire(msgspec.Struct):
    data: Shown


_snapshots = msgspec.json.Decoder(_Wire)


async def read_snapshots(
    read: Read, number: int, wanted: Callable[[str], bool], unreadable: Unreadable
) -> dict[str, Snapshot]:
    """Return the latest snapshot per account of a partition, of those that are wanted."""
    found: dict[str, Snapshot] = {}
    async with aclosing(read(full_name("health"), number)) as records:
        async for record in records:
            account = (record.key or b"").decode(errors="replace")
            if not wanted(account):
                continue
            try:
                shown = None if record.value is None else _snapshots.decode(record.value).data
            except msgspec.MsgspecError as error:
                unreadable("health", record, str(error))
                continue
            if shown is not None and shown.account != account:
                unreadable("health", record, f"the snapshot of {shown.account!r} is filed under {account!r}")
                continue
            found[account] = Snapshot(record.offset, shown)
    return found


def _number(one: Told) -> int:
    return one.data.number
