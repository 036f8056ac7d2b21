"""The projection loop: topics into read models, then a word to whoever has a page open."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from truenorth import topics
from truenorth.clock import Clock
from truenorth.codec import parse_storable
from truenorth.errors import RefusedError
from truenorth.kafka import Record
from truenorth.kafka.dead_letters import PoisonLimit

from truenorth_console.handlers import Projector, Touched
from truenorth_console.metrics import Metrics
from truenorth_console.ports import Projection

log = logging.getLogger(__name__)

READS: Final = (
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
)
BATCH_RECORDS_MAX: Final = 500


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
            projector = Projector(unit, touched)
            for record in sorted(await unit.fresh(records), key=_key):
                await self._apply(unit, projector, record, touched)
            await projector.finish()
        self._committed(touched)

    async def _apply(self, unit: Projection, projector: Projector, record: Record, touched: Touched) -> None:
        self._metrics.projected(record.topic, 1)
        if record.value is None:
            await _forget(unit, record, touched)
            return
        try:
            await projector.take(parse_storable(record.value))
        except RefusedError as error:
            await self._park(unit, record, error)
            return
        self._limit.good(record)

    async def _park(self, unit: Projection, record: Record, error: RefusedError) -> None:
        reason = f"{error.code}: {error.message}"
        self._limit.dead(record, reason)
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.error("record parked: %s", error.message, extra=where)
        await unit.park(record, reason=reason, now_ms=self._clock.now_ms())
        self._metrics.dead_letter(record.topic)


def _key(record: Record) -> bytes:
    """Order by account, stably: two processes that apply batches at once then lock rows in one order."""
    return record.key or b""


async def _forget(unit: Projection, record: Record, touched: Touched) -> None:
    """A tombstone: on `health` the account is erased, on `contacts` a person."""
    key = (record.key or b"").decode(errors="replace")
    if record.topic == topics.full_name("health"):
        await unit.forget_account(key)
        touched.accounts.add(key)
    elif record.topic == topics.full_name("contacts"):
        await unit.forget_contact(key)
