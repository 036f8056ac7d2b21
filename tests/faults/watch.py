"""Follows what workers commit, as any reader of the topics could: positions, state, and the numbers on the outputs."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from truenorth import codec
from truenorth.errors import TransientError
from truenorth.events.health import HealthChanged, HealthUpdated, MilestoneChanged
from truenorth.kafka.clients import new_consumer, stop_consumer
from truenorth.kafka.errors import within
from truenorth.streams.records import POSITION_KEY, decode_position, split_key
from truenorth.topics import HEALTH_SOURCES, full_name

CHANGELOG = full_name("health-changelog")
SNAPSHOTS = full_name("health")
LETTERS = full_name("dead-letters")
NUMBERED = (full_name("health-changes"), full_name("milestones"))
FOLLOWED = (CHANGELOG, SNAPSHOTS, LETTERS, *NUMBERED)
SOURCES = tuple(full_name(name) for name in HEALTH_SOURCES)
AGAIN_S = 0.3
ANSWER_S_MAX = 5.0


class Watcher:
    """Everything committed so far; lives through every absence of the broker."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._next: dict[TopicPartition, int] = {
            TopicPartition(topic, number): 0 for topic in FOLLOWED for number in range(partitions)
        }
        self._consumer: Any = None
        self.positions: dict[int, Mapping[str, int]] = {}
        self.parts: dict[str, dict[str, bytes]] = defaultdict(dict)
        self.numbers: dict[str, list[int]] = defaultdict(list)
        self.ids: Counter[str] = Counter()
        self.snapshots: dict[str, HealthUpdated] = {}
        self.out_of_order: list[str] = []
        self.letters = 0
        self._last_number: dict[tuple[str, str], int] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Watcher"]:
        """Follow until the end of the block."""
        task = asyncio.create_task(self._follow())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def ends(self) -> dict[tuple[str, int], int]:
        """Return where the sources end now; `TransientError` while the broker is away."""
        found = await self._ends_of([TopicPartition(topic, n) for topic in SOURCES for n in range(self._partitions)])
        return {(place.topic, place.partition): end for place, end in found.items()}

    def behind(self, ends: Mapping[tuple[str, int], int]) -> int:
        """Return how many records below ``ends`` no committed position has passed yet."""
        return sum(max(0, end - self.positions.get(number, {}).get(topic, 0)) for (topic, number), end in ends.items())

    def passed(self, number: int, ends: Mapping[tuple[str, int], int]) -> bool:
        """Whether this partition's committed positions lie beyond ``ends``: something newer was folded."""
        mine = self.positions.get(number, {})
        return any(mine.get(topic, 0) > ends[topic, number] for topic in SOURCES) and all(
            mine.get(topic, 0) >= ends[topic, number] for topic in SOURCES
        )

    async def at_the_end(self) -> bool:
        """Whether everything committed until now was read here."""
        ends = await self._ends_of(list(self._next))
        return all(self._next[place] >= end for place, end in ends.items())

    async def _ends_of(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        if self._consumer is None:
            raise TransientError("the broker is away")
        try:
            found: dict[TopicPartition, int] = await within(
                ANSWER_S_MAX, self._consumer.end_offsets(places), "asking for end offsets"
            )
        except KafkaError as error:
            raise TransientError(f"end offsets are not known: {error!r}") from error
        return found

    async def _follow(self) -> None:
        while True:
            try:
                self._consumer = await new_consumer(self._bootstrap, client_id="faults-watch")
                try:
                    await self._read()
                finally:
                    consumer, self._consumer = self._consumer, None
                    await stop_consumer(consumer)
            except (TransientError, KafkaError):
                await asyncio.sleep(AGAIN_S)

    async def _read(self) -> None:
        self._consumer.assign(list(self._next))
        for place, offset in self._next.items():
            self._consumer.seek(place, offset)
        while True:
            polled = await self._consumer.getmany(timeout_ms=100, max_records=5000)
            for place, raws in polled.items():
                for raw in raws:
                    self._take(place.topic, place.partition, raw.key or b"", raw.value)
                    self._next[place] = raw.offset + 1
            for place in self._next:  # the position passes the marks that transactions leave
                self._next[place] = max(self._next[place], await self._consumer.position(place))

    def _take(self, topic: str, number: int, key: bytes, value: bytes | None) -> None:
        if topic == CHANGELOG:
            self._changelog(number, key, value)
        elif topic == LETTERS:
            self.letters += 1
        elif value is not None:
            event = codec.parse_event(value)
            self.ids[event.id] += 1
            if isinstance(event.data, HealthUpdated):
                self._snapshot(event.data)
            elif isinstance(event.data, HealthChanged | MilestoneChanged):
                self._numbered(topic, event.data)

    def _changelog(self, number: int, key: bytes, value: bytes | None) -> None:
        if key == POSITION_KEY and value is not None:
            self.positions[number] = decode_position(value).sources
        elif not key.startswith(b"\x00"):
            account, part = split_key(key)
            if value is None:
                self.parts[account].pop(part, None)
            else:
                self.parts[account][part] = value

    def _snapshot(self, snapshot: HealthUpdated) -> None:
        before = self.snapshots.get(snapshot.account)
        if before is not None and before.revision >= snapshot.revision:
            self.out_of_order.append(f"{snapshot.account}: revision {snapshot.revision} after {before.revision}")
        self.snapshots[snapshot.account] = snapshot

    def _numbered(self, topic: str, change: HealthChanged | MilestoneChanged) -> None:
        self.numbers[change.account].append(change.number)
        last = self._last_number.get((topic, change.account), 0)
        if change.number < last:
            self.out_of_order.append(f"{change.account}: number {change.number} after {last}")
        self._last_number[topic, change.account] = change.number
