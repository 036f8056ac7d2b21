"""A crossing on its topic becomes a task and an alert on theirs, once, on real Kafka and PostgreSQL."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from truenorth import topics
from truenorth.codec import parse_event
from truenorth.definitions.model import Bundle
from truenorth.errors import MissingError
from truenorth.events.people import AlertDone, TaskAssigned, TaskDone
from truenorth.events.work import AlertResolved
from truenorth.ids import random_id
from truenorth.kafka import Record
from truenorth.kafka.reader import read_topic
from truenorth.postgres.engine import make_engine, transaction
from truenorth.telemetry import make_registry
from truenorth_playbooks.adapters import tables
from truenorth_playbooks.adapters.store import PostgresStore
from truenorth_playbooks.app import App
from truenorth_playbooks.handlers.overdue import OverdueLoop
from truenorth_playbooks.handlers.react import Reactor
from truenorth_playbooks.metrics import Metrics
from truenorth_playbooks.settings import Settings

from tests.integration.playbooks_bench import CLOCK, Bench, a_bench, alerts_in, at_risk, passed_over, tasks_in

pytestmark = pytest.mark.integration

HOUR = 3_600_000


@pytest.fixture
async def bench(stack: Any) -> AsyncIterator[Bench]:
    async with a_bench(stack) as made:
        yield made


async def records_of(bench: Bench, account: str) -> list[Record]:
    topic = topics.full_name("health-changes")
    return [record async for record in read_topic(bench.bootstrap, topic) if record.key == account.encode()]


async def test_a_crossing_becomes_a_task_and_an_alert_and_data_resolves_it(bench: Bench) -> None:
    account = random_id()
    async with bench.running():
        await bench.turn(account, 1, "yellow", "red")
        said = await bench.until_said(account, lambda found: len(found) == 2)
        (task,), (alert,) = tasks_in(said), alerts_in(said)
        assert (task.status, task.owner_id, task.alert_id) == ("open", "dana", alert.alert_id)
        assert alert.title == f"Account {account[:6]} turned red: 31"
        await bench.turn(account, 2, "red", "green", score=80.0)
        said = await bench.until_said(account, lambda found: len(found) == 3)
    assert [event.data.reason for event in said if isinstance(event.data, AlertResolved)] == ["resolved_by_data"]


async def test_people_close_assign_and_finish_through_actions(bench: Bench) -> None:
    account = random_id()
    async with bench.running():
        await bench.turn(account, 1, "yellow", "red")
        await bench.say("milestones", account, at_risk(account, 2))
        said = await bench.until_said(account, lambda found: len(found) == 3)
        (alert,) = alerts_in(said)
        helping = next(task for task in tasks_in(said) if task.playbook == "true-north-at-risk")
        assigned = TaskAssigned(by="dana", task_id=helping.task_id, to="ingrid")
        await bench.say("actions", account, assigned, event_id="same")
        await bench.say("actions", account, assigned, event_id="same")
        await bench.say("actions", account, TaskDone(by="dana", task_id="unknown"))
        await bench.say("actions", account, TaskDone(by="ingrid", task_id=helping.task_id))
        await bench.say("actions", account, AlertDone(by="dana", alert_id=alert.alert_id))
        said = await bench.until_said(account, lambda found: len(found) == 7)
    history = [(task.revision, task.status, task.owner_id) for task in tasks_in(said) if task.step == "help"]
    assert history == [(1, "open", "dana"), (2, "open", "ingrid"), (3, "done", "ingrid")]
    assert [task.status for task in tasks_in(said) if task.step == "call"] == ["open", "done"]
    assert [event.data.reason for event in said if isinstance(event.data, AlertResolved)] == ["done"]


async def test_old_news_backfill_and_first_bands_are_silent(bench: Bench) -> None:
    account, witness = random_id(), random_id()
    async with bench.running():
        await bench.turn(account, 1, "", "red")
        await bench.turn(account, 2, "green", "red", cause="backfill")
        await bench.turn(account, 3, "green", "red", decided_ms=CLOCK.now_ms() - 25 * HOUR)
        await bench.turn(account, 4, "green", "red", cause="definition")
        await bench.turn(witness, 1, "green", "red")
        await bench.until_said(witness, lambda found: len(found) == 2)
        assert await bench.said(account) == []


async def test_reading_everything_again_says_nothing_new(bench: Bench) -> None:
    account, witness = random_id(), random_id()
    async with bench.running():
        await bench.turn(account, 1, "yellow", "red")
        await bench.turn(account, 2, "red", "green")
        await bench.until_said(account, lambda found: len(found) == 3)
    engine = make_engine(bench.settings.database_url, schema=tables.SCHEMA)
    async with transaction(engine) as connection:  # as if the places had been lost
        await connection.execute(text("DELETE FROM consumer_offset"))
    await engine.dispose()
    async with bench.running():
        await bench.turn(account, 1, "yellow", "red")  # and as if health said it once more
        await bench.turn(witness, 1, "green", "red")
        await bench.until_said(witness, lambda found: len(found) == 2)
        assert len(await bench.said(account)) == 3


async def test_a_lost_database_is_rebuilt_under_the_same_ids(bench: Bench, stack: Any) -> None:
    account = random_id()
    async with bench.running():
        await bench.turn(account, 1, "yellow", "red")
        first = await bench.until_said(account, lambda found: len(found) == 2)
    async with a_bench(stack) as other, other.running():
        said = await other.until_said(account, lambda found: len(found) == 4)
    assert Counter(event.id for event in said) == {event.id: 2 for event in first}


async def test_a_crash_between_commit_and_relay_loses_nothing_and_changes_no_id(bench: Bench) -> None:
    account = random_id()
    await bench.turn(account, 1, "yellow", "red")
    engine = make_engine(bench.settings.database_url, schema=tables.SCHEMA)
    reactor = reactor_of(PostgresStore(engine, worker="dies"), await bundle_of(bench))
    await reactor.handle(await records_of(bench, account))
    async with transaction(engine) as connection:
        waiting = [str(row.id) for row in await connection.execute(select(tables.OUTBOX.c.id))]
    await engine.dispose()
    assert len(waiting) == 2
    assert await bench.said(account) == []
    async with bench.running():
        said = await bench.until_said(account, lambda found: len(found) == 2)
    assert sorted(event.id for event in said) == sorted(waiting)


async def test_two_at_the_same_batch_apply_it_once(bench: Bench) -> None:
    account = random_id()
    await bench.turn(account, 1, "yellow", "red")
    records, bundle = await records_of(bench, account), await bundle_of(bench)
    engine = make_engine(bench.settings.database_url, schema=tables.SCHEMA)
    store = PostgresStore(engine, worker="w")
    await asyncio.gather(*(reactor_of(store, bundle).handle(records) for _ in range(4)))
    async with transaction(engine) as connection:
        assert len((await connection.execute(select(tables.OUTBOX.c.id))).all()) == 2
    await engine.dispose()


async def test_a_task_turns_overdue_by_itself(bench: Bench) -> None:
    account = random_id()
    async with bench.running():
        await bench.turn(account, 1, "yellow", "red")
        await bench.until_said(account, lambda found: len(found) == 2)
    engine = make_engine(bench.settings.database_url, schema=tables.SCHEMA)

    class Later:
        """The real clock, five days on."""

        def now_ms(self) -> int:
            return CLOCK.now_ms() + 5 * 24 * HOUR

        def monotonic(self) -> float:
            return CLOCK.monotonic()

        async def sleep(self, seconds: float) -> None:
            await CLOCK.sleep(seconds)

    loop = OverdueLoop(
        PostgresStore(engine, worker="w"), wake=lambda: None, clock=Later(), metrics=Metrics(make_registry())
    )
    assert await loop.look() >= 1  # a new database has read what other tests wrote
    assert await loop.look() == 0
    await engine.dispose()
    async with bench.running():
        said = await bench.until_said(account, lambda found: len(found) == 3)
    assert [(task.status, task.revision) for task in tasks_in(said)] == [("open", 1), ("overdue", 2)]


async def test_a_record_nobody_can_read_is_parked_and_the_rest_goes_on(bench: Bench) -> None:
    from truenorth.kafka import Outgoing

    account = random_id()
    async with bench.running():
        bad = Outgoing(topics.full_name("health-changes"), account.encode(), b"{broken " + account.encode())
        await bench.producer.send_many([bad])
        await bench.turn(account, 1, "yellow", "red")
        await bench.until_said(account, lambda found: len(found) == 2)
    parked = [
        record.value
        async for record in read_topic(bench.bootstrap, topics.full_name("dead-letters"))
        if record.value is not None and account.encode() in record.value
    ]
    assert len(parked) == 1


async def test_probes_answer_and_metrics_count(bench: Bench) -> None:
    account = random_id()
    async with bench.running() as app, httpx.AsyncClient(trust_env=False) as client:
        await bench.turn(account, 1, "yellow", "red")
        await bench.until_said(account, lambda found: len(found) == 2)
        base = f"http://127.0.0.1:{app.telemetry.port}"
        assert (await client.get(f"{base}/livez")).status_code == 200
        assert (await client.get(f"{base}/readyz")).status_code == 200
        metrics = (await client.get(f"{base}/metrics")).text
    assert 'truenorth_playbooks_happened_total{subject="red-account-rescue",what="run_opened"}' in metrics
    assert "truenorth_playbooks_lag_records" in metrics


async def test_a_schema_that_was_never_migrated_is_said_and_not_run_over(
    stack: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(stack.bootstrap, stack.new_database(), "127.0.0.1", 0, "INFO", 60)
    assert await App(settings).run() == 1
    (said,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "run python -m truenorth_playbooks migrate" in said.getMessage()


async def test_killed_again_and_again_it_says_everything_under_one_id_each(bench: Bench) -> None:
    accounts = [random_id() for _ in range(60)]
    env = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": bench.bootstrap,
        "DATABASE_URL": bench.settings.database_url,
        "TRUENORTH_TELEMETRY_PORT": "0",
    }

    async def started() -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "truenorth_playbooks")
        return await asyncio.create_subprocess_exec(*command, env=env, stderr=asyncio.subprocess.DEVNULL)

    async def feed() -> None:
        for account in accounts:
            await bench.turn(account, 1, "yellow", "red")
            await asyncio.sleep(0.15)

    feeding = asyncio.create_task(feed())
    for lives_s in (3.0, 4.0):
        process = await started()
        await asyncio.sleep(lives_s)
        process.kill()
        await process.wait()
    await feeding
    process = await started()
    try:
        for account in accounts:  # another partition may be further than that of the last one
            await bench.until_said(account, lambda found: len({event.id for event in found}) == 2, within_s=60)
        found: dict[str, set[str]] = {account: set() for account in accounts}
        for topic in ("tasks", "alerts"):
            async for record in read_topic(bench.bootstrap, topics.full_name(topic)):
                if (key := (record.key or b"").decode()) in found:
                    found[key].add(parse_event(record.value or b"").id)
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert {len(event_ids) for event_ids in found.values()} == {2}


def reactor_of(store: PostgresStore, bundle: Bundle) -> Reactor:
    return Reactor(store, current=lambda: bundle, wake=lambda: None, clock=CLOCK, metrics=Metrics(make_registry()))


async def bundle_of(bench: Bench) -> Bundle:
    from truenorth.definitions.apply import read_shelf

    current = (await read_shelf(bench.bootstrap, passed_over)).current
    if current is None:
        raise MissingError("the bench has put no definitions in force")
    return current
