"""Builds notify from its settings; the one place where its parts meet."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from truenorth import ids, topics
from truenorth.clock import Clock, SystemClock
from truenorth.definitions.live import LiveDefinitions
from truenorth.definitions.model import Definitions
from truenorth.ids import IdSource
from truenorth.kafka.consumer import ConsumerLoop
from truenorth.kafka.erasures_first import ErasuresFirst
from truenorth.kafka.producer import LanesProducer
from truenorth.lifecycle import Part
from truenorth.postgres.engine import make_engine
from truenorth.postgres.migrations import wait_until_current
from truenorth.postgres.outbox import OutboxRelay
from truenorth.telemetry import TelemetryServer, make_registry

from truenorth_notify.adapters.email import EmailSender, MailServer
from truenorth_notify.adapters.postgres import CONSUMER, Database
from truenorth_notify.adapters.tables import OUTBOX, SCHEMA
from truenorth_notify.adapters.webhook import WebhookSender
from truenorth_notify.domain.retry import SCHEDULE_S
from truenorth_notify.domain.routing import Channel
from truenorth_notify.handlers import Dispatch, Intake
from truenorth_notify.metrics import Metrics
from truenorth_notify.ports import Claimed, Sender
from truenorth_notify.settings import Settings
from truenorth_notify.worker import BatchReader, ChannelWorker, Housekeeper

MIGRATIONS: Final = Path(__file__).parent / "migrations"
READS: Final = ("erasures", "alerts", "actions")
BATCH_RECORDS_MAX: Final = 100
"""An alert writes some ten rows: small batches let the first ones of a burst go out early."""
OUTBOX_AGE_MS_MAX: Final = 60_000


class App:
    """The parts of one notify process, in the order in which they start."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        id_source: IdSource = ids.random_id,
        schedule_s: tuple[int, ...] = SCHEDULE_S,
    ) -> None:
        self._clock = clock or SystemClock()
        self._ids = id_source
        self._stuck_s_max = settings.stuck_s_max
        self._engine = make_engine(settings.database_url, schema=SCHEMA)
        self._database = Database(self._engine)
        self._definitions = LiveDefinitions(settings.bootstrap, self._clock)
        self._producer = LanesProducer(settings.bootstrap, clock=self._clock, client_id="notify")
        self._relay = OutboxRelay(self._engine, OUTBOX, self._producer.send_many, schema=SCHEMA, clock=self._clock)
        registry = make_registry()
        self._metrics = Metrics(registry)
        self._webhook = self._webhook_sender(settings)
        senders: dict[Channel, Sender] = {"webhook": self._webhook}
        if settings.smtp_url:
            senders["email"] = EmailSender(
                MailServer.parse(settings.smtp_url),
                sender=settings.mail_from,
                console_url=settings.console_url,
                clock=self._clock,
            )
        self._intake = Intake(
            definitions=self._now,
            channels_on=frozenset(senders),
            clock=self._clock,
            tally=self._metrics,
        )
        dispatch = Dispatch(
            units=self._database.unit,
            senders=senders,
            definitions=self._now,
            clock=self._clock,
            tally=self._metrics,
            schedule_s=schedule_s,
        )
        self._channels = [self._channel(channel, dispatch) for channel in senders]
        self._loop = self._consumer(settings)
        self.telemetry = TelemetryServer(
            settings.host, settings.telemetry_port, live=self.trouble, ready=self.not_ready, registry=registry
        )

    def parts(self) -> list[Part]:
        """Return what `truenorth.lifecycle.run_service` is to run."""
        return [
            Part.of("telemetry", self.telemetry),
            Part("database", start=self._require_schema, stop=self._engine.dispose),
            Part.of("definitions", self._definitions),
            Part.of("producer", self._producer),
            Part.of("outbox relay", self._relay),
            Part.of("webhook client", self._webhook),
            *(Part.of(f"channel {number}", worker, stop_within_s=20) for number, worker in enumerate(self._channels)),
            Part.of("housekeeper", self._housekeeper()),
            Part.of("consumer", self._loop),
        ]

    def trouble(self) -> str | None:
        """Return why this process should be started anew, or None."""
        stuck_s = self._loop.progress.stuck_for_s
        if stuck_s > self._stuck_s_max:
            return f"reading has been stuck for {stuck_s:.0f} s with {self._loop.progress.lag_records} records to read"
        return self._definitions.failure

    def not_ready(self) -> str | None:
        """Return why alerts do not flow right now, or None."""
        if not self._loop.progress.caught_up:
            return "still reading what lay in the topics at the start"
        oldest_ms = self._relay.oldest_ms
        if oldest_ms is not None and self._clock.now_ms() - oldest_ms > OUTBOX_AGE_MS_MAX:
            return "the outbox has waited for the broker for more than a minute"
        return self.trouble()

    def _now(self) -> Definitions | None:
        bundle = self._definitions.current
        return None if bundle is None else bundle.definitions

    def _wake(self) -> None:
        self._relay.wake()
        for channel in self._channels:
            channel.wake()

    def _behind(self) -> tuple[int | None, int]:
        return self._relay.oldest_ms, self._loop.progress.lag_records

    async def _require_schema(self) -> None:
        command = "python -m truenorth_notify migrate"
        await wait_until_current(self._engine, SCHEMA, MIGRATIONS, command=command, clock=self._clock)

    def _webhook_sender(self, settings: Settings) -> WebhookSender:
        return WebhookSender(
            secret_of=_secrets(self._now, settings),
            console_url=settings.console_url,
            allow_private=settings.webhook_allow_private,
            clock=self._clock,
        )

    def _channel(self, channel: Channel, dispatch: Dispatch) -> ChannelWorker:
        async def claim(which: Channel, limit_rows: int) -> list[Claimed]:
            now_ms = self._clock.now_ms()
            return await self._database.claim(which, worker=self._ids(), now_ms=now_ms, limit_rows=limit_rows)

        return ChannelWorker(channel, claim=claim, dispatch=dispatch, settled=self._relay.wake)

    def _housekeeper(self) -> Housekeeper:
        return Housekeeper(
            units=self._database.unit,
            intake=self._intake,
            waiting=self._database.waiting,
            forget=self._database.forget_erasures,
            behind=self._behind,
            committed=self._relay.wake,
            metrics=self._metrics,
            clock=self._clock,
        )

    def _consumer(self, settings: Settings) -> ConsumerLoop:
        reader = BatchReader(
            units=self._database.unit,
            intake=self._intake,
            committed=self._wake,
            metrics=self._metrics,
            clock=self._clock,
        )
        first = ErasuresFirst(reader.handle, carry_out=reader.erase, bootstrap=settings.bootstrap, clock=self._clock)
        return ConsumerLoop(
            settings.bootstrap,
            CONSUMER,
            [topics.full_name(name) for name in READS],
            first.handle,
            position=self._database.position,
            from_start=True,
            batch_records_max=BATCH_RECORDS_MAX,
            clock=self._clock,
            client_id="notify",
        )


def _secrets(definitions: Callable[[], Definitions | None], settings: Settings) -> Callable[[str], str]:
    """Return how to find the secret of an endpoint: its definition names the setting that holds it."""

    def secret_of(webhook_id: str) -> str:
        current = definitions()
        hooks = [] if current is None else current.webhooks
        return next((settings.webhook_secret(hook.secret_setting) for hook in hooks if hook.id == webhook_id), "")

    return secret_of
