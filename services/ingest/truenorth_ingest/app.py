"""The edge, built from its settings."""

from dataclasses import dataclass
from typing import Final

from truenorth.clock import Clock, SystemClock
from truenorth.definitions.live import LiveDefinitions
from truenorth.ids import IdSource, random_id
from truenorth.kafka.producer import LanesProducer
from truenorth.lifecycle import Part
from truenorth.postgres.engine import make_engine
from truenorth.telemetry import HttpServer, TelemetryServer, make_registry

from truenorth_ingest.adapters.account_map import PostgresAccountMap
from truenorth_ingest.adapters.connector_tables import PostgresDeliveries, PostgresHeard
from truenorth_ingest.adapters.erasure_table import PostgresErasures
from truenorth_ingest.adapters.key_table import PostgresKeyTable
from truenorth_ingest.adapters.lanes import KafkaLog
from truenorth_ingest.adapters.schema import wait_until_current
from truenorth_ingest.adapters.shipped import shipped_connectors
from truenorth_ingest.adapters.upload_table import PostgresUploads
from truenorth_ingest.api.accounts import accounts_router
from truenorth_ingest.api.control import Gate, make_control_app
from truenorth_ingest.api.door import Door
from truenorth_ingest.api.erasures import erasures_router
from truenorth_ingest.api.events import EVENTS_PATH, EventsRoad
from truenorth_ingest.api.identities import identities_router
from truenorth_ingest.api.replay import REPLAY_PATH, ReplayRoad
from truenorth_ingest.api.tracking import tracking_roads
from truenorth_ingest.api.uploads import uploads_router
from truenorth_ingest.api.webhooks import WEBHOOKS_PREFIX, WebhookParts, WebhooksRoad
from truenorth_ingest.domain.accepting import Acceptor
from truenorth_ingest.domain.ceilings import Ceilings
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.domain.webhooks.built_in import READERS
from truenorth_ingest.domain.webhooks.taking import WebhookDrafter
from truenorth_ingest.handlers.calls import CallReaders
from truenorth_ingest.handlers.connectors import Connectors
from truenorth_ingest.handlers.defined import Defined
from truenorth_ingest.handlers.deliveries import Deliveries
from truenorth_ingest.handlers.desks import make_desks
from truenorth_ingest.handlers.hearing import Hearing
from truenorth_ingest.handlers.intake import Intake
from truenorth_ingest.handlers.keyring import Keyring
from truenorth_ingest.handlers.learned import LearnedAccounts
from truenorth_ingest.handlers.rates import Rates
from truenorth_ingest.handlers.strangers import Strangers
from truenorth_ingest.handlers.uploading import UploadWorker, WorkStore
from truenorth_ingest.handlers.uploads import Uploads, UploadStore
from truenorth_ingest.metrics import IngestMetrics, WorkerMetrics
from truenorth_ingest.ports import (
    Accounts,
    DeliveryTable,
    ErasureTable,
    EventLog,
    HeardTable,
    IdentityTable,
    KeyTable,
    Meter,
)
from truenorth_ingest.settings import SCHEMA, Settings
from truenorth_ingest.worker_parts import WorkerParts

IDLE_SECONDS_MAX: Final = 75
"""How long an idle connection is kept: longer than senders and balancers (60 s) wait between two requests, because a
request that meets the end of its connection is one that many senders do not repeat.
"""


ACCOUNT_BURST_SECONDS: Final = 60
"""An account may send this many seconds' worth at once: the past of one is loaded as fast as it comes.
"""


UNKNOWN_SHARE: Final = 4
"""One in so many of the bytes that may wait can be of senders whom only their body tells."""


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


def make_intake(
    settings: Settings,
    *,
    event_log: EventLog,
    accounts: Accounts,
    meter: Meter,
    clock: Clock,
    new_id: IdSource,
    limits: Limits,
    burst_seconds: int = ACCOUNT_BURST_SECONDS,
) -> Intake:
    """Return what takes events in, with ceilings of its own."""
    rate = settings.account_events_per_second_max
    return Intake(
        event_log=event_log,
        accounts=accounts,
        ceilings=Ceilings(events_per_second=rate, burst_events=rate * burst_seconds),
        limits=limits,
        clock=clock,
        meter=meter,
        new_id=new_id,
        pseudonym_of=Pseudonyms(settings.pseudonym_secret).of,
        answer_seconds_max=settings.answer_seconds_max,
    )


