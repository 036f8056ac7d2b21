"""Every metric of health, declared once with meaning, unit and labels."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The metrics of one process, on its registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.partitions_owned = Gauge(
            "truenorth_health_partitions_owned", "Partitions this worker has open.", registry=registry
        )
        self.lag_records = Gauge(
            "truenorth_health_lag_records", "Records on owned partitions not yet folded.", registry=registry
        )
        self.stuck_seconds = Gauge(
            "truenorth_health_stuck_seconds", "How long no progress was made although there is lag.", registry=registry
        )
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
            "truenorth_health_dead_letters_total", "Input records parked, by reason code.", ["code"], registry=registry
        )
        self.dead_letters_seen = Counter(
            "truenorth_dead_letters_seen_total",
            "Dead letters of all readers, by owner and reason code.",
            ["owner", "code"],
            registry=registry,
        )
        self.restore_seconds = Gauge(
            "truenorth_health_restore_seconds", "Seconds the last partition took to open.", registry=registry
        )
        self.days_rebuilt = Counter(
            "truenorth_health_days_rebuilt_total", "Days reconstructed from loaded history.", registry=registry
        )
