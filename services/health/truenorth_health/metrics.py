"""Every metric of health, declared once with meaning, unit and labels."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from truenorth.streams.hooks import Flushed, Stage


class Metrics:
    """The metrics of one process, on its registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._measure_progress(registry)
        self._measure_work(registry)
        self._measure_soundness(registry)

    def _measure_progress(self, registry: CollectorRegistry) -> None:
        """Is it keeping up?"""
        self.partitions_owned = Gauge(
            "truenorth_health_partitions_owned", "Partitions this worker has open.", registry=registry
        )
        self.partitions_waiting = Gauge(
            "truenorth_health_partitions_waiting",
            "Partitions that belong to this worker and are not open yet.",
            registry=registry,
        )
        self.lag_records = Gauge(
            "truenorth_health_lag_records", "Records on owned partitions not yet folded.", registry=registry
        )
        self.lag_seconds = Gauge(
            "truenorth_health_lag_seconds",
            "Age of the moment up to which everything has been read; decisions are made as of then.",
            registry=registry,
        )
        self.stuck_seconds = Gauge(
            "truenorth_health_stuck_seconds", "How long no progress was made although there is lag.", registry=registry
        )
        self.source_silent_seconds = Gauge(
            "truenorth_health_source_silent_seconds",
            "How long a source that the definitions watch has been silent for everybody; 0 while it is not.",
            ["source"],
            registry=registry,
        )
        self.definitions_refused = Gauge(
            "truenorth_health_definitions_refused",
            "1 while the definitions in force are of no use to this program, which goes on with those before them.",
            registry=registry,
        )
        self.waiting_events = Gauge(
            "truenorth_health_waiting_events", "Events decoded and waiting for the next flush.", registry=registry
        )
        self.dirty_accounts = Gauge(
            "truenorth_health_dirty_accounts", "Accounts with events that wait for the next flush.", registry=registry
        )
        self.records_polled = Counter(
            "truenorth_health_records_polled_total", "Records taken in from the sources.", registry=registry
        )
        self.restored_records = Counter(
            "truenorth_health_restored_records_total",
            "Changelog records read while opening partitions.",
            registry=registry,
        )
        self.restore_seconds = Gauge(
            "truenorth_health_restore_seconds", "Seconds the last partition took to open.", registry=registry
        )
        self.days_rebuilt = Gauge(
            "truenorth_health_days_rebuilt",
            "Days reconstructed from loaded history since the start.",
            registry=registry,
        )

    def _measure_work(self, registry: CollectorRegistry) -> None:
        """Where does the time go?"""
        self.events_folded = Counter(
            "truenorth_health_events_folded_total", "Events folded into account state.", registry=registry
        )
        self.accounts_decided = Counter(
            "truenorth_health_accounts_decided_total", "Accounts decided, with or without a change.", registry=registry
        )
        self.outputs = Counter(
            "truenorth_health_outputs_total", "Records published in committed transactions.", registry=registry
        )
        self.flush_seconds = Histogram(
            "truenorth_health_flush_seconds",
            "Seconds from the cut of a flush to its commit.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self.flush_records = Histogram(
            "truenorth_health_flush_records",
            "Changelog records and outputs in one flush.",
            buckets=(1, 10, 100, 500, 1_000, 5_000, 10_000, 50_000),
            registry=registry,
        )
        self.stage_seconds = Counter(
            "truenorth_health_stage_seconds_total",
            "Where the worker's time went; poll, idle and commit are waits, in which other stages may run.",
            ["stage"],
            registry=registry,
        )

        self.cohort_pass_seconds = Gauge(
            "truenorth_health_cohort_pass_seconds",
            "Seconds the last walk over all accounts took to count their cohorts, rests included.",
            registry=registry,
        )
        self.cohorts_told = Gauge(
            "truenorth_health_cohorts_told",
            "Cohort totals published since the start; only the worker that sums them has any.",
            registry=registry,
        )

    def _measure_soundness(self, registry: CollectorRegistry) -> None:
        """Is it right, and how big is it?"""
        self.reopened = Counter(
            "truenorth_health_partitions_reopened_total",
            "Partitions dropped after an error or an unanswered commit.",
            registry=registry,
        )
        self.refolds = Counter(
            "truenorth_health_refolds_total",
            "Events met again below their folded offset; must stay 0.",
            registry=registry,
        )
        self.dead_letters = Counter(
            "truenorth_health_dead_letters_total", "Input records parked, by topic.", ["topic"], registry=registry
        )
        self.dead_letters_seen = Counter(
            "truenorth_dead_letters_seen_total",
            "Dead letters of all readers, by who parked them.",
            ["reader"],
            registry=registry,
        )
        self.duplicates = Counter(
            "truenorth_health_sender_duplicates_total",
            "Events dropped because their sender had sent them before.",
            registry=registry,
        )
        self.seen_left_early = Counter(
            "truenorth_health_seen_ids_left_early_total",
            "Ids of events forgotten before their time because the memory for them was used up.",
            registry=registry,
        )
        self.seen_bytes = Gauge(
            "truenorth_health_seen_ids_bytes", "Memory used for the ids of recent events.", registry=registry
        )
        self.state_bytes = Gauge(
            "truenorth_health_state_bytes", "Encoded state of all accounts of the open partitions.", registry=registry
        )
        self.accounts = Gauge("truenorth_health_accounts", "Accounts in the open partitions.", registry=registry)

    def show_silence(self, seconds: Mapping[str, float]) -> None:
        """Show how long each watched source has been silent, and no other source."""
        self.source_silent_seconds.clear()
        for source, silent_s in seconds.items():
            self.source_silent_seconds.labels(source=source).set(silent_s)

    def count_dead_letter(self, reader: str) -> None:
        """Count a dead letter of any reader."""
        self.dead_letters_seen.labels(reader=reader).inc()


class EngineMetrics:
    """The engine's hooks, told to Prometheus; see `truenorth.streams.hooks.EngineHooks`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def polled(self, records: int) -> None:
        """Count records taken in."""
        self._metrics.records_polled.inc(records)

    def dead_letter(self, topic: str) -> None:
        """Count a parked record."""
        self._metrics.dead_letters.labels(topic=topic).inc()

    def refolded(self, count: int) -> None:
        """Count events that were folded already."""
        self._metrics.refolds.inc(count)

    def flushed(self, flush: Flushed) -> None:
        """Count a committed flush."""
        self._metrics.accounts_decided.inc(flush.accounts)
        self._metrics.events_folded.inc(flush.events)
        self._metrics.duplicates.inc(flush.duplicates)
        self._metrics.outputs.inc(flush.outputs)
        self._metrics.flush_records.observe(flush.records + flush.outputs)
        self._metrics.flush_seconds.observe(flush.seconds)

    def left_early(self, count: int) -> None:
        """Count ids that were forgotten before their time."""
        self._metrics.seen_left_early.inc(count)

    def spent(self, stage: Stage, seconds: float) -> None:
        """Add to the time split."""
        self._metrics.stage_seconds.labels(stage=stage).inc(seconds)

    def restoring(self, records: int) -> None:
        """Count changelog records as they are read."""
        self._metrics.restored_records.inc(records)

    def restored(self, partition: int, records: int, seconds: float) -> None:
        """Note how long a partition took to open."""
        del partition, records
        self._metrics.restore_seconds.set(seconds)

    def dropped(self, partition: int, reason: str) -> None:
        """Count a dropped partition; the engine has logged the reason."""
        del partition, reason
        self._metrics.reopened.inc()
