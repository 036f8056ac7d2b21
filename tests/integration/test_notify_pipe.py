"""An alert on its topic becomes a feed entry, a mail and a signed webhook, on real parts."""

from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook as Verifier
from truenorth import ids, topics
from truenorth.clock import SystemClock
from truenorth.codec import parse_event
from truenorth.definitions.apply import put_in_force, read_shelf
from truenorth.definitions.model import Definitions, Route, Webhook
from truenorth.events.envelope import Event
from truenorth.events.people import AlertAcknowledged, AlertDone, AlertSnoozed, ErasureRequested, TaskDone
from truenorth.events.work import AlertRaised, AlertResolved
from truenorth.kafka.reader import read_topic
from truenorth.postgres.engine import make_engine, transaction
from truenorth.postgres.migrations import migrate
from truenorth_local.mail import read_mails
from truenorth_local.stack import LocalStack
from truenorth_notify.adapters.tables import ATTEMPT, DELIVERY, METADATA, SCHEMA
from truenorth_notify.app import MIGRATIONS, App

from tests.integration.notify_bench import (
    SECRET,
    Receiver,
    Writer,
    deliveries,
    eventually,
    feed,
    receiving,
    running,
    settings,
    until,
    writing,
)
from tests.notify.builders import ANA, MO, OPS, alert

pytestmark = pytest.mark.integration

QUICK_S = (0, 1, 1)
DAY_MS = 86_400_000


class Bench:
    def __init__(self, stack: LocalStack, receiver: Receiver, writer: Writer, database_url: str) -> None:
        self.stack = stack
        self.receiver = receiver
        self.writer = writer
        self.database_url = database_url

    async def raise_alert(self, **changes: object) -> tuple[AlertRaised, bytes]:
        now_ms = SystemClock().now_ms()
        name = ids.random_id()
        parts = {"alert_id": f"alert-{name}", "account": f"acc-{name}", "run_id": f"run-{name}", "task_id": f"t-{name}"}
        raised = alert(**(parts | {"raised_ms": now_ms, "decided_ms": now_ms} | changes))
        return raised, await self.writer.say("alerts", raised.account, raised)

    async def attempts(self, alert_id: str, channel: str) -> list[str]:
        engine = make_engine(self.database_url, schema=SCHEMA, pool_connections=1)
        query = (
            select(ATTEMPT.c.outcome)
            .join(DELIVERY, DELIVERY.c.delivery_id == ATTEMPT.c.delivery_id)
            .where(DELIVERY.c.alert_id == alert_id, DELIVERY.c.channel == channel)
            .order_by(ATTEMPT.c.number)
        )
        try:
            async with transaction(engine) as connection:
                return [row.outcome for row in await connection.execute(query)]
        finally:
            await engine.dispose()

    async def statuses(self, alert_id: str) -> dict[str, str]:
        return {d.channel: d.status for d in await deliveries(self.stack, alert_id)}

    async def states(self, alert_id: str) -> list[str]:
        return [entry.state for entry in await feed(self.stack, alert_id)]

    async def reason_of(self, alert_id: str) -> str:
        """Wait until the webhook is settled and return why it failed; ``feed`` when only the feed was to be told."""

        async def look() -> str:
            told = {one.channel: one for one in await deliveries(self.stack, alert_id)}
            return "feed" if "inapp" in told else told["webhook"].reason if "webhook" in told else ""

        return str(await eventually(look))

    async def hooked(self, alert_id: str) -> None:
        """Wait until the webhook has got this alert."""
        await until(lambda: bool(self.hooks(alert_id)))

    async def add_endpoint(self, name: str, url: str) -> None:
        shelf = await read_shelf(self.stack.bootstrap, lambda error: None)
        assert shelf.current is not None
        before = shelf.current.definitions
        definitions = Definitions(
            people=before.people,
            webhooks=[*before.webhooks, Webhook(id=name, url=url)],
            routes=[Route(id=name, channels=["webhook"], webhook=name, playbooks=[name]), *before.routes],
        )
        await put_in_force(self.stack.bootstrap, definitions, current=shelf.current, clock=SystemClock())

    def mails(self, raised: AlertRaised) -> list[EmailMessage]:
        thread = f"<run-{raised.run_id}@truenorth>"
        return [mail for mail in read_mails(self.stack.mail_dir) if mail["References"] == thread]

    def hooks(self, alert_id: str) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for headers, body in self.receiver.got if alert_id.encode() in body]


