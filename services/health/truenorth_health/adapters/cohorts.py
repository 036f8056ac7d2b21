"""Cohorts on the wire: each worker counts its partitions, and one of them sums what all have counted.

Counts travel on `cohort-counts`, one record per partition, written plainly: a repeat changes nothing. Whoever owns the
one partition of that topic sums. A worker that takes that over knows nothing at first, so counts are told again every
`TOLD_AGAIN_S` even if nothing changed, and nothing is said before every partition was heard.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final, Protocol

import msgspec
from truenorth import codec
from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError
from truenorth.events.health import CohortUpdated
from truenorth.ids import derived_id
from truenorth.kafka import Outgoing, Record
from truenorth.kafka.reader import read_topic
from truenorth.topics import full_name

from truenorth_health.adapters.processor import SOURCE, CompiledDefinitions
from truenorth_health.domain.cohorts import Cohort, PartitionCounts, Tally, key_of, totals

PASS_EVERY_S: Final = 10.0
TOLD_AGAIN_S: Final = 20.0
SLICE_ACCOUNTS: Final = 500
BUSY_SHARE_MAX: Final = 0.015
"""Of a core: after each slice the walk rests for so long that counting takes no larger share."""
HEARD_MS_MAX: Final = 30 * 60_000
"""Counts older than this are of a partition that nobody counts any more."""

_COUNTS: Final = full_name("cohort-counts")
_COHORTS: Final = full_name("cohorts")
_parse = msgspec.json.Decoder(PartitionCounts).decode
log = logging.getLogger(__name__)


class Walked(Protocol):
    """The engine, as far as the walk knows it."""

    @property
    def owned(self) -> frozenset[int]:
        """The partitions that are open here."""
        ...

    @property
    def partition_count(self) -> int:
        """How many partitions there are."""
        ...

    def cores(self, number: int, *, size: int) -> Iterator[list[bytes]]:
        """Yield the stored paths of a partition's accounts, ``size`` at a time."""
        ...


class Sender(Protocol):
    """Writes records and returns when they are acknowledged."""

    async def send_many(self, items: Sequence[Outgoing]) -> None:
        """Write all; raises TransientError when not all were acknowledged."""


