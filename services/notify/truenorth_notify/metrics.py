"""What notify counts. Every metric is in docs/operations/metrics.md."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800)


class Metrics:
    """The counters of one process; see `truenorth_notify.ports.Tally`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._alerts = Counter(
            "truenorth_notify_alerts_total", "Alerts read, by what became of them.", ["result"], registry=registry
        )
        self._deliveries = Counter(
            "truenorth_notify_deliveries_total",
            "Deliveries that reached a status; a reason is named for not_sent.",
            ["channel", "status", "reason"],
            registry=registry,
        )
        self._attempts = Counter(
            "truenorth_notify_attempts_total", "Tries, by outcome.", ["channel", "outcome"], registry=registry
        )
        self._attempt_seconds = Histogram(
            "truenorth_notify_attempt_seconds", "How long a try took.", ["channel"], registry=registry, buckets=SECONDS
        )
        self._handed_over_seconds = Histogram(
            "truenorth_notify_handed_over_seconds",
            "From the decision to the hand-over to the channel.",
            ["channel"],
            registry=registry,
            buckets=SECONDS,
        )
        self._repeats = Counter(
            "truenorth_notify_possible_repeats_total",
            "Tries after one that never reported back: the receiver may see the same id twice.",
            ["channel"],
            registry=registry,
        )
        self._leases_lost = Counter(
            "truenorth_notify_leases_lost_total", "Tries that outlived their lease.", ["channel"], registry=registry
        )
        self._actions = Counter(
            "truenorth_notify_actions_total",
            "What people did about alerts, by whether it changed a feed entry.",
            ["kind", "result"],
            registry=registry,
        )
        self._dead_letters = Counter(
            "truenorth_notify_dead_letters_total", "Records parked as unreadable.", ["topic"], registry=registry
        )
        self._erasures = Histogram(
            "truenorth_notify_erasure_seconds",
            "From a request to forget to the commit that carried it out, by kind (actor, contact, account).",
            ["kind"],
            registry=registry,
            buckets=(*SECONDS, 86_400),
        )
        self._pending = Gauge(
            "truenorth_notify_pending_deliveries", "Deliveries waiting for a try.", ["channel"], registry=registry
        )
        self._overdue_seconds = Gauge(
            "truenorth_notify_overdue_seconds",
            "How long the longest waiting delivery has been due.",
            ["channel"],
            registry=registry,
        )
        self._outbox_oldest_seconds = Gauge(
            "truenorth_notify_outbox_oldest_seconds", "Age of the oldest unsent outbox row.", registry=registry
        )
        self._lag_records = Gauge("truenorth_notify_lag_records", "Records not yet read.", registry=registry)

    def alert(self, result: str) -> None:
        """See `Tally.alert`."""
        self._alerts.labels(result).inc()

    def delivery(self, channel: str, status: str, reason: str) -> None:
        """See `Tally.delivery`."""
        self._deliveries.labels(channel, status, reason).inc()

    def attempt(self, channel: str, outcome: str, *, took_s: float) -> None:
        """See `Tally.attempt`."""
        self._attempts.labels(channel, outcome).inc()
        self._attempt_seconds.labels(channel).observe(took_s)

    def handed_over(self, channel: str, *, after_s: float) -> None:
        """See `Tally.handed_over`."""
        self._handed_over_seconds.labels(channel).observe(max(0.0, after_s))

    def repeat(self, channel: str) -> None:
        """See `Tally.repeat`."""
        self._repeats.labels(channel).inc()

    def lease_lost(self, channel: str) -> None:
        """See `Tally.lease_lost`."""
        self._leases_lost.labels(channel).inc()

    def action(self, kind: str, result: str) -> None:
        """See `Tally.action`."""
        self._actions.labels(kind, result).inc()

    def dead_letter(self, topic: str) -> None:
        """Count a record that was parked."""
        self._dead_letters.labels(topic).inc()

    def erased(self, kind: str, seconds: float) -> None:
        """Observe how long after its request an erasure was carried out."""
        self._erasures.labels(kind).observe(max(0.0, seconds))

    def queue(self, channel: str, *, pending: int, overdue_s: float) -> None:
        """Note how many deliveries of a channel wait, and how long the first of them has been due."""
        self._pending.labels(channel).set(pending)
        self._overdue_seconds.labels(channel).set(max(0.0, overdue_s))

    def streams(self, *, outbox_oldest_s: float, lag_records: int) -> None:
        """Note how far behind the two ends are."""
        self._outbox_oldest_seconds.set(max(0.0, outbox_oldest_s))
        self._lag_records.set(lag_records)