def make_upload_worker(
    settings: Settings,
    store: WorkStore,
    *,
    event_log: EventLog,
    accounts: Accounts,
    meter: Meter,
    clock: Clock,
    new_id: IdSource = random_id,
    limits: Limits | None = None,
) -> UploadWorker:
    """Return the worker of uploads; its ceilings are its own, so that a file never takes the share of live events."""
    limits = limits or Limits()
    intake = make_intake(
        settings,
        event_log=event_log,
        accounts=accounts,
        meter=meter,
        clock=clock,
        new_id=new_id,
        limits=limits,
        burst_seconds=1,
    )
    acceptor = Acceptor(limits=limits, pseudonyms=Pseudonyms(settings.pseudonym_secret), new_id=new_id)
    return UploadWorker(store, intake, acceptor=acceptor, limits=limits, clock=clock, name=f"uploads-{new_id()}")


def make_door(
    settings: Settings,
    *,
    event_log: EventLog,
    keys: KeyTable,
    accounts: Accounts,
    defined: Defined,
    webhooks: WebhookParts,
    upload_store: UploadStore,
    identity_table: IdentityTable,
    erasure_table: ErasureTable,
    meter: Meter,
    clock: Clock,
    new_id: IdSource = random_id,
    limits: Limits | None = None,
) -> Door:
    """Return the whole HTTP application over these doors."""
    limits = limits or Limits()
    pseudonyms = Pseudonyms(settings.pseudonym_secret)
    acceptor = Acceptor(limits=limits, pseudonyms=pseudonyms, new_id=new_id)
    strangers = Strangers(failures_per_minute=settings.failures_per_minute_max)
    keyring = Keyring(keys, clock, strangers)
    rates = Rates(events_per_second=settings.key_events_per_second_max)
    intake = make_intake(
        settings, event_log=event_log, accounts=accounts, meter=meter, clock=clock, new_id=new_id, limits=limits
    )
    calls = CallReaders(defined, acceptor=acceptor, pseudonyms=pseudonyms, limits=limits, new_id=new_id)
    tracking = tracking_roads(
        keyring=keyring, rates=rates, intake=intake, reader=calls.current, limits=limits, clock=clock
    )
    events = EventsRoad(keyring=keyring, rates=rates, intake=intake, acceptor=acceptor, limits=limits, clock=clock)
    drafter = WebhookDrafter(acceptor=acceptor, limits=limits, new_id=new_id)
    hooks = WebhooksRoad(
        parts=webhooks,
        rates=rates,
        intake=intake,
        drafter=drafter,
        limits=limits,
        clock=clock,
        meter=meter,
    )
    replay = ReplayRoad(
        keyring=keyring,
        rates=rates,
        intake=intake,
        acceptor=acceptor,
        calls=calls.current,
        connectors=webhooks.connectors,
        drafter=drafter,
        limits=limits,
        clock=clock,
    )
    gate = Gate(keyring=keyring, rates=rates, clock=clock, limits=limits)
    uploads = Uploads(upload_store, clock=clock, bytes_max=settings.upload_bytes_max)
    erasures, identities = make_desks(
        acceptor=acceptor,
        pseudonyms=pseudonyms,
        intake=intake,
        event_log=event_log,
        accounts=accounts,
        identity_table=identity_table,
        erasure_table=erasure_table,
        clock=clock,
        new_id=new_id,
        answer_seconds_max=settings.answer_seconds_max,
    )
    control = make_control_app(
        limits,
        accounts_router(gate, acceptor=acceptor, intake=intake, clock=clock, limits=limits, new_id=new_id),
        uploads_router(gate, uploads, clock=clock, new_id=new_id),
        erasures_router(gate, desk=erasures, table=erasure_table),
        identities_router(gate, desk=identities, pseudonyms=pseudonyms),
        rates=rates,
        clock=clock,
        meter=meter,
    )
    return Door(
        control,
        roads={EVENTS_PATH: events, REPLAY_PATH: replay, **tracking},
        prefixed={WEBHOOKS_PREFIX: hooks},
        clock=clock,
        meter=meter,
        body_bytes_max=limits.body_bytes_max,
        strangers=strangers,
        waiting_bytes_max=settings.waiting_bytes_max,
        unknown_bytes_max=settings.waiting_bytes_max // UNKNOWN_SHARE,
        busy_status=settings.busy_status,
    )


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
    event_log = KafkaLog(producer)
    account_map = PostgresAccountMap(engine)
    accounts = LearnedAccounts(account_map, clock)
    worker = WorkerParts(settings, producer=producer, accounts=accounts, metrics=WorkerMetrics(registry), clock=clock)
    upload_store = PostgresUploads(engine)
    uploads = make_upload_worker(
        settings, upload_store, event_log=event_log, accounts=accounts, meter=meter, clock=clock
    )
    door = make_door(
        settings,
        event_log=event_log,
        keys=PostgresKeyTable(engine),
        accounts=accounts,
        upload_store=upload_store,
        identity_table=account_map,
        erasure_table=PostgresErasures(engine),
        defined=defined,
        webhooks=webhooks,
        meter=meter,
        clock=clock,
    )
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
