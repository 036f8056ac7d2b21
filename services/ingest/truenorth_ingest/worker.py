"""The loops beside the door: what was learned and what waits is read, released and kept in order.

`BatchReader` applies what the topics say, `Replayer` looks again at what waits, `Housekeeper` lets go of what waited
too long and counts, `LearnedReader` tells this process's own cache what any process has learned.
"""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from truenorth import erasures, topics
from truenorth.clock import MILLIS_PER_SECOND, Clock
from truenorth.codec import parse_storable
from truenorth.erasures import Request, request_of, requests_in
from truenorth.errors import RefusedError, TransientError
from truenorth.events.envelope import Event
from truenorth.events.identity import EventHeld, IdentityLearned
from truenorth.events.people import ErasureAcknowledged, ErasureRequested
from truenorth.kafka import Record
from truenorth.kafka.dead_letters import PoisonLimit

from truenorth_ingest.domain.drafts import IDENTITIES_TOPIC
from truenorth_ingest.domain.holding import KEPT_MS_MAX, Told, Waiting, is_releasable, pair_of
from truenorth_ingest.domain.lookups import REASONS
from truenorth_ingest.handlers.holding import Holding
from truenorth_ingest.handlers.learned import LearnedAccounts
from truenorth_ingest.metrics import WorkerMetrics
from truenorth_ingest.ports import HoldingUnit

log = logging.getLogger(__name__)

READS: Final = (erasures.REQUESTS_TOPIC, erasures.DONE_TOPIC, "identities", "unresolved")
BATCH_RECORDS_MAX: Final = 500
POLL_S: Final = 0.5
"""What another process awakened is found within this time."""
HOUSEKEEPING_S: Final = 5.0
FORGET_EVERY_S: Final = 3600.0


class BatchUnit(HoldingUnit, Protocol):
    """A transaction that also holds the consumer's place."""

    async def fresh(self, records: Sequence[Record]) -> list[Record]:
        """Move the place past these records and return those not applied before."""
        ...

    async def erase(self, request: Request, *, now_ms: int) -> int | None:
        """Forget what is asked, and say so; return how many held events went, None when it was done before."""
        ...

    async def note_done(self, request_id: str, service: str, *, done_ms: int) -> None:
        """Note a service's word that it has carried out a request."""
        ...

    async def expire(self, *, before_ms: int) -> Sequence[str]:
        """Delete some of the events that were taken before this time; return why each of them waited."""
        ...

    async def park(self, record: Record, *, reason: str, now_ms: int) -> None:
        """Put a record that cannot be processed where people find it."""
        ...


Units = Callable[[], AbstractAsyncContextManager[BatchUnit]]


class BatchReader:
    """Applies a batch of records in one transaction together with the consumer's place."""

    def __init__(
        self, *, units: Units, holding: Holding, committed: Callable[[], None], metrics: WorkerMetrics, clock: Clock
    ) -> None:
        self._units = units
        self._holding = holding
        self._committed = committed
        self._metrics = metrics
        self._clock = clock
        self._limit = PoisonLimit()

    async def handle(self, records: Sequence[Record]) -> None:
        """Apply the records: first what is to be forgotten, then what was learned, then what waits.

        Raises:
            HaltError: most of the latest records cannot be read; see `PoisonLimit`.
        """
        async with self._units() as unit:
            fresh = await unit.fresh(records)
            read = await self._readable(unit, [record for record in fresh if record.value is not None])
            asked = [request_of(one, record_ms=at.timestamp_ms) for at, one in read if _is(one, ErasureRequested)]
            erased = await self._erase(unit, asked)
            for _, event in read:
                if isinstance(event.data, ErasureAcknowledged) and event.data.service in erasures.SERVICES:
                    await unit.note_done(event.data.request_id, event.data.service, done_ms=event.time_ms)
            await self._holding.learn(unit, _told(fresh, dict(read)))
            outcome = await self._holding.take(unit, [_waiting(at, one) for at, one in read if _is(one, EventHeld)])
        self._committed()
        self._metrics.looked(outcome.replayed, outcome.erased)
        self._forgot(erased)

    async def erase(self, records: Sequence[Record]) -> None:
        """Carry out the requests to forget among these records, wherever the reader's place is."""
        async with self._units() as unit:
            erased = await self._erase(unit, requests_in(records))
        if erased:
            self._committed()
        self._forgot(erased)

    async def _erase(self, unit: BatchUnit, asked: Sequence[Request]) -> list[tuple[Request, int]]:
        """Carry out requests; return those not carried out before, with the number of held events that went."""
        now_ms = self._clock.now_ms()
        gone = [(request, await unit.erase(request, now_ms=now_ms)) for request in asked]
        return [(request, events) for request, events in gone if events is not None]

    def _forgot(self, erased: Sequence[tuple[Request, int]]) -> None:
        for request, events in erased:
            self._metrics.erased(request.kind, (self._clock.now_ms() - request.erased_ms) / MILLIS_PER_SECOND)
            self._metrics.looked(0, events)

    async def _readable(self, unit: BatchUnit, records: Sequence[Record]) -> list[tuple[Record, Event]]:
        read: list[tuple[Record, Event]] = []
        for record in records:
            try:
                event = _parsed(record)
            except RefusedError as error:
                await self._park(unit, record, error)
            else:
                self._limit.good(record)
                read.append((record, event))
        return read

    async def _park(self, unit: BatchUnit, record: Record, error: RefusedError) -> None:
        reason = f"{error.code}: {error.message}"
        self._limit.dead(record, reason)
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.error("record parked: %s", error.message, extra=where)
        await unit.park(record, reason=reason, now_ms=self._clock.now_ms())
        self._metrics.dead_letter(record.topic)


