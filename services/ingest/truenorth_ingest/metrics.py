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
