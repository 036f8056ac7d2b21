"""The console forgets people and accounts, writes the tombstones of their contacts, and founds nothing anew."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select
from truenorth import ids, topics
from truenorth.clock import SystemClock
from truenorth.codec import encode, parse_event
from truenorth.erasures import GRACE_MS, SERVICES, acknowledgement
from truenorth.errors import RefusedError
from truenorth.events.envelope import Event
from truenorth.events.inputs import ContactUpdated
from truenorth.events.people import ErasureRequested, NoteAdded
from truenorth.kafka import Record
from truenorth.kafka.reader import read_topic
from truenorth.postgres.engine import make_engine, transaction
from truenorth.telemetry import make_registry
from truenorth_console.adapters.postgres import Database
from truenorth_console.adapters.tables import METADATA, SCHEMA
from truenorth_console.metrics import Metrics
from truenorth_console.ports import Action
from truenorth_console.worker import BatchReader, ErasureWatch
from truenorth_local.stack import LocalStack

from tests.console.bench import Console, eventually, running
from tests.console.builders import alert, change, days, entry, snapshot, task

pytestmark = pytest.mark.integration

CLOCK = SystemClock()


@pytest.fixture(scope="module")
async def database_url(stack: LocalStack) -> str:
    return stack.new_database()


@pytest.fixture(scope="module")
async def console(stack: LocalStack, database_url: str) -> AsyncIterator[Console]:
    async with running(stack, database_url) as one:
        yield one


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    engine = make_engine(database_url, schema=SCHEMA, pool_connections=1)
    yield Database(engine)
    await engine.dispose()


async def naming(database_url: str, name: str) -> set[str]:
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


async def acknowledged(console: Console, account: str) -> list[Event]:
    records = read_topic(console.stack.bootstrap, topics.full_name("erasures-done"))
    return [parse_event(record.value or b"") async for record in records if record.key == account.encode()]


async def latest_contact(console: Console, contact: str) -> list[bytes | None]:
    records = read_topic(console.stack.bootstrap, topics.full_name("contacts"))
    return [record.value async for record in records if record.key == contact.encode()]


async def fill(console: Console, account: str, *contacts: str) -> None:
    now_ms = CLOCK.now_ms()
    raised = alert(account, now_ms)
    await console.say(account, snapshot(account, now_ms), *days(account, now_ms, 72, 31, 3), change(account, now_ms))
    await console.say(account, task(account, now_ms, closed_by=contacts[0]), raised, entry(raised))
    for contact in contacts:
        await tell(console, account, contact)


async def tell(console: Console, account: str, contact: str) -> None:
    said = ContactUpdated(contact, account, name=f"Name of {contact}", email=f"{contact}@example.com")
    value = encode(said, event_id=ids.random_id(), source="crm", account=account, time_ms=CLOCK.now_ms())
    await console.repeat("contacts", contact, value)


def new_name(prefix: str) -> str:
    return f"{prefix}{ids.random_id()[:8]}"


async def test_an_account_leaves_its_gravestone_alone_and_its_contacts_are_tombstones(
    console: Console, database: Database, database_url: str
) -> None:
    account, contact, other = new_name("acc-"), new_name("p_"), new_name("p_")
    await fill(console, account, contact, other)
    await database.record(Action(ids.random_id(), account, "dana.reyes", CLOCK.now_ms(), NoteAdded("dana.reyes", "hm")))
    full = {"account", "account_days", "task", "feed_entry", "moment", "contact", "audit"}

    async def filled() -> bool:
        return await naming(database_url, account) >= full and await naming(database_url, other) == {"contact"}

    await eventually(filled)
    assert await naming(database_url, contact) == {"contact", "task", "moment"}
    await console.say(account, ErasureRequested("contact", contact, by="dpo"))
    assert [said.data.kind for said in await eventually(lambda: acknowledged(console, account))] == ["contact"]
    assert await naming(database_url, contact) == {"erasure"}
    assert await naming(database_url, other) == {"contact"}

    await console.say(account, ErasureRequested("account", account, by="dpo"))

    async def both() -> bool:
        return len(await acknowledged(console, account)) == 2

    await eventually(both)
    assert await naming(database_url, account) == {"erasure"}
    assert (await latest_contact(console, other))[-1] is None

    await fill(console, account, other)

    async def buried() -> bool:
        return len(await latest_contact(console, other)) == 4

    await eventually(buried)
    assert (await latest_contact(console, other))[-1] is None
    assert await naming(database_url, account) <= {"erasure", "outbox"}
    with pytest.raises(RefusedError, match="was erased"):
        await database.record(Action(ids.random_id(), account, "dana.reyes", CLOCK.now_ms(), NoteAdded("d", "late")))
    assert len(await acknowledged(console, account)) == 2


async def test_an_account_founded_anew_after_the_grace_is_there_again(
    console: Console, database: Database, database_url: str
) -> None:
    account, later_ms = new_name("acc-"), CLOCK.now_ms() + 2 * GRACE_MS
    await console.say(account, ErasureRequested("account", account))
    await eventually(lambda: acknowledged(console, account))
    reader = BatchReader(
        units=database.projection, committed=lambda _: None, metrics=Metrics(make_registry()), clock=CLOCK
    )
    value = encode(snapshot(account, later_ms), event_id="s", source="test", account=account, time_ms=later_ms)
    await reader.handle([Record("truenorth.test.v1", 0, 0, account.encode(), value, later_ms)])
    assert await naming(database_url, account) == {"account", "erasure"}


async def test_the_oldest_request_waits_for_each_service_until_it_has_given_its_word(
    console: Console, database: Database
) -> None:
    account = new_name("acc-")
    registry = make_registry()
    watch = ErasureWatch(
        oldest_waiting_ms=database.oldest_waiting_ms,
        forget=database.forget_old,
        metrics=Metrics(registry),
        clock=CLOCK,
    )

    async def answer_all() -> bool:
        """Answer in the place of the services that do not run here; tell whether nothing waits any more."""
        records = read_topic(console.stack.bootstrap, topics.full_name("erasures-done"))
        for said in [parse_event(record.value or b"") async for record in records if record.value]:
            for service in SERVICES:
                _, payload = acknowledgement(said.data.request_id, said.data.kind, service)
                async with database.projection() as unit:
                    await unit.note_done(payload, done_ms=CLOCK.now_ms())
        await watch.turn()
        return all(waiting_s(service) == 0 for service in SERVICES)

    def waiting_s(service: str = "health") -> Any:
        return registry.get_sample_value("truenorth_console_erasure_waiting_seconds", {"service": service})

    await console.say(account, ErasureRequested("actor", "p_1"))
    await eventually(lambda: acknowledged(console, account))
    await watch.turn()
    assert waiting_s() > 0
    await eventually(answer_all)