def _parsed(record: Record) -> Event:
    event = parse_storable(record.value or b"")
    if isinstance(event.data, EventHeld) and not is_releasable(event.data):
        raise RefusedError("data_invalid", f"it holds what is no {event.data.event_type[:80]}")
    return event


def _is(event: Event, payload: type[object]) -> bool:
    return isinstance(event.data, payload)


def _waiting(record: Record, event: Event) -> Waiting:
    return Waiting(record.partition, record.offset, event.data, record.timestamp_ms)


def _told(records: Sequence[Record], read: Mapping[Record, Event]) -> list[Told]:
    """Return what these records say on `identities`, in order; a tombstone says that a pair belongs no more."""
    told = []
    for record in records:
        if record.topic != IDENTITIES_TOPIC:
            continue
        at_ms = record.timestamp_ms
        event = read.get(record)
        if event is not None and isinstance(event.data, IdentityLearned):
            told.append(Told(event.data.lookup, event.account, True, at_ms, event.time_ms))
        elif record.value is None and (pair := pair_of(record.key)) is not None:
            told.append(Told(*pair, False, at_ms, at_ms))
    return told


class _Turning(ABC):
    """A loop of turns that goes on until `stop`; the database being away is waited out."""

    _rest_s: float

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Take the next turn at once."""
        self._woken.set()

    async def run(self) -> None:
        """Take turns until `stop`; any error but a transient one ends it."""
        while not self._stopping:
            self._woken.clear()
            try:
                more = await self.turn()
            except TransientError as error:
                more = False
                log.warning("%s waits: %s", type(self).__name__.lower(), error)
            if not more and not self._stopping:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._rest_s):
                        await self._woken.wait()

    async def stop(self) -> None:
        """Stop after the turn in hand."""
        self._stopping = True
        self.wake()

    @abstractmethod
    async def turn(self) -> bool:
        """Take one turn; return whether there is more to do at once."""


class Replayer(_Turning):
    """Looks again at what waits for lookups that were learned, some of it a turn."""

    _rest_s = POLL_S

    def __init__(
        self,
        *,
        units: Units,
        is_awake: Callable[[], Awaitable[bool]],
        holding: Holding,
        committed: Callable[[], None],
        metrics: WorkerMetrics,
    ) -> None:
        super().__init__()
        self._units = units
        self._is_awake = is_awake
        self._holding = holding
        self._committed = committed
        self._metrics = metrics

    async def turn(self) -> bool:
        """Look at some events; return whether there were any lookups to look for."""
        if not await self._is_awake():
            return False
        async with self._units() as unit:
            outcome = await self._holding.replay(unit)
        self._metrics.looked(outcome.replayed, outcome.erased)
        if outcome.replayed:
            self._committed()
        return True


class Housekeeper(_Turning):
    """Every few seconds: lets go of what has waited too long, says so, and counts what waits.

    Each hour: forgets the oldest erasures.
    """

    _rest_s = HOUSEKEEPING_S

    def __init__(
        self,
        *,
        units: Units,
        waiting: Callable[[], Awaitable[Mapping[str, tuple[int, int]]]],
        forget: Callable[[int], Awaitable[None]],
        behind: Callable[[], tuple[int | None, int]],
        metrics: WorkerMetrics,
        clock: Clock,
    ) -> None:
        super().__init__()
        self._units = units
        self._waiting = waiting
        self._forget = forget
        self._forgot_at_s = float("-inf")
        self._behind = behind
        self._metrics = metrics
        self._clock = clock

    async def turn(self) -> bool:
        """Keep house once; return whether more has to go at once."""
        now_ms = self._clock.now_ms()
        waiting = await self._waiting()
        for reason in REASONS:
            count, oldest_ms = waiting.get(reason, (0, now_ms))
            self._metrics.waiting(reason, count, oldest_s=(now_ms - oldest_ms) / MILLIS_PER_SECOND)
        outbox_ms, lag_records = self._behind()
        age_s = 0.0 if outbox_ms is None else (now_ms - outbox_ms) / MILLIS_PER_SECOND
        self._metrics.streams(outbox_oldest_s=age_s, lag_records=lag_records)
        if self._clock.monotonic() - self._forgot_at_s >= FORGET_EVERY_S:
            await self._forget(now_ms)
            self._forgot_at_s = self._clock.monotonic()
        if all(oldest_ms >= now_ms - KEPT_MS_MAX for _, oldest_ms in waiting.values()):
            return False
        return await self._expire(now_ms - KEPT_MS_MAX)

    async def _expire(self, before_ms: int) -> bool:
        async with self._units() as unit:
            reasons = await unit.expire(before_ms=before_ms)
        for reason in sorted(set(reasons)):
            count = reasons.count(reason)
            self._metrics.expired(reason, count)
            log.warning("events waited too long and are gone", extra={"events": count, "reason": reason})
        return bool(reasons)


class LearnedReader:
    """Tells the cache of this process what `identities` says, whoever learned it; read without a group.

    It reads from the topic's end whenever it begins, also after an outage; what is remembered by then is asked again.
    """

    def __init__(self, accounts: LearnedAccounts) -> None:
        self._accounts = accounts

    async def position(self, partitions: set[tuple[str, int]]) -> dict[tuple[str, int], int]:  # noqa: ARG002
        """Have what is remembered asked again, because of what was not read; there is no place to go on at."""
        self._accounts.ask_again()
        return {}

    async def handle(self, records: Sequence[Record]) -> None:
        """Note what was learned and what belongs to nobody any more."""
        for record in records:
            pair = pair_of(record.key)
            if pair is not None:
                (self._accounts.forget if record.value is None else self._accounts.note)(*pair)


def full_names() -> list[str]:
    """Return the topics that `BatchReader` reads."""
    return [topics.full_name(name) for name in READS]
