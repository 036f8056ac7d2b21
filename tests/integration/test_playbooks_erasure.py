"""Playbooks forget an account in one transaction with the word that they did, on real Kafka and PostgreSQL."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import func, select
from truenorth import topics
from truenorth.codec import encode, parse_event
from truenorth.erasures import GRACE_MS
from truenorth.events.envelope import Event
from truenorth.events.people import ErasureRequested
from truenorth.ids import random_id
from truenorth.kafka import Record
from truenorth.kafka.reader import read_topic
from truenorth.postgres.engine import make_engine, transaction
from truenorth.telemetry import make_registry
from truenorth_playbooks.adapters import tables
from truenorth_playbooks.adapters.store import PostgresStore
from truenorth_playbooks.handlers.react import Reactor
from truenorth_playbooks.metrics import Metrics

from tests.integration.playbooks_bench import CLOCK, Bench, a_bench, turned

pytestmark = pytest.mark.integration

OF_ACCOUNT = (tables.RUN, tables.TASK, tables.ALERT, tables.TIMER)


@pytest.fixture
async def bench(stack: Any) -> AsyncIterator[Bench]:
    async with a_bench(stack) as made:
        yield made


async def kept(bench: Bench, account: str) -> int:
    """Return how many rows an account has, its gravestone aside."""
    engine = make_engine(bench.settings.database_url, schema=tables.SCHEMA, pool_connections=1)
    try:
        async with transaction(engine) as connection:
            return sum(
                [
                    await connection.scalar(
                        select(func.count()).select_from(table).where(table.c.account_id == account)
                    )
                    or 0
                    for table in OF_ACCOUNT
                ]
            )
    finally:
        await engine.dispose()


async def acknowledged(bench: Bench, account: str) -> list[Event]:
    topic = topics.full_name("erasures-done")
    return [
        parse_event(record.value or b"")
        async for record in read_topic(bench.bootstrap, topic)
        if record.key == account.encode()
    ]


async def test_an_erased_account_leaves_no_rows_and_one_acknowledgement(bench: Bench) -> None:
    account, event_id = random_id(), random_id()
    async with bench.running() as app:
        await bench.turn(account, 1, "yellow", "red")
        await bench.until_said(account, lambda found: len(found) == 2)
        assert await kept(bench, account) == 4
        for _ in range(2):
            await bench.say("erasures", account, ErasureRequested("account", account), event_id=event_id)
        await bench.turn(account, 2, "red", "green")
        await bench.turn(account, 3, "green", "red")
        while app.consumer.progress.lag_records or not await acknowledged(bench, account):
            await CLOCK.sleep(0.05)
    assert await kept(bench, account) == 0
    (said,) = await acknowledged(bench, account)
    assert (said.data.service, said.data.kind) == ("playbooks", "account")
    assert len(await bench.said(account)) == 2


async def test_an_account_founded_anew_after_the_grace_works_as_any_other(bench: Bench) -> None:
    account = random_id()
    async with bench.running() as app:
        await bench.turn(account, 1, "yellow", "red")
        await bench.until_said(account, lambda found: len(found) == 2)
        await bench.say("erasures", account, ErasureRequested("account", account))
        while not await acknowledged(bench, account):
            await CLOCK.sleep(0.05)
        reactor = Reactor(
            PostgresStore(app.engine, worker="test"),
            current=lambda: app.definitions.current,
            wake=app.relay.wake,
            clock=CLOCK,
            metrics=Metrics(make_registry()),
        )
        later_ms = CLOCK.now_ms() + 2 * GRACE_MS
        change = turned(account, 5, "yellow", "red", decided_ms=later_ms)
        value = encode(change, event_id=random_id(), source="test", account=account, time_ms=later_ms)
        await reactor.handle([Record("truenorth.test.v1", 0, 0, account.encode(), value, later_ms)])
        assert await kept(bench, account) == 4


async def test_a_request_is_carried_out_before_older_crossings_that_were_never_read(bench: Bench) -> None:
    """Away for days: the crossing is read late, and says nothing that readers would take for news."""
    account = random_id()
    await bench.turn(account, 1, "yellow", "red")
    await bench.say("erasures", account, ErasureRequested("account", account))
    async with bench.running() as app:
        while app.consumer.progress.lag_records or not await acknowledged(bench, account):
            await CLOCK.sleep(0.05)
    assert await bench.said(account) == []
    assert len(await acknowledged(bench, account)) == 1