class CohortWalker:
    """Walks the accounts of the open partitions, over and over, and tells what it counted of each partition."""

    def __init__(self, engine: Walked, definitions: CompiledDefinitions, sender: Sender, clock: Clock) -> None:
        self._engine = engine
        self._definitions = definitions
        self._sender = sender
        self._clock = clock
        self._stopping = asyncio.Event()
        self._told: dict[int, tuple[float, PartitionCounts]] = {}
        self.pass_seconds = 0.0

    async def run(self) -> None:
        """Walk until stopped, `PASS_EVERY_S` from the start of one pass to that of the next at the least."""
        while not self._stopping.is_set():
            began_s = self._clock.monotonic()
            try:
                await self.walk()
            except TransientError as error:
                log.warning("cohorts are counted again later", extra={"reason": str(error)})
            self.pass_seconds = self._clock.monotonic() - began_s
            await self._rest(max(0.0, PASS_EVERY_S - self.pass_seconds))

    async def stop(self) -> None:
        """End the walk after its slice."""
        self._stopping.set()

    async def walk(self) -> None:
        """Count every open partition once, and tell what changed or was not told for `TOLD_AGAIN_S`."""
        owned = self._engine.owned
        self._told = {number: told for number, told in self._told.items() if number in owned}
        for number in sorted(owned):
            counts = await self._count(number)
            if counts is not None and not self._stopping.is_set():
                await self._tell(number, counts)

    async def _count(self, number: int) -> PartitionCounts | None:
        """Return what a partition holds; None when it was let go meanwhile, or while no definitions are known."""
        compiled = self._definitions.get()
        if compiled is None:
            return None
        versions = {one.source.id: one.version for one in compiled.milestones}
        tally = Tally(versions)
        slices = self._engine.cores(number, size=SLICE_ACCOUNTS)
        while not self._stopping.is_set():
            began_s = self._clock.monotonic()
            cores = next(slices, None)
            if cores is None:
                break
            tally.add(cores)
            await self._rest((self._clock.monotonic() - began_s) * (1 / BUSY_SHARE_MAX - 1))
        if number not in self._engine.owned:
            return None
        return PartitionCounts(number, self._engine.partition_count, self._clock.now_ms(), versions, tally.cohorts)

    async def _tell(self, number: int, counts: PartitionCounts) -> None:
        now_s = self._clock.monotonic()
        told = self._told.get(number)
        if told is not None and now_s - told[0] < TOLD_AGAIN_S and _is_same(told[1], counts):
            return
        await self._sender.send_many([Outgoing(_COUNTS, str(number).encode(), codec.encode_json(counts))])
        self._told[number] = now_s, counts

    async def _rest(self, seconds: float) -> None:
        """Sleep for so long, or until stopped."""
        stopped = asyncio.create_task(self._stopping.wait())
        slept = asyncio.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait([stopped, slept], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            slept.cancel()


def _is_same(one: PartitionCounts, other: PartitionCounts) -> bool:
    return (one.partitions, one.versions, one.cohorts) == (other.partitions, other.versions, other.cohorts)


class CohortTotals:
    """Sums what the partitions counted, and publishes every cohort whose numbers changed.

    It begins from nothing but what lies on `cohorts`: cohorts without accounts are deleted from there as well.
    """

    def __init__(
        self,
        bootstrap: str,
        sender: Sender,
        clock: Clock,
        *,
        read: Callable[[str, str], AsyncIterator[Record]] = read_topic,
    ) -> None:
        self._bootstrap = bootstrap
        self._sender = sender
        self._clock = clock
        self._read = read
        self._heard: dict[int, PartitionCounts] = {}
        self._published: dict[str, CohortUpdated] | None = None
        self.told_count = 0

    async def hear(self, value: bytes | None) -> None:
        """Take in one partition's counts; the broker being away only puts off what follows from them."""
        try:
            counts = _parse(value or b"")
        except msgspec.MsgspecError as error:
            log.warning("a count of cohorts is unreadable", extra={"reason": str(error)})
            return
        now_ms = self._clock.now_ms()
        self._heard[counts.partition] = counts
        self._heard = {number: one for number, one in self._heard.items() if one.counted_ms > now_ms - HEARD_MS_MAX}
        found = totals(self._heard, now_ms)
        if found is None:
            return
        try:
            await self._publish(found)
        except TransientError as error:
            log.warning("cohorts are told with the next count", extra={"reason": str(error)})

    async def _publish(self, found: dict[Cohort, CohortUpdated]) -> None:
        if self._published is None:
            self._published = await self._lying()
        wanted = {key_of(cohort): update for cohort, update in found.items()}
        records = [
            Outgoing(_COHORTS, key.encode(), _encode(key, update))
            for key, update in wanted.items()
            if not _says(self._published.get(key), update)
        ]
        records += [Outgoing(_COHORTS, key.encode(), None) for key in self._published.keys() - wanted.keys()]
        await self._sender.send_many(records)
        self.told_count += len(records)
        self._published = wanted

    async def _lying(self) -> dict[str, CohortUpdated]:
        """Return what lies on `cohorts`."""
        found: dict[str, CohortUpdated] = {}
        async for record in self._read(self._bootstrap, _COHORTS):
            key = (record.key or b"").decode(errors="replace")
            if record.value is None:
                found.pop(key, None)
                continue
            try:
                found[key] = codec.parse_as(record.value, CohortUpdated)
            except RefusedError as error:
                log.warning("a cohort is unreadable", extra={"key": key, "reason": str(error)})
        return found


def _says(published: CohortUpdated | None, update: CohortUpdated) -> bool:
    """Whether this was published already, whenever it was computed."""
    return published is not None and msgspec.structs.replace(published, computed_ms=update.computed_ms) == update


def _encode(key: str, update: CohortUpdated) -> bytes:
    event_id = derived_id("cohort", key, str(update.computed_ms))
    return codec.encode(update, event_id=event_id, source=SOURCE, account=key, time_ms=update.computed_ms)
