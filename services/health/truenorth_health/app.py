"""Builds the whole service from its settings."""

import asyncio
import logging
from functools import partial
from typing import Final

from truenorth import topics
from truenorth.clock import Clock, SystemClock
from truenorth.definitions.live import LiveDefinitions
from truenorth.definitions.model import Bundle
from truenorth.errors import TransientError
from truenorth.kafka.consumer import ConsumerLoop
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.newest import silent_topics
from truenorth.kafka.producer import LanesProducer
from truenorth.lifecycle import Part, run_service
from truenorth.streams.engine import Engine
from truenorth.streams.settings import EngineSettings
from truenorth.telemetry import TelemetryServer, make_registry

from truenorth_health.adapters.cohorts import CohortTotals, CohortWalker
from truenorth_health.adapters.history import HistoryRebuilder
from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.adapters.silence import SourceSilence
from truenorth_health.domain.state import AccountState
from truenorth_health.metrics import EngineMetrics, Metrics
from truenorth_health.settings import Settings
from truenorth_health.worker import build_app, watch_frame

HISTORY_GROUP_SUFFIX: Final = "-history"
TOPICS_WAIT_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


class App:
    """One health worker. `run` starts its parts in order and returns the exit code."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        registry = make_registry()
        self.metrics = Metrics(registry)
        self.definitions = LiveDefinitions(settings.bootstrap, self._clock, on_change=self._definitions_changed)
        self.compiled = compiled = CompiledDefinitions(lambda: self.definitions.current, self.definitions.older)
        self.silence = SourceSilence(
            partial(silent_topics, settings.bootstrap),
            lambda: self.definitions.current,
            clock=self._clock,
            every_s=settings.silence_check_s,
            on_change=self._silence_changed,
        )
        self._log = KafkaLog(settings.bootstrap, client_id="truenorth-health")
        self.engine: Engine[AccountState] = Engine(
            self._log,
            AccountProcessor(compiled, self.silence),
            group=settings.group,
            clock=self._clock,
            settings=EngineSettings(
                flush_after_s=settings.flush_after_ms / 1000,
                queued_events_max=settings.queued_events_max,
                dead_letters_in_row_max=settings.dead_letters_in_row_max,
                seen_bytes_max=settings.seen_bytes_max,
                stuck_s_max=settings.stuck_s_max,
                group_instance_id=settings.group_instance_id or None,
            ),
            hooks=EngineMetrics(self.metrics),
        )
        self.producer = LanesProducer(settings.bootstrap, clock=self._clock, client_id="truenorth-health-history")
        self.history = HistoryRebuilder(settings.bootstrap, compiled, self.producer, self._clock)
        self.cohorts = CohortWalker(self.engine, compiled, self.producer, self._clock)
        self.cohort_totals = CohortTotals(settings.bootstrap, self.producer, self._clock)
        self.requests = ConsumerLoop(
            settings.bootstrap,
            settings.group + HISTORY_GROUP_SUFFIX,
            [topics.full_name("backfills")],
            self.history.handle,
            clock=self._clock,
            client_id="truenorth-health-history",
        )
        self.telemetry = TelemetryServer(
            settings.host, settings.telemetry_port, live=self.live, ready=self.ready, registry=registry
        )
        self._caught_up_once = False

    async def run(self, stopping: asyncio.Event | None = None) -> int:
        """Run until SIGTERM, SIGINT or ``stopping``."""
        frame = build_app(
            self._settings,
            self.engine,
            count_dead_letter=self.metrics.count_dead_letter,
            observe=self.observe,
            tick_silence=self.silence.tick,
            hear_cohorts=self.cohort_totals.hear,
        )
        return await run_service(
            Part.of("telemetry", self.telemetry),
            Part.of("definitions", self.definitions),
            Part("topics", start=self._wait_for_topics, start_within_s=3_600),
            Part("silence", start=self.silence.look),
            Part(
                "frame",
                start=frame.start,
                run=lambda: watch_frame(frame),
                stop=frame.stop,
                start_within_s=300,
                stop_within_s=15,
            ),
            Part.of("producer", self.producer),
            Part.of("history", self.requests),
            Part.of("cohorts", self.cohorts),
            stopping=stopping,
        )

    async def _wait_for_topics(self) -> None:
        """Wait for the broker and the topics: faust's own start gives up at once."""
        wanted = [
            topics.full_name(name)
            for name in (*topics.HEALTH_SOURCES, "health-changelog", "dead-letters", "cohort-counts")
        ]
        while True:
            try:
                counts = await self._log.partition_counts(wanted)
                if all(counts.get(name) for name in wanted):
                    return
                log.warning("topics are not there yet", extra={"missing": [n for n in wanted if not counts.get(n)]})
            except TransientError as error:
                log.warning("the broker is awaited", extra={"reason": str(error)})
            await self._clock.sleep(TOPICS_WAIT_SECONDS)

    def live(self) -> str | None:
        """Say what is stuck: a restart may help then. A broker that is away is no reason for one."""
        if self.definitions.failure is not None:
            return self.definitions.failure
        for name, progress in (("events", self.engine.progress), ("history requests", self.requests.progress)):
            if progress.stuck_for_s > 2 * self._settings.stuck_s_max:
                return f"no step in the {name} for {progress.stuck_for_s:.0f} s although there are some"
        return None

    def ready(self) -> str | None:
        """Say what is still missing before events move scores at once."""
        if self.compiled.get() is None:
            return self.compiled.refused or "no definitions are in force; run truenorth apply"
        if not self._caught_up_once and not self.silence.known:
            return "the broker has not yet said which sources are silent"
        if not self.engine.owned and not self.engine.opening:
            return None if self._caught_up_once else "waiting for partitions"
        if not self._caught_up_once:
            for number, reason in self.engine.refused.items():
                return f"partition {number} cannot be opened: {reason}"
            if not self.engine.caught_up:
                return (
                    f"{len(self.engine.opening)} partitions to open, {self.engine.progress.lag_records} records to go"
                )
            self._caught_up_once = True
        return None

    def observe(self) -> None:
        """Copy the engine's state into the gauges."""
        self.metrics.partitions_owned.set(len(self.engine.owned))
        self.metrics.partitions_waiting.set(len(self.engine.opening))
        figures = self.engine.figures
        self.metrics.accounts.set(figures.accounts)
        self.metrics.state_bytes.set(figures.state_bytes)
        self.metrics.seen_bytes.set(figures.seen_bytes)
        self.metrics.waiting_events.set(figures.waiting_events)
        self.metrics.dirty_accounts.set(figures.dirty_accounts)
        self.metrics.lag_seconds.set(figures.lag_s)
        self.metrics.lag_records.set(self.engine.progress.lag_records)
        self.metrics.stuck_seconds.set(self.engine.progress.stuck_for_s)
        self.metrics.days_rebuilt.set(self.history.days_count)
        self.metrics.cohort_pass_seconds.set(self.cohorts.pass_seconds)
        self.metrics.cohorts_told.set(self.cohort_totals.told_count)
        self.metrics.show_silence(self.silence.seconds())
        self.metrics.definitions_refused.set(self.compiled.refused is not None)

    def _definitions_changed(self, bundle: Bundle) -> None:
        self.engine.request_decision(self.silence.reason(bundle.hash))

    def _silence_changed(self) -> None:
        if (bundle := self.definitions.current) is not None:
            self.engine.request_decision(self.silence.reason(bundle.hash))
