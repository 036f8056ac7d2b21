"""The delivery queue on a real database: leases, repeats, withdrawals, and addresses that are refused."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from truenorth.clock import ManualClock
from truenorth.definitions.model import Definitions, Person, Route, Webhook
from truenorth.events.envelope import Event
from truenorth.events.payload import PayloadStruct
from truenorth.events.work import AlertResolved
from truenorth.postgres.engine import make_engine
from truenorth.postgres.migrations import migrate
from truenorth.telemetry import make_registry
from truenorth_local.stack import LocalStack
from truenorth_notify.adapters.email import EmailSender, MailServer
from truenorth_notify.adapters.postgres import LEASE_MS, Database
from truenorth_notify.adapters.tables import SCHEMA
from truenorth_notify.adapters.webhook import WebhookSender
from truenorth_notify.app import MIGRATIONS
from truenorth_notify.domain.deliveries import Delivery
from truenorth_notify.domain.routing import CHANNELS
from truenorth_notify.handlers import Dispatch, Intake
from truenorth_notify.metrics import Metrics

from tests.integration.notify_bench import SECRET, receiving
from tests.notify.builders import NOW_MS, alert, definitions

pytestmark = pytest.mark.integration


class Notify:
    """Intake and dispatch on a database of their own, by a clock that stands still."""

    def __init__(self, database: Database, *, mail_url: str, allow_private: bool = True) -> None:
        self.clock = ManualClock(NOW_MS)
        self.database = database
        self.current: Definitions | None = definitions()
        self.registry = make_registry()
        metrics = Metrics(self.registry)
        self.webhook = WebhookSender(
            secret_of=lambda _: SECRET, console_url="http://c", allow_private=allow_private, clock=self.clock
        )
        mail = EmailSender(
            MailServer.parse(mail_url), sender="t@truenorth.example", console_url="http://c", clock=self.clock
        )
        self.intake = Intake(
            definitions=lambda: self.current, channels_on=frozenset(CHANNELS), clock=self.clock, tally=metrics
        )
        self.dispatch = Dispatch(
            units=database.unit,
            senders={"email": mail, "webhook": self.webhook},
            definitions=lambda: self.current,
            clock=self.clock,
            tally=metrics,
        )

    async def take(self, payload: PayloadStruct) -> None:
        event = Event(id="e", source="s", type="t", account="halden", time_ms=NOW_MS, recorded_ms=NOW_MS, data=payload)
        async with self.database.unit() as uow:
            await self.intake.take(uow, event)

    async def claim(self, channel: str, worker: str) -> list[object]:
        return list(await self.database.claim(channel, worker=worker, now_ms=self.clock.now_ms(), limit_rows=8))  # type: ignore[arg-type]

    async def delivery(self, channel: str, about: str = "raised") -> Delivery:
        async with self.database.unit() as uow:
            found = await uow.deliveries_of("alert-1")
        return next(one for one in found if one.channel == channel and one.about == about)

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"truenorth_notify_{name}_total", labels) or 0.0


@pytest.fixture
async def notify(stack: LocalStack) -> AsyncIterator[Notify]:
    url = stack.new_database()
    await migrate(url, SCHEMA, MIGRATIONS)
    engine = make_engine(url, schema=SCHEMA)
    made = Notify(Database(engine), mail_url=stack.smtp_url)
    await made.webhook.start()
    yield made
    await made.webhook.stop()
    await engine.dispose()


def only(endpoint: str) -> Definitions:
    return definitions(
        webhooks=[Webhook(id="crm", url=endpoint)], routes=[Route(id="r", channels=["webhook"], webhook="crm")]
    )


async def test_a_delivery_whose_worker_died_is_taken_over_once_its_lease_has_ended(notify: Notify) -> None:
    await notify.take(alert())
    (dead,) = await notify.database.claim("email", worker="dead", now_ms=notify.clock.now_ms(), limit_rows=8)
    notify.clock.advance(seconds=LEASE_MS / 1000 - 1)
    assert await notify.claim("email", "early") == []
    notify.clock.advance(seconds=1)
    (claimed,) = await notify.database.claim("email", worker="second", now_ms=notify.clock.now_ms(), limit_rows=8)
    assert (dead.repeat, claimed.repeat, claimed.attempt) == (False, True, 2)
    await notify.dispatch.attempt(claimed)
    assert ((await notify.delivery("email")).status, (await notify.delivery("email")).attempts) == ("delivered", 2)
    assert notify.counted("possible_repeats", channel="email") == 1
    await notify.dispatch.attempt(dead)
    assert notify.counted("leases_lost", channel="email") == 1
    assert await notify.claim("email", "third") == []


async def test_two_workers_never_claim_the_same_delivery(notify: Notify) -> None:
    for number in range(20):
        await notify.take(alert(alert_id=f"alert-{number}"))
    first = await notify.database.claim("email", worker="a", now_ms=NOW_MS, limit_rows=8)
    second = await notify.database.claim("email", worker="b", now_ms=NOW_MS, limit_rows=20)
    ids = [claimed.delivery.delivery_id for claimed in [*first, *second]]
    assert (len(first), len(second), len(set(ids))) == (8, 12, 20)


async def test_the_same_alert_again_changes_nothing(notify: Notify) -> None:
    await notify.take(alert())
    before = await notify.delivery("email")
    await notify.take(alert(title="another title"))
    assert await notify.delivery("email") == before
    assert notify.counted("alerts", result="known") == 1


async def test_an_alert_that_is_over_before_it_went_out_never_goes_out(notify: Notify) -> None:
    over = AlertResolved(
        alert_id="alert-1", account="halden", run_id="run-1", resolved_ms=NOW_MS, reason="resolved_by_data"
    )
    await notify.take(alert())
    (held,) = await notify.database.claim("webhook", worker="w", now_ms=NOW_MS, limit_rows=8)
    await notify.take(over)
    assert (await notify.delivery("email")).reason == "cleared_before_send"
    assert (await notify.delivery("webhook")).status == "pending"
    await notify.dispatch.attempt(replace(held, resolved_ms=NOW_MS))
    assert (await notify.delivery("webhook")).reason == "cleared_before_send"
    async with notify.database.unit() as uow:
        assert {one.about for one in await uow.deliveries_of("alert-1")} == {"raised"}


async def test_an_end_that_comes_while_the_beginning_is_being_sent_is_told_afterwards(notify: Notify) -> None:
    over = AlertResolved(alert_id="alert-1", account="halden", run_id="run-1", resolved_ms=NOW_MS, reason="done")
    async with receiving() as receiver:
        notify.current = only(receiver.url)
        await notify.take(alert())
        (held,) = await notify.database.claim("webhook", worker="w", now_ms=NOW_MS, limit_rows=8)
        await notify.take(over)
        await notify.dispatch.attempt(held)
        assert (await notify.delivery("webhook")).status == "delivered"
        assert (await notify.delivery("webhook", "resolved")).status == "pending"


async def test_a_recipient_who_left_is_not_written_to(notify: Notify) -> None:
    await notify.take(alert())
    notify.current = definitions(people=[])
    (held,) = await notify.database.claim("email", worker="w", now_ms=NOW_MS, limit_rows=8)
    await notify.dispatch.attempt(held)
    assert (await notify.delivery("email")).reason == "recipient_gone"


@pytest.mark.parametrize(("status", "wait_s"), [(500, 5), (302, 5), (429, 90), (503, 90)])
async def test_only_2xx_is_delivered_and_a_busy_receiver_is_given_time(
    notify: Notify, status: int, wait_s: int
) -> None:
    async with receiving() as receiver:
        receiver.answers = [(status, {"retry-after": "90", "location": receiver.url})]
        notify.current = only(receiver.url)
        await notify.take(alert())
        (held,) = await notify.database.claim("webhook", worker="w", now_ms=NOW_MS, limit_rows=8)
        await notify.dispatch.attempt(held)
        assert len(receiver.got) == 1
    pending = await notify.delivery("webhook")
    assert (pending.status, pending.next_attempt_ms) == ("pending", NOW_MS + wait_s * 1000)


async def test_a_private_address_is_refused_unless_it_is_allowed(stack: LocalStack, notify: Notify) -> None:
    async with receiving() as receiver:
        strict = Notify(notify.database, mail_url=stack.smtp_url, allow_private=False)
        await strict.webhook.start()
        strict.current = only(receiver.url.replace("127.0.0.1", "localhost"))
        await strict.take(alert())
        (held,) = await strict.database.claim("webhook", worker="w", now_ms=NOW_MS, limit_rows=8)
        await strict.dispatch.attempt(held)
        await strict.webhook.stop()
        assert receiver.got == []
    refused = await notify.delivery("webhook")
    assert (refused.status, refused.reason.partition(":")[0]) == ("failed", "address_private")


async def test_a_mail_server_that_is_away_is_tried_again(notify: Notify) -> None:
    away = Notify(notify.database, mail_url="smtp://127.0.0.1:1")
    await away.take(alert())
    (held,) = await away.database.claim("email", worker="w", now_ms=NOW_MS, limit_rows=8)
    await away.dispatch.attempt(held)
    pending = await notify.delivery("email")
    assert (pending.status, pending.attempts, pending.next_attempt_ms) == ("pending", 1, NOW_MS + 5000)


@pytest.mark.parametrize("address", ["nobody", "@example.com", "a b@example.com", "a@b@c", "ana@exam\nple.com", "ana@"])
async def test_a_mail_address_that_cannot_be_one_fails_at_once(notify: Notify, address: str) -> None:
    notify.current = definitions(people=[Person(id="ana", name="Ana", email=address)])
    await notify.take(alert())
    (held,) = await notify.database.claim("email", worker="w", now_ms=NOW_MS, limit_rows=8)
    await notify.dispatch.attempt(held)
    assert (await notify.delivery("email")).status == "failed"


@pytest.mark.parametrize("address", ["nowhere", "ftp://example.com", "http://", "http://a..b/", "http://[::1"])
async def test_an_endpoint_that_cannot_be_one_fails_at_once(notify: Notify, address: str) -> None:
    notify.current = only(address)
    await notify.take(alert())
    (held,) = await notify.database.claim("webhook", worker="w", now_ms=NOW_MS, limit_rows=8)
    await notify.dispatch.attempt(held)
    failed = await notify.delivery("webhook")
    assert (failed.status, failed.reason.partition(":")[0]) == ("failed", "address_invalid")


async def test_a_name_that_nobody_knows_and_a_port_where_nobody_listens_are_tried_again(notify: Notify) -> None:
    for number, address in enumerate(("http://nowhere.invalid/", "http://127.0.0.1:1/")):
        notify.current = only(address)
        await notify.take(alert(alert_id=f"alert-{number}"))
        (held,) = await notify.database.claim("webhook", worker="w", now_ms=NOW_MS, limit_rows=8)
        await notify.dispatch.attempt(held)
        async with notify.database.unit() as uow:
            (delivery,) = await uow.deliveries_of(f"alert-{number}")
        assert (delivery.status, delivery.attempts) == ("pending", 1)
