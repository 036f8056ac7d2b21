"""The HTTP application over its ports: every road, the desks behind them, and the one door in front."""

from dataclasses import dataclass, field
from typing import Final

from fastapi import FastAPI
from truenorth.clock import Clock
from truenorth.ids import IdSource, random_id

from truenorth_ingest.api.accounts import accounts_router
from truenorth_ingest.api.control import Gate, make_control_app
from truenorth_ingest.api.door import Door, Road
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
from truenorth_ingest.domain.webhooks.taking import WebhookDrafter
from truenorth_ingest.handlers.calls import CallReaders
from truenorth_ingest.handlers.defined import Defined
from truenorth_ingest.handlers.desks import make_desks
from truenorth_ingest.handlers.intake import Intake
from truenorth_ingest.handlers.keyring import Keyring
from truenorth_ingest.handlers.rates import Rates
from truenorth_ingest.handlers.strangers import Strangers
from truenorth_ingest.handlers.uploading import UploadWorker, WorkStore
from truenorth_ingest.handlers.uploads import Uploads, UploadStore
from truenorth_ingest.ports import Accounts, ErasureTable, EventLog, IdentityTable, KeyTable, Meter
from truenorth_ingest.settings import Settings

ACCOUNT_BURST_SECONDS: Final = 60
"""An account may send this many seconds' worth at once: the past of one is loaded as fast as it comes."""
UNKNOWN_SHARE: Final = 4
"""Of the bytes that may be in work, those of senders who are not known yet may be one part in so many."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What all roads share of the world outside."""

    event_log: EventLog
    accounts: Accounts
    meter: Meter
    clock: Clock
    new_id: IdSource = random_id
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Tables:
    """Where the roads look things up."""

    keys: KeyTable
    identities: IdentityTable
    erasures: ErasureTable
    uploads: UploadStore


def make_intake(settings: Settings, outside: Outside, *, burst_seconds: int = ACCOUNT_BURST_SECONDS) -> Intake:
    """Return what takes events in, with ceilings of its own."""
    rate = settings.account_events_per_second_max
    return Intake(
        event_log=outside.event_log,
        accounts=outside.accounts,
        ceilings=Ceilings(events_per_second=rate, burst_events=rate * burst_seconds),
        limits=outside.limits,
        clock=outside.clock,
        meter=outside.meter,
        new_id=outside.new_id,
        pseudonym_of=Pseudonyms(settings.pseudonym_secret).of,
        answer_seconds_max=settings.answer_seconds_max,
    )


def make_upload_worker(settings: Settings, outside: Outside, store: WorkStore) -> UploadWorker:
    """Return the worker of uploads; its ceilings are its own, so that a file never takes the share of live events."""
    limits, new_id = outside.limits, outside.new_id
    acceptor = Acceptor(limits=limits, pseudonyms=Pseudonyms(settings.pseudonym_secret), new_id=new_id)
    intake = make_intake(settings, outside, burst_seconds=1)
    return UploadWorker(
        store, intake, acceptor=acceptor, limits=limits, clock=outside.clock, name=f"uploads-{new_id()}"
    )


def make_door(
    settings: Settings, outside: Outside, tables: Tables, *, defined: Defined, webhooks: WebhookParts
) -> Door:
    """Return the whole HTTP application."""
    house = _House(settings, outside, tables, defined)
    return Door(
        house.control(),
        roads=house.roads(webhooks),
        prefixed={WEBHOOKS_PREFIX: house.webhooks(webhooks)},
        clock=outside.clock,
        meter=outside.meter,
        body_bytes_max=outside.limits.body_bytes_max,
        strangers=house.strangers,
        waiting_bytes_max=settings.waiting_bytes_max,
        unknown_bytes_max=settings.waiting_bytes_max // UNKNOWN_SHARE,
        busy_status=settings.busy_status,
    )


class _House:
    """What several roads stand on, made once."""

    def __init__(self, settings: Settings, outside: Outside, tables: Tables, defined: Defined) -> None:
        self._settings = settings
        self._outside = outside
        self._tables = tables
        limits, new_id = outside.limits, outside.new_id
        self._pseudonyms = Pseudonyms(settings.pseudonym_secret)
        self._acceptor = Acceptor(limits=limits, pseudonyms=self._pseudonyms, new_id=new_id)
        self.strangers = Strangers(failures_per_minute=settings.failures_per_minute_max)
        self._keyring = Keyring(tables.keys, outside.clock, self.strangers)
        self._rates = Rates(events_per_second=settings.key_events_per_second_max)
        self._intake = make_intake(settings, outside)
        self._calls = CallReaders(
            defined, acceptor=self._acceptor, pseudonyms=self._pseudonyms, limits=limits, new_id=new_id
        )
        self._drafter = WebhookDrafter(acceptor=self._acceptor, limits=limits, new_id=new_id)

    def roads(self, webhooks: WebhookParts) -> dict[str, Road]:
        """Return the hot roads by path."""
        keyring, rates, intake, limits = self._keyring, self._rates, self._intake, self._outside.limits
        clock = self._outside.clock
        events = EventsRoad(
            keyring=keyring, rates=rates, intake=intake, acceptor=self._acceptor, limits=limits, clock=clock
        )
        replay = ReplayRoad(
            keyring=keyring,
            rates=rates,
            intake=intake,
            acceptor=self._acceptor,
            calls=self._calls.current,
            connectors=webhooks.connectors,
            drafter=self._drafter,
            limits=limits,
            clock=clock,
        )
        tracking = tracking_roads(
            keyring=keyring, rates=rates, intake=intake, reader=self._calls.current, limits=limits, clock=clock
        )
        return {EVENTS_PATH: events, REPLAY_PATH: replay, **tracking}

    def webhooks(self, parts: WebhookParts) -> WebhooksRoad:
        """Return the road of webhooks."""
        return WebhooksRoad(
            parts=parts,
            rates=self._rates,
            intake=self._intake,
            drafter=self._drafter,
            limits=self._outside.limits,
            clock=self._outside.clock,
            meter=self._outside.meter,
            strangers=self.strangers,
        )

    def control(self) -> FastAPI:
        """Return the FastAPI application behind the door."""
        outside, tables, limits = self._outside, self._tables, self._outside.limits
        clock, new_id = outside.clock, outside.new_id
        gate = Gate(keyring=self._keyring, rates=self._rates, clock=clock, limits=limits)
        uploads = Uploads(tables.uploads, clock=clock, bytes_max=self._settings.upload_bytes_max)
        erasures, identities = make_desks(
            acceptor=self._acceptor,
            pseudonyms=self._pseudonyms,
            intake=self._intake,
            event_log=outside.event_log,
            accounts=outside.accounts,
            identity_table=tables.identities,
            erasure_table=tables.erasures,
            clock=clock,
            new_id=new_id,
            answer_seconds_max=self._settings.answer_seconds_max,
        )
        return make_control_app(
            limits,
            accounts_router(
                gate, acceptor=self._acceptor, intake=self._intake, clock=clock, limits=limits, new_id=new_id
            ),
            uploads_router(gate, uploads, clock=clock, new_id=new_id),
            erasures_router(gate, desk=erasures, table=tables.erasures),
            identities_router(gate, desk=identities, pseudonyms=self._pseudonyms),
            rates=self._rates,
            clock=clock,
            meter=outside.meter,
        )
