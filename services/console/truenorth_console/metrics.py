"""What the console counts. Every metric is in docs/operations/metrics.md."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The counters of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Histogram(
            "truenorth_console_answer_seconds",
            "From a request to the first byte of its answer.",
            ["page", "status"],
            registry=registry,
            buckets=SECONDS,
        )
        self._actions = Counter(
            "truenorth_console_actions_total",
            "What people did, by whether the page saw it happen within two seconds.",
            ["type", "result"],
            registry=registry,
        )
        self._records = Counter(
            "truenorth_console_records_total", "Records projected into the read models.", ["topic"], registry=registry
        )
        self._dead_letters = Counter(
            "truenorth_console_dead_letters_total", "Records parked as unreadable.", ["topic"], registry=registry
        )
        self._streams = Gauge(
            "truenorth_console_live_streams", "Open pages that are told of changes.", registry=registry
        )
        self._erasures = Histogram(
            "truenorth_console_erasure_seconds",
            "From a request to forget to the commit that carried it out, by kind (actor, contact, account).",
            ["kind"],
            registry=registry,
            buckets=(*SECONDS, 60, 3600, 86_400),
        )
        self._erasure_waiting = Gauge(
            "truenorth_console_erasure_waiting_seconds",
            "Age of the oldest request to forget that a service has not acknowledged; 0 when there is none.",
            ["service"],
            registry=registry,
        )
        self._acknowledged = Counter(
            "truenorth_console_erasures_acknowledged_total",
            "Words of services that they carried out a request to forget.",
            ["service"],
            registry=registry,
        )

    def answered(self, page: str, status: int, seconds: float) -> None:
        """Count an answer; ``page`` is the route, never the address."""
        self._answers.labels(page, str(status)).observe(seconds)

    def action(self, event_type: str, *, seen: bool) -> None:
        """Count something a person did."""
        self._actions.labels(event_type, "seen" if seen else "sent").inc()

    def projected(self, topic: str, count: int) -> None:
        """Count records applied."""
        self._records.labels(topic).inc(count)

    def dead_letter(self, topic: str) -> None:
        """Count a record parked."""
        self._dead_letters.labels(topic).inc()

    def streams(self, count: int) -> None:
        """Note how many streams are open."""
        self._streams.set(count)

    def erased(self, kind: str, seconds: float) -> None:
        """Observe how long after its request an erasure was carried out here."""
        self._erasures.labels(kind).observe(max(0.0, seconds))

    def erasure_waiting(self, service: str, seconds: float) -> None:
        """Note for how long the oldest request has waited for a service's word."""
        self._erasure_waiting.labels(service).set(max(0.0, seconds))

    def acknowledged(self, service: str) -> None:
        """Count a service's word that it carried out a request."""
        self._acknowledged.labels(service).inc()