@pytest.fixture(scope="module")
async def bench(stack: LocalStack) -> AsyncIterator[Bench]:
    database_url = stack.new_database()
    await migrate(database_url, SCHEMA, MIGRATIONS)
    async with receiving() as receiver, writing(stack) as writer:
        shelf = await read_shelf(stack.bootstrap, lambda error: None)
        definitions = Definitions(
            people=[ANA, MO, OPS],
            webhooks=[Webhook(id="crm", url=receiver.url)],
            routes=[Route(id="all", channels=["inapp", "email", "webhook"], webhook="crm", playbooks=["red-account"])],
        )
        await put_in_force(stack.bootstrap, definitions, current=shelf.current, clock=SystemClock())
        async with running(App(settings(stack, database_url), schedule_s=QUICK_S)):
            yield Bench(stack, receiver, writer, database_url)


async def test_an_alert_reaches_feed_mail_and_webhook_once_each_with_rows_and_attempts(bench: Bench) -> None:
    raised, value = await bench.raise_alert()

    async def all_delivered() -> bool:
        statuses = await bench.statuses(raised.alert_id)
        return statuses == dict.fromkeys(("inapp", "email", "webhook"), "delivered")

    await eventually(all_delivered)
    (entry,) = await feed(bench.stack, raised.alert_id)
    assert (entry.recipient, entry.state, entry.revision, entry.alert) == ("ana", "open", 1, raised)
    (mail,) = bench.mails(raised)
    assert (mail["Subject"], mail["To"], mail["Auto-Submitted"]) == (raised.title, ANA.email, "auto-generated")
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert f"/accounts/{raised.account}" in plain.get_content()
    ((headers, body),) = bench.hooks(raised.alert_id)
    assert Verifier(SECRET).verify(body, headers)["data"]["title"] == raised.title
    by_channel = {d.channel: d for d in await deliveries(bench.stack, raised.alert_id)}
    assert mail["Message-ID"] == f"<{by_channel['email'].delivery_id}@truenorth>"
    assert headers["webhook-id"] == by_channel["webhook"].delivery_id
    for channel in ("inapp", "email", "webhook"):
        assert await bench.attempts(raised.alert_id, channel) == ["delivered"]

    await bench.writer.repeat("alerts", raised.account, value)
    after, _ = await bench.raise_alert(account=raised.account)
    await until(lambda: len(bench.hooks(after.alert_id)) == 1 and len(bench.mails(after)) == 1)
    assert len(bench.mails(raised)) == len(bench.hooks(raised.alert_id)) == 1
    assert len(await feed(bench.stack, raised.alert_id)) == 1


async def test_a_webhook_that_fails_once_is_tried_again_under_the_same_id(bench: Bench) -> None:
    bench.receiver.answers = [(500, {})]
    raised, _ = await bench.raise_alert()
    await until(lambda: len(bench.hooks(raised.alert_id)) == 2)
    first, second = (headers for headers, _ in bench.hooks(raised.alert_id))
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] != second["webhook-timestamp"]

    async def settled() -> bool:
        return (await bench.attempts(raised.alert_id, "webhook")) == ["retry", "delivered"]

    await eventually(settled)


async def test_a_webhook_is_told_of_the_end_only_after_it_was_told_of_the_beginning(bench: Bench) -> None:
    raised, _ = await bench.raise_alert()
    await until(lambda: len(bench.hooks(raised.alert_id)) == 1)
    now_ms = SystemClock().now_ms()
    over = AlertResolved(
        alert_id=raised.alert_id,
        account=raised.account,
        run_id=raised.run_id,
        resolved_ms=now_ms,
        reason="resolved_by_data",
    )
    await bench.writer.say("alerts", raised.account, over)
    await until(lambda: len(bench.hooks(raised.alert_id)) == 2)
    assert b'"type":"alert.resolved"' in bench.hooks(raised.alert_id)[1][1]
    assert await bench.states(raised.alert_id) == ["open", "resolved"]
    assert len(bench.mails(raised)) == 1

    unheard, _ = await bench.raise_alert(decided_ms=now_ms - 2 * DAY_MS)
    silent = {"alert_id": unheard.alert_id, "account": unheard.account, "run_id": unheard.run_id}
    await bench.writer.say("alerts", unheard.account, AlertResolved(**silent, resolved_ms=now_ms, reason="done"))
    after, _ = await bench.raise_alert(account=unheard.account)
    await until(lambda: len(bench.hooks(after.alert_id)) == 1)
    assert {d.reason for d in await deliveries(bench.stack, unheard.alert_id)} == {"old_news"}
    assert not bench.hooks(unheard.alert_id)
    assert not bench.mails(unheard)
    assert not await feed(bench.stack, unheard.alert_id)


