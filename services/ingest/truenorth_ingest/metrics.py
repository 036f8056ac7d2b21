"""What the edge counts."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class IngestMetrics:
    """The metrics of this service, on a registry of its own; see `truenorth_ingest.ports.Meter`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._accepted = Counter(
            "truenorth_ingest_events_accepted", "Events that the broker acknowledged.", registry=registry
        )
        self._refused = Counter(
            "truenorth_ingest_events_refused", "Events refused, by code.", ["code"], registry=registry
        )
        self._repaired = Counter(
            "truenorth_ingest_bodies_repaired", "Bodies that were JSON only by leniency.", registry=registry
        )
        self._unresolved = Counter(
            "truenorth_ingest_events_unresolved",
            "Accepted events that wait for their account, by reason.",
            ["reason"],
            registry=registry,
        )
        self._quarantine_failed = Counter(
            "truenorth_ingest_quarantine_failed", "Refused events not quarantined.", registry=registry
        )
        self._webhooks = Counter(
            "truenorth_ingest_webhooks",
            "Webhooks by connector and outcome: taken, repeated (a delivery taken before), refused (wrongly signed).",
            ["connector", "outcome"],
            registry=registry,
        )
        self._silent = Gauge(
            "truenorth_ingest_connector_silent_seconds",
            "For how long a connector has been quiet, once that is longer than it should be; 0 while all is well.",
            ["connector"],
            registry=registry,
        )
        self._answers = Histogram(
            "truenorth_ingest_answer_seconds",
            "Time to answer a request, by code (ok, or a problem's code).",
            ["code"],
            buckets=_BUCKETS_SECONDS,
            registry=registry,
        )
        self._waiting = Gauge(
            "truenorth_ingest_waiting_bytes", "Bytes of request bodies being handled.", registry=registry
        )
        self._client_retries = Counter(
            "truenorth_ingest_client_retries", "Requests that an SDK says it repeats.", registry=registry
        )
        self._ok = self._answers.labels("ok")

    def accepted(self, count: int) -> None:
        """See `Meter.accepted`."""
        self._accepted.inc(count)

    def refused(self, code: str) -> None:
        """See `Meter.refused`."""
        self._refused.labels(code).inc()

    def repaired(self) -> None:
        """See `Meter.repaired`."""
        self._repaired.inc()

    def unresolved(self, reason: str) -> None:
        """See `Meter.unresolved`."""
        self._unresolved.labels(reason).inc()

    def webhook(self, connector: str, outcome: str) -> None:
        """See `Meter.webhook`."""
        self._webhooks.labels(connector, outcome).inc()

    def connector_silent(self, connector: str, seconds: float) -> None:
        """See `Meter.connector_silent`."""
        self._silent.labels(connector).set(seconds)

    def quarantine_failed(self, count: int) -> None:
        """See `Meter.quarantine_failed`."""
        self._quarantine_failed.inc(count)

    def answered(self, code: str, seconds: float) -> None:
        """See `Meter.answered`."""
        (self._ok if code == "ok" else self._answers.labels(code)).observe(seconds)

    def client_retry(self) -> None:
        """See `Meter.client_retry`."""
        self._client_retries.inc()

    def waiting(self, body_bytes: int) -> None:
        """See `Meter.waiting`."""
        self._waiting.set(body_bytes)


class WorkerMetrics:
    """What the loops beside the door count: events that wait for their account, and erasures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._held = Gauge(
            "truenorth_ingest_held_events",
            "Events that wait for their account, by reason; every process tells the same.",
            ["reason"],
            registry=registry,
        )
        self._held_oldest = Gauge(
            "truenorth_ingest_held_oldest_seconds",
            "Age of the event that has waited longest for its account, by reason.",
            ["reason"],
            registry=registry,
        )
        self._replayed = Counter(
            "truenorth_ingest_events_replayed", "Events that waited and found their account.", registry=registry
        )
        self._expired = Counter(
            "truenorth_ingest_events_expired",
            "Events that waited for their account for seven days and are gone, by reason.",
            ["reason"],
            registry=registry,
        )
        self._held_erased = Counter(
            "truenorth_ingest_held_events_erased",
            "Events that waited for their account and belonged to what was erased.",
            registry=registry,
        )
        self._erasures = Histogram(
            "truenorth_ingest_erasure_seconds",
            "From a request to forget to the commit that carried it out, by kind (actor, contact, account).",
            ["kind"],
            buckets=(*_BUCKETS_SECONDS, 86_400),
            registry=registry,
        )
        self._dead_letters = Counter(
            "truenorth_ingest_dead_letters", "Records parked as unreadable.", ["topic"], registry=registry
        )
        self._outbox_oldest = Gauge(
            "truenorth_ingest_outbox_oldest_seconds", "Age of the oldest unsent outbox row.", registry=registry
        )
        self._lag = Gauge(
            "truenorth_ingest_lag_records",
            "Records on identities, unresolved, erasures and erasures-done that are not yet read.",
            registry=registry,
        )
        self._halted = Gauge(
            "truenorth_ingest_worker_halted",
            "Whether a loop beside the door has halted, by part; the door stays open.",
            ["part"],
            registry=registry,
        )

    def looked(self, replayed: int, erased: int) -> None:
        """Count events that waited and found their account, or belonged to what was erased."""
        self._replayed.inc(replayed)
        self._held_erased.inc(erased)

    def expired(self, reason: str, count: int) -> None:
        """Count events that waited too long."""
        self._expired.labels(reason).inc(count)

    def erased(self, kind: str, seconds: float) -> None:
        """Note a request that was carried out, ``seconds`` after it was made."""
        self._erasures.labels(kind).observe(seconds)

    def dead_letter(self, topic: str) -> None:
        """Count a record that cannot be read."""
        self._dead_letters.labels(topic).inc()

    def waiting(self, reason: str, count: int, *, oldest_s: float) -> None:
        """Tell how many events wait for this reason, and for how long the oldest has."""
        self._held.labels(reason).set(count)
        self._held_oldest.labels(reason).set(oldest_s)

    def streams(self, *, outbox_oldest_s: float, lag_records: int) -> None:
        """Tell how far the loops are behind."""
        self._outbox_oldest.set(outbox_oldest_s)
        self._lag.set(lag_records)

    def halted(self, part: str) -> None:
        """Tell that a loop has halted, and that a person decides."""
        self._halted.labels(part).set(1)
