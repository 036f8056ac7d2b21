"""The loops of `truenorth_ingest.worker`, built over a real broker and a real database."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from typing import Final

from truenorth.clock import Clock
from truenorth.errors import HaltError
from truenorth.kafka.consumer import ConsumerLoop
from truenorth.kafka.erasures_first import ErasuresFirst
from truenorth.kafka.producer import LanesProducer
from truenorth.lifecycle import Part
from truenorth.postgres.engine import make_engine
from truenorth.postgres.outbox import OutboxRelay

from truenorth_ingest.adapters.held import CONSUMER, HeldEvents
from truenorth_ingest.adapters.tables import OUTBOX
from truenorth_ingest.domain.drafts import IDENTITIES_TOPIC
from truenorth_ingest.handlers.holding import Holding
from truenorth_ingest.handlers.learned import LearnedAccounts
from truenorth_ingest.metrics import WorkerMetrics
from truenorth_ingest.settings import SCHEMA, Settings
from truenorth_ingest.worker import BATCH_RECORDS_MAX, BatchReader, Housekeeper, LearnedReader, Replayer, full_names

POOL_CONNECTIONS: Final = 3
"""Of its own: a batch that waits for its turn holds up no request."""


log = logging.getLogger(__name__)


def apart(part: Part, halted: Callable[[str], None]) -> Part:
    """Return the part such that its halt stops nothing but itself.

    A loop that must not go on is a person's to judge; events that a back end or a vendor sends meanwhile are not to
    be turned away for it. Anything else that ends it ends the process, as everywhere.
    """
    stopping = asyncio.Event()

    async def run() -> None:
        try:
            if part.run is not None:
                await part.run()
        except HaltError as error:
            log.error("%s has halted and the door stays open: %s", part.name, error)  # noqa: TRY400 - a sentence
            halted(part.name)
            await stopping.wait()

    async def stop() -> None:
        stopping.set()
        if part.stop is not None:
            await part.stop()

    return dataclasses.replace(part, run=run, stop=stop)


class WorkerParts:
    """What reads, releases and keeps house beside the door."""

    def __init__(
        self,
        settings: Settings,
        *,
        producer: LanesProducer,
        accounts: LearnedAccounts,
        metrics: WorkerMetrics,
        clock: Clock,
    ) -> None:
        self._engine = make_engine(settings.database_url, schema=SCHEMA, pool_connections=POOL_CONNECTIONS)
        self._events = HeldEvents(self._engine)
        self._relay = OutboxRelay(self._engine, OUTBOX, producer.send_many, schema=SCHEMA, clock=clock)
        self._clock = clock
        self._metrics = metrics
        self._holding = Holding(clock)
        self._replayer = Replayer(
            units=self._events.unit,
            is_awake=self._events.is_awake,
            holding=self._holding,
            committed=self._relay.wake,
            metrics=self._metrics,
        )
        self._loop = self._consumer(settings)
        learned = LearnedReader(accounts)
        self._learned = ConsumerLoop(
            settings.bootstrap,
            None,
            [IDENTITIES_TOPIC],
            learned.handle,
            clock=clock,
            position=learned.position,
            from_start=False,
            client_id="truenorth-ingest-learned",
        )

    def parts(self) -> list[Part]:
        """Return the parts in the order in which they start."""
        loops = [
            Part.of("learned accounts", self._learned),
            Part.of("outbox relay", self._relay),
            Part.of("replayer", self._replayer),
            Part.of("housekeeper", self._housekeeper()),
            Part.of("consumer", self._loop),
        ]
        return [
            Part("worker database", stop=self._engine.dispose),
            *(apart(loop, self._metrics.halted) for loop in loops),
        ]

    def _wake(self) -> None:
        self._relay.wake()
        self._replayer.wake()

    def _behind(self) -> tuple[int | None, int]:
        return self._relay.oldest_ms, self._loop.progress.lag_records

    async def _forget(self, now_ms: int) -> None:
        await self._events.forget_erasures(now_ms=now_ms)

    def _housekeeper(self) -> Housekeeper:
        return Housekeeper(
            units=self._events.unit,
            waiting=self._events.waiting,
            forget=self._forget,
            behind=self._behind,
            metrics=self._metrics,
            clock=self._clock,
        )

    def _consumer(self, settings: Settings) -> ConsumerLoop:
        reader = BatchReader(
            units=self._events.unit,
            holding=self._holding,
            committed=self._wake,
            metrics=self._metrics,
            clock=self._clock,
        )
        first = ErasuresFirst(reader.handle, carry_out=reader.erase, bootstrap=settings.bootstrap, clock=self._clock)
        return ConsumerLoop(
            settings.bootstrap,
            CONSUMER,
            full_names(),
            first.handle,
            position=self._events.position,
            from_start=True,
            batch_records_max=BATCH_RECORDS_MAX,
            clock=self._clock,
            client_id=CONSUMER,
        )
