"""The edge, built from its settings."""

from dataclasses import dataclass
from typing import Final

from truenorth.clock import Clock, SystemClock
from truenorth.definitions.live import LiveDefinitions
from truenorth.kafka.producer import LanesProducer
from truenorth.lifecycle import Part
from truenorth.postgres.engine import make_engine
from truenorth.streams import collector
from truenorth.telemetry import HttpServer, TelemetryServer, make_registry

from truenorth_ingest.adapters.account_map import PostgresAccountMap
from truenorth_ingest.adapters.connector_tables import PostgresDeliveries, PostgresHeard
from truenorth_ingest.adapters.erasure_table import PostgresErasures
from truenorth_ingest.adapters.key_table import PostgresKeyTable
from truenorth_ingest.adapters.lanes import KafkaLog
from truenorth_ingest.adapters.schema import wait_until_current
from truenorth_ingest.adapters.shipped import shipped_connectors
from truenorth_ingest.adapters.upload_table import PostgresUploads
from truenorth_ingest.api.webhooks import WebhookParts
from truenorth_ingest.domain.webhooks.built_in import READERS
from truenorth_ingest.doors import Outside, Tables, make_door, make_upload_worker
from truenorth_ingest.handlers.connectors import Connectors
from truenorth_ingest.handlers.defined import Defined
from truenorth_ingest.handlers.deliveries import Deliveries
from truenorth_ingest.handlers.gathering import GatheredQuestions
from truenorth_ingest.handlers.hearing import Hearing
from truenorth_ingest.handlers.learned import LearnedAccounts
from truenorth_ingest.metrics import IngestMetrics, WorkerMetrics
from truenorth_ingest.ports import DeliveryTable, HeardTable, Meter
from truenorth_ingest.settings import SCHEMA, Settings
from truenorth_ingest.worker_parts import WorkerParts

IDLE_SECONDS_MAX: Final = 75
"""How long an idle connection is kept: longer than senders and balancers (60 s) wait between two requests, because a
request that meets the end of its connection is one that many senders do not repeat.
"""


@dataclass(slots=True)
class Readiness:
    """Whether requests are welcome; turns false before the server stops, so that balancers look elsewhere."""

    serving: bool = False

    async def start(self) -> None:
        """Welcome requests."""
        self.serving = True

    async def stop(self) -> None:
        """Stop welcoming them."""
        self.serving = False

    def trouble(self) -> str | None:
        """See `truenorth.telemetry.Probe`."""
        return None if self.serving else "the edge takes no requests: it is starting or stopping"


def make_webhooks(
    settings: Settings, defined: Defined, *, deliveries: DeliveryTable, heard: HeardTable, clock: Clock, meter: Meter
) -> WebhookParts:
    """Return what webhooks need, over these tables."""
    connectors = Connectors(defined, settings.connector_secrets, READERS, public_url=settings.public_url)
    return WebhookParts(connectors, Deliveries(deliveries, clock), Hearing(heard, connectors, clock, meter))


def make_parts(settings: Settings) -> list[Part]:
    """Return the parts of the service in the order in which they start."""
    clock = SystemClock()
    registry = make_registry()
    engine = make_engine(settings.database_url, schema=SCHEMA)
    producer = LanesProducer(settings.bootstrap, clock=clock, client_id="truenorth-ingest")
    meter = IngestMetrics(registry)
    defined = Defined(shipped_connectors())
    definitions = LiveDefinitions(settings.bootstrap, clock, on_change=defined.take)
    webhooks = make_webhooks(
        settings,
        defined,
        deliveries=PostgresDeliveries(engine),
        heard=PostgresHeard(engine),
        clock=clock,
        meter=meter,
    )
    account_map = PostgresAccountMap(engine)
    accounts = LearnedAccounts(GatheredQuestions(account_map), clock)
    worker = WorkerParts(settings, producer=producer, accounts=accounts, metrics=WorkerMetrics(registry), clock=clock)
    store = PostgresUploads(engine)
    outside = Outside(KafkaLog(producer), accounts, meter, clock)
    uploads = make_upload_worker(settings, outside, store)
    tables = Tables(PostgresKeyTable(engine), account_map, PostgresErasures(engine), store)
    door = make_door(settings, outside, tables, defined=defined, webhooks=webhooks)
    readiness = Readiness()
    telemetry = TelemetryServer(
        settings.host,
        settings.telemetry_port,
        live=lambda: definitions.failure,
        ready=readiness.trouble,
        registry=registry,
    )
    http = HttpServer(
        door,
        settings.host,
        settings.port,
        drain_within_s=round(settings.answer_seconds_max),
        timeout_keep_alive=IDLE_SECONDS_MAX,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
    )
    collector.tune()
    return [
        Part.of("telemetry", telemetry),
        Part("database", start=lambda: wait_until_current(engine, clock), stop=engine.dispose),
        Part.of("producer", producer),
        *worker.parts(),
        Part("uploads", run=uploads.run),
        Part.of("definitions", definitions),
        Part.of("deliveries", webhooks.deliveries),
        Part.of("hearing", webhooks.hearing),
        Part.of("http", http, stop_within_s=settings.answer_seconds_max + 2),
        Part.of("readiness", readiness),
    ]
