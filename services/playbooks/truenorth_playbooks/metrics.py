"""The metrics of playbooks. Their names and labels are a promise; docs name each of them."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """Counts what happened, on its own registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._records = Counter(
            "truenorth_playbooks_records_total", "Records applied, by topic.", ["topic"], registry=registry
        )
        self._happened = Counter(
            "truenorth_playbooks_happened_total",
            "What happened: runs, tasks, alerts, crossings that opened nothing (silent_*), actions ignored.",
            ["what", "subject"],
            registry=registry,
        )
        self._parked = Counter(
            "truenorth_playbooks_dead_letters_total", "Records parked as dead letters.", registry=registry
        )
        self._said = Counter("truenorth_playbooks_events_said_total", "Events put into the outbox.", registry=registry)
        self._batch = Histogram(
            "truenorth_playbooks_batch_seconds",
            "One batch, from records to commit.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._delay = Histogram(
            "truenorth_playbooks_crossing_delay_seconds",
            "From the decision of a crossing to the commit of what it opened or ended.",
            buckets=(*_SECONDS, 10.0, 60.0),
            registry=registry,
        )
        self._erasures = Histogram(
            "truenorth_playbooks_erasure_seconds",
            "From a request to forget to the commit that carried it out, by kind (actor, contact, account).",
            ["kind"],
            buckets=(*_SECONDS, 60.0, 3600.0),
            registry=registry,
        )
        self._registry = registry

    def records(self, topic: str, count: int) -> None:
        """Count applied records of a topic."""
        self._records.labels(topic).inc(count)

    def happened(self, noted: Iterable[tuple[str, str]]) -> None:
        """Count what the domain noted: (what, playbook or reason)."""
        for what, subject in noted:
            self._happened.labels(what, subject).inc()

    def parked(self) -> None:
        """Count a dead letter."""
        self._parked.inc()

    def batch(self, seconds: float, said: int) -> None:
        """Observe one committed batch and the events it said."""
        self._batch.observe(seconds)
        self._said.inc(said)

    def crossing_delay(self, seconds: float) -> None:
        """Observe how long after its decision a crossing had its effect."""
        self._delay.observe(max(0.0, seconds))

    def erased(self, kind: str, seconds: float) -> None:
        """Observe how long after its request an erasure was carried out."""
        self._erasures.labels(kind).observe(max(0.0, seconds))

    def watch(self, *, lag: Callable[[], float], sent: Callable[[], float], waiting_s: Callable[[], float]) -> None:
        """Show the consumer's lag, the relay's count and the age of its oldest unsent row, read when asked."""
        for name, doc, read in (
            ("truenorth_playbooks_lag_records", "Records not yet applied.", lag),
            ("truenorth_playbooks_outbox_sent_records", "Outbox rows acknowledged by the broker so far.", sent),
            ("truenorth_playbooks_outbox_oldest_seconds", "Age of the oldest unsent outbox row.", waiting_s),
        ):
            Gauge(name, doc, registry=self._registry).set_function(read)
