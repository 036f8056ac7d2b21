"""Builds the console from its settings; the one place where its parts meet."""

from pathlib import Path
from typing import Final

from truenorth import ids, topics
from truenorth.clock import Clock, SystemClock
from truenorth.definitions.live import LiveDefinitions
from truenorth.ids import IdSource
from truenorth.kafka.consumer import ConsumerLoop
from truenorth.kafka.producer import LanesProducer
from truenorth.lifecycle import Part
from truenorth.postgres.engine import make_engine
from truenorth.postgres.migrations import wait_until_current
from truenorth.postgres.outbox import OutboxRelay
from truenorth.telemetry import HttpServer, TelemetryServer, make_registry

from truenorth_console.adapters.postgres import Database
from truenorth_console.adapters.tables import OUTBOX, SCHEMA
from truenorth_console.api import make_api
from truenorth_console.api.live import Hub
from truenorth_console.api.web import Web
from truenorth_console.domain.people import Names
from truenorth_console.metrics import Metrics
from truenorth_console.settings import Settings, require_loopback
from truenorth_console.worker import BATCH_RECORDS_MAX, READS, BatchReader, ErasureWatch

MIGRATIONS: Final = Path(__file__).parent / "migrations"
STALE_S: Final = 10.0
DRAIN_S: Final = 3
OUTBOX_AGE_MS_MAX: Final = 60_000


class App:
    """The parts of one console process, in the order in which they start."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, id_source: IdSource = ids.random_id) -> None:
        require_loopback(settings.host)
        self._clock = clock or SystemClock()
        self._stuck_s_max = settings.stuck_s_max
        self._engine = make_engine(settings.database_url, schema=SCHEMA)
        database = Database(self._engine)
        self._definitions = LiveDefinitions(settings.bootstrap, self._clock)
        self._producer = LanesProducer(settings.bootstrap, clock=self._clock, client_id="console")
        self._relay = OutboxRelay(self._engine, OUTBOX, self._producer.send_many, schema=SCHEMA, clock=self._clock)
        registry = make_registry()
        metrics = Metrics(registry)
        self._hub = Hub(self._clock, opened=metrics.streams)
        reader = BatchReader(units=database.projection, committed=self._hub.publish, metrics=metrics, clock=self._clock)
        self._loop = ConsumerLoop(
            settings.bootstrap,
            None,  # every process reads everything: its own open pages must hear of it; the places say what is new
            [topics.full_name(name) for name in READS],
            reader.handle,
            position=database.position,
            from_start=True,
            batch_records_max=BATCH_RECORDS_MAX,
            clock=self._clock,
            client_id="console",
        )
        self._watch = ErasureWatch(
            oldest_waiting_ms=database.oldest_waiting_ms,
            forget=database.forget_old,
            metrics=metrics,
            clock=self._clock,
        )
        web = Web(
            database,
            self._hub,
            names=self._names,
            stale=self.stale,
            wake=self._relay.wake,
            acted=lambda event_type, seen: metrics.action(event_type, seen=seen),
            clock=self._clock,
            id_source=id_source,
            secret=ids.random_secret,
            ingest_url=settings.ingest_url,
        )
        self.server = HttpServer(
            make_api(web, metrics=metrics, clock=self._clock), settings.host, settings.port, drain_within_s=DRAIN_S
        )
        self.telemetry = TelemetryServer(
            settings.host, settings.telemetry_port, live=self.trouble, ready=self.not_ready, registry=registry
        )

    def parts(self) -> list[Part]:
        """Return what `truenorth.lifecycle.run_service` is to run."""
        return [
            Part.of("telemetry", self.telemetry),
            Part("database", start=self._require_schema, stop=self._engine.dispose),
            Part.of("definitions", self._definitions),
            Part.of("producer", self._producer),
            Part.of("outbox relay", self._relay),
            Part.of("projection", self._loop),
            Part.of("erasure watch", self._watch),
            Part("pages", start=self.server.start, run=self.server.run, stop=self._stop_pages),
        ]

    def trouble(self) -> str | None:
        """Return why this process should be started anew, or None."""
        progress = self._loop.progress
        if progress.stuck_for_s > self._stuck_s_max:
            return (
                f"reading has been stuck for {progress.stuck_for_s:.0f} s with {progress.lag_records} records to read"
            )
        return self._definitions.failure

    def not_ready(self) -> str | None:
        """Return why the pages do not show the present, or None."""
        if not self._loop.progress.caught_up:
            return "still reading what lay in the topics at the start"
        oldest_ms = self._relay.oldest_ms
        if oldest_ms is not None and self._clock.now_ms() - oldest_ms > OUTBOX_AGE_MS_MAX:
            return "the outbox has waited for the broker for more than a minute"
        return self.trouble()

    def stale(self) -> str | None:
        """Return what the pages say while they lag behind the topics, or None."""
        progress = self._loop.progress
        if not progress.caught_up:
            return "Still catching up with what happened: these numbers may be old."
        if progress.stuck_for_s > STALE_S:
            return f"Nothing new could be read for {progress.stuck_for_s:.0f} s: these numbers may be old."
        return None

    def _names(self) -> Names:
        bundle = self._definitions.current
        return Names.of(None if bundle is None else bundle.definitions)

    async def _require_schema(self) -> None:
        command = "python -m truenorth_console migrate"
        await wait_until_current(self._engine, SCHEMA, MIGRATIONS, command=command, clock=self._clock)

    async def _stop_pages(self) -> None:
        self._hub.close()  # open streams would hold up the server
        await self.server.stop()
