"""The projection loop: topics into read models, then a word to whoever has a page open."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from truenorth import erasures, topics
from truenorth.clock import MILLIS_PER_SECOND, Clock
from truenorth.codec import parse_event, parse_storable
from truenorth.erasures import Request, request_of
from truenorth.errors import RefusedError, TransientError
from truenorth.events.envelope import Event
from truenorth.events.inputs import ContactUpdated
from truenorth.events.people import ErasureAcknowledged, ErasureRequested
from truenorth.kafka import Record
from truenorth.kafka.dead_letters import PoisonLimit

from truenorth_console.domain.waiting import LEARNED_KEPT_MS, WAITING_KEPT_MS
from truenorth_console.handlers import Graves, Projector, Touched, clean, refusal_of
from truenorth_console.metrics import Metrics
from truenorth_console.ports import Projection

log = logging.getLogger(__name__)

READS: Final = (
    "erasures",
    "erasures-done",
    "health",
    "health-changes",
    "health-daily",
    "milestones",
    "tasks",
    "alerts",
    "feed",
    "deliveries",
    "contacts",
    "actions",
    "quarantine",
    "unresolved",
    "identities",
)
BATCH_RECORDS_MAX: Final = 500
QUARANTINE: Final = topics.full_name("quarantine")
IDENTITIES: Final = topics.full_name("identities")
UNRESOLVED: Final = topics.full_name("unresolved")
ERASURES: Final = topics.full_name(erasures.REQUESTS_TOPIC)
WATCH_EVERY_S: Final = 10.0
FORGET_EVERY_S: Final = 3600.0

Read = tuple[Record, Event | None]
"""A record that can be read, with its event; None for a tombstone."""


class BatchReader:
    """Applies a batch of records in one transaction together with the reader's place."""

    def __init__(
        self,
        *,
        units: Callable[[], AbstractAsyncContextManager[Projection]],
        committed: Callable[[Touched], None],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._units = units
        self._committed = committed
        self._metrics = metrics
        self._clock = clock
        self._limit = PoisonLimit()

    async def handle(self, records: Sequence[Record]) -> None:
        """Apply the records and, once that is committed, tell the open pages.

        Raises:
            HaltError: most of the latest records cannot be read; see `PoisonLimit`.
        """
        touched = Touched()
        async with self._units() as unit:
            await unit.hold(alone=any(record.topic == ERASURES for record in records))
            fresh = sorted(await unit.fresh(records), key=_key)
            read = await self._readable(unit, [record for record in fresh if record.topic != QUARANTINE])
            erased = await self._erase(unit, read, touched)
            graves = await Graves.of(unit, [event for _, event in read if event is not None])
            projector = Projector(unit, touched)
            for record, event in read:
                await self._apply(unit, projector, record, event, graves, touched)
            await projector.finish()
            await self._refusals(unit, [record for record in fresh if record.topic == QUARANTINE], touched)
        self._committed(touched)
        for request in erased:
            self._metrics.erased(request.kind, (self._clock.now_ms() - request.erased_ms) / MILLIS_PER_SECOND)

    async def _readable(self, unit: Projection, records: Sequence[Record]) -> list[Read]:
        read: list[Read] = []
        for record in records:
            self._metrics.projected(record.topic, 1)
            if record.value is None:
                read.append((record, None))
                continue
            try:
                read.append((record, _parsed(record, record.value)))
            except RefusedError as error:
                await self._park(unit, record, error)
        return read

    async def _refusals(self, unit: Projection, records: Sequence[Record], touched: Touched) -> None:
        """Keep what the edge refused."""
        kept = []
        for record in records:
            self._metrics.projected(record.topic, 1)
            try:
                kept.append(refusal_of(record))
            except RefusedError as error:
                await self._park(unit, record, error)
            else:
                self._limit.good(record)
        if kept:
            await unit.put_refusals(kept)
            touched.intake = True

    async def _erase(self, unit: Projection, read: Sequence[Read], touched: Touched) -> list[Request]:
        """Carry out the requests of a batch before all else in it; return those not carried out before."""
        asked = [
            request_of(event, record_ms=record.timestamp_ms)
            for record, event in read
            if event is not None and isinstance(event.data, ErasureRequested)
        ]
        touched.accounts.update(request.account for request in asked)
        return [request for request in asked if await unit.erase(request, now_ms=self._clock.now_ms())]

    async def _apply(
        self,
        unit: Projection,
        projector: Projector,
        record: Record,
        event: Event | None,
        graves: Graves,
        touched: Touched,
    ) -> None:
        if event is None:
            await _forget(unit, record, touched)
            return
        if self._is_past(record):
            self._limit.good(record)
            return
        if graves.hold(event, record_ms=record.timestamp_ms):
            if isinstance(event.data, ContactUpdated):
                await unit.bury_contact(event.data.contact_id, now_ms=self._clock.now_ms())
            self._limit.good(record)
            return
        try:
            await projector.take(event)
        except RefusedError as error:
            await self._park(unit, record, error)
            return
        self._limit.good(record)
        if isinstance(event.data, ErasureAcknowledged) and event.data.service in erasures.SERVICES:
            self._metrics.acknowledged(event.data.service)

    def _is_past(self, record: Record) -> bool:
        """Tell whether a record only tells of what the intake page shows no more."""
        kept_ms = {IDENTITIES: LEARNED_KEPT_MS, UNRESOLVED: WAITING_KEPT_MS}.get(record.topic)
        return kept_ms is not None and record.timestamp_ms < self._clock.now_ms() - kept_ms

    async def _park(self, unit: Projection, record: Record, error: RefusedError) -> None:
        reason = f"{error.code}: {error.message}"
        self._limit.dead(record, reason)
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.error("record parked: %s", error.message, extra=where)
        await unit.park(record, reason=reason, now_ms=self._clock.now_ms())
        self._metrics.dead_letter(record.topic)


class ErasureWatch:
    """Notes how long each service's oldest erasure waits for its word; each hour forgets what has had its time."""

    def __init__(
        self,
        *,
        oldest_waiting_ms: Callable[[], Awaitable[dict[str, int]]],
        forget: Callable[[int], Awaitable[None]],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._oldest_waiting_ms = oldest_waiting_ms
        self._forget = forget
        self._metrics = metrics
        self._clock = clock
        self._forgot_at = float("-inf")
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Watch until `stop`; the database being away is waited out."""
        while not self._stopping.is_set():
            try:
                await self.turn()
            except TransientError as error:
                log.warning("erasures are not watched: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH_EVERY_S):
                    await self._stopping.wait()

    async def stop(self) -> None:
        """Stop after the turn in hand."""
        self._stopping.set()

    async def turn(self) -> None:
        """Look once."""
        now_ms = self._clock.now_ms()
        oldest_ms = await self._oldest_waiting_ms()
        for service in erasures.SERVICES:
            waiting_ms = now_ms - oldest_ms.get(service, now_ms)
            self._metrics.erasure_waiting(service, waiting_ms / MILLIS_PER_SECOND)
        if self._clock.monotonic() - self._forgot_at >= FORGET_EVERY_S:
            await self._forget(now_ms)
            self._forgot_at = self._clock.monotonic()


def _key(record: Record) -> bytes:
    """Order by account, stably: two processes that apply batches at once then lock rows in one order."""
    return record.key or b""


def _parsed(record: Record, value: bytes) -> Event:
    """Parse a record; of what waits only its lookups are kept, so its data may hold what no database text can."""
    return parse_event(value) if record.topic in {UNRESOLVED, IDENTITIES} else parse_storable(value)


async def _forget(unit: Projection, record: Record, touched: Touched) -> None:
    """A tombstone: an account is erased or has no snapshot any more, a contact is gone, a lookup is nobody's."""
    key = (record.key or b"").decode(errors="replace")
    if record.topic == topics.full_name("health"):
        await unit.forget_account(key)
        touched.accounts.add(key)
    elif record.topic == topics.full_name("contacts"):
        await unit.forget_contact(key)
    elif record.topic == IDENTITIES:
        lookup, _, account = key.rpartition("\n")
        await unit.forget_learned(clean(lookup), clean(account))
        touched.intake = True
