"""The loops of notify: one that reads, one per channel that sends, one that keeps house."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from truenorth import erasures, topics
from truenorth.clock import MILLIS_PER_SECOND, Clock
from truenorth.codec import parse_storable
from truenorth.erasures import Request, is_buried, request_of, requests_in
from truenorth.errors import RefusedError, TransientError
from truenorth.events.envelope import Event
from truenorth.events.people import ErasureRequested
from truenorth.kafka import Record
from truenorth.kafka.dead_letters import PoisonLimit

from truenorth_notify.domain.routing import CHANNELS, Channel
from truenorth_notify.handlers import Dispatch, Intake
from truenorth_notify.metrics import Metrics
from truenorth_notify.ports import Claimed, UnitOfWork

log = logging.getLogger(__name__)

SLOTS: Final = 16
"""Deliveries of one channel that are tried at the same time."""
SLOTS_CLAIMED_MIN: Final = 8
"""In a burst, claim a handful at once: a claim costs as much as a delivery."""
POLL_S: Final = 0.5
"""A delivery that is due later, or was left by a crashed process, is found within this time."""
HOUSEKEEPING_S: Final = 1.0
FORGET_EVERY_S: Final = 3600.0
ERASURES: Final = topics.full_name(erasures.REQUESTS_TOPIC)


class BatchUnit(UnitOfWork, Protocol):
    """A transaction that also holds the consumer's place."""

    async def fresh(self, records: Sequence[Record]) -> list[Record]:
        """Move the place past these records and return those not applied before."""
        ...

    async def hold(self, *, alone: bool) -> None:
        """Let other batches run beside this one, or none; called first."""
        ...

    async def graves(self, accounts: Collection[str]) -> dict[str, int]:
        """Return when (epoch ms) those of these accounts that were erased were erased last."""
        ...

    async def erase(self, request: Request, *, now_ms: int) -> bool:
        """Forget what is asked, and say so; False, and nothing happens, when that was done before."""
        ...

    async def park(self, record: Record, *, reason: str, now_ms: int) -> None:
        """Put a record that cannot be processed where people find it."""
        ...


