"""Reads what `truenorth explain` needs of one account from the broker: its partition, and nothing else's."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from difflib import get_close_matches
from typing import Final

import msgspec
from truenorth import codec
from truenorth.clock import SystemClock
from truenorth.definitions.apply import read_shelf
from truenorth.definitions.model import Bundle
from truenorth.errors import MissingError, RefusedError
from truenorth.events import Event
from truenorth.events.health import HealthChanged, HealthUpdated, MilestoneChanged
from truenorth.kafka import Record
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.reader import read_topic
from truenorth.kafka.records import partition_of
from truenorth.streams.processor import Decoded
from truenorth.topics import HEALTH_SOURCES, full_name

from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.adapters.verify_bundles import Bundles
from truenorth_health.adapters.verify_refold import NEVER_MS, Refold
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.explanation import Explanation, changed, copied, explain, published
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.usable import usable
from truenorth_health.domain.way import Way, way_of

NEAREST_MAX: Final = 3

Transition = HealthChanged | MilestoneChanged


class UnknownAccountError(Exception):
    """Nothing is retained about the account; ``nearest`` are ids that look like it."""

    def __init__(self, account: str, nearest: list[str]) -> None:
        super().__init__(account)
        self.nearest = nearest


class _Listening(AccountProcessor):
    """A processor that remembers the events that were decoded, each id of a sender once, with when it was recorded."""

    def __init__(self) -> None:
        super().__init__(CompiledDefinitions(_no_definitions))
        self._events: dict[bytes, tuple[int, Event]] = {}

    def decode(self, source: int, record: Record) -> Decoded:
        decoded = super().decode(source, record)
        self._events.setdefault(decoded.identity or b"", (record.timestamp_ms, decoded.event))
        return decoded

    def until(self, at_ms: int) -> list[Event]:
        """Return what was recorded by then."""
        return [event for recorded_ms, event in self._events.values() if recorded_ms <= at_ms]

    @property
    def first_ms(self) -> int | None:
        """When the first was recorded."""
        return min((recorded_ms for recorded_ms, _ in self._events.values()), default=None)


def _no_definitions() -> Bundle | None:
    """What is kept does not depend on definitions."""
    return None


class Explainer:
    """Explains one account."""

    def __init__(self, bootstrap: str, account: str) -> None:
        self._bootstrap = bootstrap
        self._account = account
        self._partition = 0
        self._notes: list[str] = []

    async def explain(self, at_ms: int | None) -> Explanation:
        """Return the account at ``at_ms``, with what changed since; as of now when that is None.

        Raises:
            UnknownAccountError: nothing is retained about the account.
            MissingError: there are no topics, or no definitions are in force.
            TransientError: the broker is away.
        """
        now_ms = SystemClock().now_ms()
        self._partition = await self._partition_of()
        transitions, snapshot = await self._transitions(), await self._snapshot()
        current = await self._current()
        asked_ms = now_ms if at_ms is None else at_ms
        compiled = current if at_ms is None else await self._in_force(current, transitions, snapshot, at_ms)
        processor, then, now = await self._folded(asked_ms)
        if processor.first_ms is None and snapshot is None and not transitions:
            raise UnknownAccountError(self._account, await self._nearest())
        said = explain(then, processor.until(asked_ms), compiled, asked_ms, way_of(transitions, asked_ms))
        if at_ms is None:
            if snapshot is not None and said.status in {"scored", "churned"}:
                said.published = published(said, snapshot)
        else:
            way = _present(way_of(transitions, now_ms), snapshot)
            said.since = changed(said, explain(now, processor.until(now_ms), current, now_ms, way))
            self._of_the_time(said, processor.first_ms, current)
        said.notes = self._notes
        return said

    def _of_the_time(self, said: Explanation, first_ms: int | None, current: Compiled) -> None:
        if said.status == "nothing" and first_ms is not None:
            recorded = codec.rfc3339(first_ms)
            self._notes.append(f"the first event that is retained was recorded at {recorded}: ask for a time after it")
        if said.definitions != current.hash:
            self._notes.append(
                f"the score of now is made with definitions {current.hash}: what they changed is among the drivers"
            )

    async def _partition_of(self) -> int:
        names = [full_name(name) for name in (*HEALTH_SOURCES, "health", "health-changes", "milestones")]
        counts = await KafkaLog(self._bootstrap, client_id="truenorth-explain").partition_counts(names)
        if missing := [name for name in names if not counts.get(name)]:
            raise MissingError(f"there is no topic {missing[0]}; has the platform been set up?")
        return partition_of(self._account.encode(), counts[names[0]])

    def _read(self, topic: str, partition: int, start: int = 0) -> AsyncGenerator[Record, None]:
        return read_topic(self._bootstrap, topic, partitions=[partition], start=start)

    async def _mine(self, name: str) -> AsyncGenerator[Record, None]:
        key = self._account.encode()
        async with aclosing(self._read(full_name(name), self._partition)) as records:
            async for record in records:
                if record.key == key:
                    yield record

    async def _folded(self, at_ms: int) -> tuple[_Listening, AccountState, AccountState]:
        """Return what was heard, and the account as of ``at_ms`` and as of now."""
        processor = _Listening()
        ends = {full_name(name): NEVER_MS for name in HEALTH_SOURCES}
        refold = Refold(self._read, self._partition, ends, processor, lambda name: name == self._account)
        try:
            await refold.start()
            everything = dict.fromkeys(HEALTH_SOURCES, NEVER_MS)
            await refold.read_to(everything, at_ms)
            then = copied(refold.state(self._account))
            await refold.read_to(everything, NEVER_MS)
            now = copied(refold.state(self._account))
            for name, first_ms in refold.begins_ms.items():
                if at_ms < first_ms < NEVER_MS:
                    told = codec.rfc3339(first_ms)
                    self._notes.append(f"{name}: what was recorded before {told} is past retention, and not counted")
        finally:
            await refold.close()
        return processor, then, now

    async def _transitions(self) -> list[Transition]:
        found: list[Transition] = []
        kinds: tuple[tuple[str, type[Transition]], ...] = (
            ("health-changes", HealthChanged),
            ("milestones", MilestoneChanged),
        )
        for name, kind in kinds:
            async with aclosing(self._mine(name)) as records:
                async for record in records:
                    try:
                        found.append(codec.parse_as(record.value or b"", kind))
                    except RefusedError as error:
                        self._notes.append(f"{name} {record.partition}/{record.offset} cannot be read: {error.message}")
        return found

    async def _snapshot(self) -> HealthUpdated | None:
        """Return what is published; None when nothing is, or when it was deleted."""
        last: Record | None = None
        async with aclosing(self._mine("health")) as records:
            async for record in records:
                last = record
        if last is None or last.value is None:
            return None
        try:
            return codec.parse_as(last.value, HealthUpdated)
        except RefusedError as error:
            self._notes.append(f"what is published cannot be read: {error.message}")
            return None

    async def _current(self) -> Compiled:
        shelf = await read_shelf(self._bootstrap, lambda error: self._notes.append(error.message))
        if shelf.current is None:
            raise MissingError("no definitions are in force; `truenorth apply` puts them there")
        self._applied_ms = shelf.current.applied_ms
        return usable(shelf.current)

    async def _in_force(
        self, current: Compiled, transitions: Iterable[Transition], snapshot: HealthUpdated | None, at_ms: int
    ) -> Compiled:
        """Return the definitions in force at a time: what was in force is told by decisions alone."""
        if self._applied_ms <= at_ms:
            return current
        points = [(one.decided_ms, one.point) for one in transitions if one.decided_ms <= at_ms]
        if snapshot is not None and snapshot.computed_ms <= at_ms:
            points.append((snapshot.point.now_ms, snapshot.point))
        if points:
            _, point = max(points, key=lambda one: one[0])
            found = await Bundles(self._read).by_hash(point.definitions)
            if found is not None:
                decided = codec.rfc3339(point.now_ms)
                self._notes.append(f"definitions {found.hash}: those of its last decision told by then, of {decided}")
                return found
        self._notes.append(f"which definitions were in force then is not retained: {current.hash}, of now, was taken")
        return current

    async def _nearest(self) -> list[str]:
        """Return accounts with similar ids, of all that facts are known of."""
        names: set[str] = set()
        async with aclosing(read_topic(self._bootstrap, full_name("accounts"))) as records:
            async for record in records:
                names.add((record.key or b"").decode(errors="replace"))
        return get_close_matches(self._account, sorted(names), n=NEAREST_MAX, cutoff=0.5)


def _present(way: Way, snapshot: HealthUpdated | None) -> Way:
    """Return the way with what the snapshot says of sources that are silent now."""
    if snapshot is not None:
        way.silent = snapshot.point.silent
    return way


def as_json(said: Explanation) -> bytes:
    """Return the explanation as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(said), indent=2)