async def test_an_endpoint_that_is_gone_is_never_called_again(bench: Bench) -> None:
    async with receiving() as gone:
        gone.answers = [(410, {})]
        await bench.add_endpoint("gone", gone.url)
        reasons: list[str] = []
        while "endpoint_disabled" not in reasons:
            raised, _ = await bench.raise_alert(playbook="gone")
            reasons.append(await bench.reason_of(raised.alert_id))
        # before the new definitions were read, the feed alone was told
        assert [reason[:8] for reason in reasons if reason != "feed"] == ["HTTP 410", "endpoint"]
        assert len(gone.got) == 1


async def test_what_people_do_moves_the_feed(bench: Bench) -> None:
    raised, _ = await bench.raise_alert()
    other, _ = await bench.raise_alert()
    await eventually(lambda: bench.states(other.alert_id))
    until_ms = SystemClock().now_ms() + 1500
    for action in (
        AlertAcknowledged(by="ana", alert_id=raised.alert_id),
        AlertAcknowledged(by="ana", alert_id=raised.alert_id),
        AlertDone(by="ana", alert_id=raised.alert_id),
    ):
        await bench.writer.say("actions", raised.account, action)
    snooze = AlertSnoozed(by="ana", alert_id=other.alert_id, until_ms=until_ms)
    await bench.writer.say("actions", other.account, snooze)

    async def woken() -> bool:
        return await bench.states(other.alert_id) == ["open", "snoozed", "open"]

    await eventually(woken)
    assert SystemClock().now_ms() >= until_ms
    await bench.writer.say("actions", other.account, TaskDone(by="ana", task_id=other.task_id))

    async def done() -> bool:
        return await bench.states(other.alert_id) == ["open", "snoozed", "open", "done"]

    await eventually(done)
    entries = await feed(bench.stack, raised.alert_id)
    assert [entry.state for entry in entries] == ["open", "acknowledged", "done"]
    assert [entry.revision for entry in entries] == [1, 2, 3]
    assert entries[-1].by == "ana"


async def test_a_record_that_cannot_be_read_is_parked_and_the_next_one_goes_through(bench: Bench) -> None:
    raised, value = await bench.raise_alert()
    await bench.writer.repeat("alerts", raised.account, b"{not json")
    await bench.writer.repeat("alerts", raised.account, value.replace(b'"severity":"high"', b'"severity":"loud"'))
    after, _ = await bench.raise_alert(account=raised.account)
    await until(lambda: len(bench.hooks(after.alert_id)) == 1)


async def test_an_erased_account_leaves_no_row_and_what_comes_late_makes_none(bench: Bench) -> None:
    raised, value = await bench.raise_alert()
    await bench.hooked(raised.alert_id)
    asked = ErasureRequested("account", raised.account, by="dpo")
    request = await bench.writer.say("erasures", raised.account, asked)

    async def acknowledged() -> list[Event]:
        topic = topics.full_name("erasures-done")
        said = [parse_event(record.value or b"") async for record in read_topic(bench.stack.bootstrap, topic)]
        return [event for event in said if event.account == raised.account]

    (said,) = await eventually(acknowledged)
    assert (said.data.service, said.data.kind) == ("notify", "account")
    await bench.writer.repeat("erasures", raised.account, request)
    await bench.writer.repeat("alerts", raised.account, value)
    await bench.writer.say("alerts", raised.account, raised)
    after, _ = await bench.raise_alert()
    await bench.hooked(after.alert_id)
    assert len(await acknowledged()) == 1
    assert await tables_naming(bench.database_url, raised.account) == {"erasure"}
    assert await tables_naming(bench.database_url, raised.alert_id) == set()
    assert len(bench.hooks(raised.alert_id)) == 1


async def tables_naming(database_url: str, name: str) -> set[str]:
    """Return the tables in which any row, written out, holds this text."""
    engine = make_engine(database_url, schema=SCHEMA, pool_connections=1)
    found = set()
    try:
        async with transaction(engine) as connection:
            for table in METADATA.tables.values():
                for row in await connection.execute(select(table)):
                    if any(name.encode() in (one if isinstance(one, bytes) else str(one).encode()) for one in row):
                        found.add(table.name)
    finally:
        await engine.dispose()
    return found
