"""Builds the whole service from its settings."""

import asyncio
from pathlib import Path
from typing import Final

from truenorth import topics
from truenorth.clock import Clock, SystemClock
from truenorth.definitions.live import LiveDefinitions
from truenorth.ids import random_id
from truenorth.kafka.consumer import ConsumerLoop
from truenorth.kafka.erasures_first import ErasuresFirst
from truenorth.kafka.producer import LanesProducer
from truenorth.lifecycle import Part, run_service
from truenorth.postgres.engine import make_engine
from truenorth.postgres.migrations import migrate, wait_until_current
from truenorth.postgres.outbox import OutboxRelay
from truenorth.telemetry import TelemetryServer, make_registry

from truenorth_playbooks.adapters.store import PostgresStore
from truenorth_playbooks.adapters.tables import OUTBOX, SCHEMA
from truenorth_playbooks.handlers.overdue import OverdueLoop
from truenorth_playbooks.handlers.react import Reactor
from truenorth_playbooks.metrics import Metrics
from truenorth_playbooks.settings import Settings

MIGRATIONS: Final = Path(__file__).parent / "adapters" / "migrations"
DATABASE_SILENT_S_MAX: Final = 15.0
OUTBOX_AGE_S_MAX: Final = 60.0
GROUP: Final = "truenorth-playbooks"
TOPICS: Final = ("erasures", "health-changes", "milestones", "actions")


class App:
    """One playbooks process. `run` starts its parts in order and returns the exit code."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        registry = make_registry()
        metrics = Metrics(registry)
        self.engine = make_engine(settings.database_url, schema=SCHEMA)
        self.producer = LanesProducer(settings.bootstrap, clock=self._clock, client_id="truenorth-playbooks")
        self.definitions = LiveDefinitions(settings.bootstrap, self._clock)
        self.relay = OutboxRelay(self.engine, OUTBOX, self.producer.send_many, schema=SCHEMA, clock=self._clock)
        store = PostgresStore(self.engine, worker=random_id())
        reactor = Reactor(
            store,
            current=lambda: self.definitions.current,
            wake=self.relay.wake,
            clock=self._clock,
            metrics=metrics,
        )
        first = ErasuresFirst(reactor.handle, carry_out=reactor.erase, bootstrap=settings.bootstrap, clock=self._clock)
        self.consumer = ConsumerLoop(
            settings.bootstrap,
            GROUP,
            [topics.full_name(name) for name in TOPICS],
            first.handle,
            clock=self._clock,
            position=store.places,
            from_start=True,
            client_id="truenorth-playbooks",
        )
        self.overdue = OverdueLoop(store, wake=self.relay.wake, clock=self._clock, metrics=metrics)
        self.telemetry = TelemetryServer(
            settings.host, settings.telemetry_port, live=self.live, ready=self.ready, registry=registry
        )
        self._caught_up_once = False
        metrics.watch(
            lag=lambda: float(self.consumer.progress.lag_records),
            sent=lambda: float(self.relay.sent),
            waiting_s=self._oldest_unsent_s,
        )

    async def run(self, stopping: asyncio.Event | None = None) -> int:
        """Run until SIGTERM, SIGINT or ``stopping``."""
        try:
            return await run_service(
                Part.of("telemetry", self.telemetry),
                Part("database schema", start=self._require_schema),
                Part.of("producer", self.producer),
                Part.of("definitions", self.definitions),
                Part.of("outbox relay", self.relay),
                Part.of("consumer", self.consumer, stop_within_s=20),
                Part.of("timers", self.overdue),
                stopping=stopping,
            )
        finally:
            await self.engine.dispose()

    def live(self) -> str | None:
        """Say what is stuck and may be helped by a restart; waiting for the database or definitions is not."""
        if self.definitions.failure is not None:
            return self.definitions.failure
        stuck_s = self.consumer.progress.stuck_for_s
        if stuck_s > self._settings.stuck_s_max and self._missing() is None:
            return f"no record applied for {stuck_s:.0f} s although there are {self.consumer.progress.lag_records}"
        return None

    def ready(self) -> str | None:
        """Say what is still missing before crossings have their effect at once."""
        missing = self._missing()
        if missing is None and not self._caught_up_once:
            if not self.consumer.progress.caught_up:
                return f"reading what came before; {self.consumer.progress.lag_records} records to go"
            self._caught_up_once = True
        if missing is None and self._oldest_unsent_s() > OUTBOX_AGE_S_MAX:
            return "the outbox has waited for the broker for more than a minute"
        return missing

    def _missing(self) -> str | None:
        if self.definitions.current is None:
            return "no definitions are in force; run truenorth apply"
        silent_s = self._clock.monotonic() - self.overdue.looked_at
        return f"the database has not answered for {silent_s:.0f} s" if silent_s > DATABASE_SILENT_S_MAX else None

    async def _require_schema(self) -> None:
        command = "python -m truenorth_playbooks migrate"
        await wait_until_current(self.engine, SCHEMA, MIGRATIONS, command=command, clock=self._clock)

    def _oldest_unsent_s(self) -> float:
        oldest_ms = self.relay.oldest_ms
        return 0.0 if oldest_ms is None else max(0.0, (self._clock.now_ms() - oldest_ms) / 1000)


async def run_migrations(database_url: str) -> str:
    """Bring the schema up to date and return its revision."""
    return await migrate(database_url, SCHEMA, MIGRATIONS)