class BatchReader:
    """Applies a batch of records in one transaction together with the consumer's place."""

    def __init__(
        self,
        *,
        units: Callable[[], AbstractAsyncContextManager[BatchUnit]],
        intake: Intake,
        committed: Callable[[], None],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._units = units
        self._intake = intake
        self._committed = committed
        self._metrics = metrics
        self._clock = clock
        self._limit = PoisonLimit()

    async def handle(self, records: Sequence[Record]) -> None:
        """Apply the records and, once that is committed, wake whoever sends.

        Raises:
            HaltError: most of the latest records cannot be read; see `PoisonLimit`.
        """
        async with self._units() as uow:
            await uow.hold(alone=any(record.topic == ERASURES for record in records))
            read = await self._readable(uow, await uow.fresh(records))
            erased = await self._erase(uow, read)
            graves = await uow.graves({event.account for _, event in read})
            for record, event in read:
                began_ms = erasures.began_ms(event)
                if not is_buried(graves.get(event.account), record_ms=record.timestamp_ms, time_ms=began_ms):
                    await self._intake.take(uow, event)
        self._committed()
        self._forgot(erased)

    async def erase(self, records: Sequence[Record]) -> None:
        """Carry out the requests to forget among these records, wherever the reader's place is."""
        async with self._units() as uow:
            await uow.hold(alone=True)
            now_ms = self._clock.now_ms()
            erased = [request for request in requests_in(records) if await uow.erase(request, now_ms=now_ms)]
        if erased:
            self._committed()
        self._forgot(erased)

    def _forgot(self, erased: Sequence[Request]) -> None:
        for request in erased:
            self._metrics.erased(request.kind, (self._clock.now_ms() - request.erased_ms) / MILLIS_PER_SECOND)

    async def _readable(self, uow: BatchUnit, records: Sequence[Record]) -> list[tuple[Record, Event]]:
        read: list[tuple[Record, Event]] = []
        for record in records:
            if record.value is None:
                continue
            try:
                read.append((record, parse_storable(record.value)))
            except RefusedError as error:
                await self._park(uow, record, error)
            else:
                self._limit.good(record)
        return read

    async def _erase(self, uow: BatchUnit, read: Sequence[tuple[Record, Event]]) -> list[Request]:
        """Carry out the requests of a batch before all else in it; return those not carried out before."""
        asked = [
            request_of(event, record_ms=record.timestamp_ms)
            for record, event in read
            if isinstance(event.data, ErasureRequested)
        ]
        return [request for request in asked if await uow.erase(request, now_ms=self._clock.now_ms())]

    async def _park(self, uow: BatchUnit, record: Record, error: RefusedError) -> None:
        reason = f"{error.code}: {error.message}"
        self._limit.dead(record, reason)
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.error("record parked: %s", error.message, extra=where)
        await uow.park(record, reason=reason, now_ms=self._clock.now_ms())
        self._metrics.dead_letter(record.topic)


class ChannelWorker:
    """Claims what is due on one channel and has it tried, a few at a time; a slow channel holds up no other."""

    def __init__(
        self,
        channel: Channel,
        *,
        claim: Callable[[Channel, int], Awaitable[list[Claimed]]],
        dispatch: Dispatch,
        settled: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._claim = claim
        self._dispatch = dispatch
        self._settled = settled
        self._woken = asyncio.Event()
        self._stopping = False
        self._busy: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look at once: a batch with new deliveries has just been committed."""
        self._woken.set()

    async def run(self) -> None:
        """Send until `stop`; the database being away is waited out, any other error ends it."""
        try:
            while not self._stopping:
                await self._turn()
        finally:
            await self._finish()

    async def stop(self) -> None:
        """Claim nothing more; what is being tried is finished by `run`."""
        self._stopping = True
        self.wake()

    async def _turn(self) -> None:
        self._woken.clear()
        free = SLOTS - len(self._busy)
        claimed: list[Claimed] = []
        if free >= SLOTS_CLAIMED_MIN:
            try:
                claimed = await self._claim(self._channel, free)
            except TransientError as error:
                log.warning("deliveries wait: %s", error, extra={"channel": self._channel})
        for one in claimed:
            task = asyncio.create_task(self._dispatch.attempt(one), name=f"deliver {one.delivery.delivery_id}")
            self._busy.add(task)
            task.add_done_callback(lambda _: self._woken.set())
        if not claimed:
            await self._rest()
        self._reap()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()

    def _reap(self) -> None:
        done = {task for task in self._busy if task.done()}
        self._busy -= done
        for task in done:
            error = task.exception()
            if isinstance(error, TransientError):
                log.warning("an attempt could not be stored: %s", error, extra={"channel": self._channel})
            elif error is not None:
                raise error
        if done:
            self._settled()

    async def _finish(self) -> None:
        if self._busy:
            await asyncio.wait(self._busy)
        self._reap()


class Housekeeper:
    """Each second: wakes snoozed entries whose time has come and notes how long the queues are.

    Each hour: forgets the oldest gravestones.
    """

    def __init__(
        self,
        *,
        units: Callable[[], AbstractAsyncContextManager[UnitOfWork]],
        intake: Intake,
        waiting: Callable[[], Awaitable[dict[str, tuple[int, int]]]],
        forget: Callable[[int], Awaitable[None]],
        behind: Callable[[], tuple[int | None, int]],
        committed: Callable[[], None],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._units = units
        self._intake = intake
        self._waiting = waiting
        self._forget = forget
        self._forgot_at = float("-inf")
        self._behind = behind
        self._committed = committed
        self._metrics = metrics
        self._clock = clock
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep house until `stop`."""
        while not self._stopping.is_set():
            try:
                await self.turn()
            except TransientError as error:
                log.warning("housekeeping waits: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HOUSEKEEPING_S):
                    await self._stopping.wait()

    async def stop(self) -> None:
        """Stop after the turn in hand."""
        self._stopping.set()

    async def turn(self) -> None:
        """Keep house once."""
        async with self._units() as uow:
            woken = await self._intake.wake_snoozed(uow)
        if woken:
            self._committed()
        now_ms = self._clock.now_ms()
        waiting = await self._waiting()
        for channel in CHANNELS:
            pending, due_ms = waiting.get(channel, (0, now_ms))
            self._metrics.queue(channel, pending=pending, overdue_s=(now_ms - due_ms) / MILLIS_PER_SECOND)
        oldest_ms, lag_records = self._behind()
        age_s = 0.0 if oldest_ms is None else (now_ms - oldest_ms) / MILLIS_PER_SECOND
        self._metrics.streams(outbox_oldest_s=age_s, lag_records=lag_records)
        if self._clock.monotonic() - self._forgot_at >= FORGET_EVERY_S:
            await self._forget(now_ms)
            self._forgot_at = self._clock.monotonic()
