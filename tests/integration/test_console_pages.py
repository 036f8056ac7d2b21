"""What the topics say is on the pages, and what people do on the pages is on the topic, on real parts."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from truenorth import ids, topics
from truenorth.clock import SystemClock
from truenorth.codec import parse_event
from truenorth.events.people import AlertAcknowledged, NoteAdded, PulseSet, TaskDone
from truenorth.kafka.reader import read_topic
from truenorth.postgres.engine import make_engine, transaction
from truenorth_console.adapters.tables import AUDIT, SCHEMA
from truenorth_local.stack import LocalStack

from tests.console.bench import Console, eventually, running
from tests.console.builders import alert, change, days, entry, milestone, snapshot, task

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
async def console(stack: LocalStack) -> AsyncIterator[Console]:
    async with running(stack) as one:
        yield one


def new_account() -> str:
    return f"acc-{ids.random_id()[:8]}"


async def row(console: Console, account: str, owner: str = "dana.reyes") -> Any:
    async with httpx.AsyncClient(base_url=console.url) as client:
        rows = (await client.get("/api/accounts", params={"owner": owner})).json()["accounts"]
    return next((one for one in rows if one["account"] == account), None)


async def actions(console: Console, account: str) -> list[Any]:
    records = read_topic(console.stack.bootstrap, topics.full_name("actions"))
    return [
        parse_event(record.value).data async for record in records if record.value and record.key == account.encode()
    ]


async def test_a_snapshot_on_the_topic_is_a_row_in_its_owners_book(console: Console) -> None:
    account, now_ms = new_account(), SystemClock().now_ms()
    told = snapshot(account, now_ms, name=f"Name of {account}", milestones=[milestone(4, "at_risk", days_left=3)])
    await console.say(account, told, *days(account, now_ms, 72, 31))
    await console.say(account, task(account, now_ms), change(account, now_ms))
    await eventually(lambda: row(console, account))

    async with console.person() as client:

        async def full_row() -> bool:
            page = (await client.get("/")).text
            return f"Name of {account}" in page and "<polyline" in page

        await eventually(full_row)
        page = (await client.get("/")).text
        assert "<b>Usage down 38 %</b>" in page
        assert "4 of 7 · 3 days left" in page
        assert "$212k" in page
        assert "41 days" in page
        own = (await client.get(f"/accounts/{account}")).text
        assert "Why 31" in own
        assert "Turned red" in own
        assert "Call the sponsor at Halden Freight" in own
        assert "<b>closing the P1</b> gives back up to 12.0 points" in own
    async with console.person("tomas.lindqvist") as client:
        assert account not in (await client.get("/")).text
    async with console.person("ingrid.solberg") as client:
        assert f"Name of {account}" in (await client.get("/")).text


async def test_a_stale_revision_is_dropped(console: Console) -> None:
    account, now_ms = new_account(), SystemClock().now_ms()
    await console.say(account, snapshot(account, now_ms, revision=7, score=52.0, band="yellow"))
    await console.say(account, snapshot(account, now_ms, revision=6, score=12.0, band="red"))
    await console.say(account, snapshot(account, now_ms, revision=8, score=55.0, band="yellow"))

    async def newest() -> Any:
        found = await row(console, account)
        return found if found and found["revision"] == 8 else None

    assert (await eventually(newest))["score"] == 55.0
    await console.say(account, snapshot(account, now_ms, revision=2, score=5.0))
    later = new_account()
    await console.say(later, snapshot(later, now_ms))
    await eventually(lambda: row(console, later))
    assert (await row(console, account))["revision"] == 8


async def test_an_erased_account_is_gone(console: Console) -> None:
    account, now_ms = new_account(), SystemClock().now_ms()
    await console.say(account, snapshot(account, now_ms), task(account, now_ms))
    await eventually(lambda: row(console, account))
    await console.repeat("health", account, None)

    async def gone() -> bool:
        return await row(console, account) is None

    await eventually(gone)
    async with console.person() as client:
        answer = await client.get(f"/accounts/{account}")
    assert answer.status_code == 404
    assert "is scored here" in answer.text


async def test_acknowledging_goes_the_road_of_actions_and_leaves_an_audit_row(console: Console) -> None:
    account, now_ms = new_account(), SystemClock().now_ms()
    raised = alert(account, now_ms, title=f"{account} turned red: 31")
    await console.say(account, snapshot(account, now_ms), entry(raised))
    async with console.person() as client:

        async def shown() -> bool:
            return raised.title in (await client.get("/inbox")).text

        await eventually(shown)
        form = {"alert": raised.alert_id, "do": "acknowledge", "csrf": client.cookies["truenorth_csrf"]}
        answer = await client.post("/inbox/act", data=form)
        assert answer.status_code == 200
        assert "Sent. It shows here as soon as it has been carried out." in answer.text  # no notify runs here
        assert await actions(console, account) == [AlertAcknowledged("dana.reyes", raised.alert_id)]
        await console.say(account, entry(raised, revision=2, state="acknowledged", by="dana.reyes"))

        async def noted() -> bool:
            return "acknowledged, " in (await client.get("/inbox")).text

        await eventually(noted)
    engine = make_engine(console.app._engine.url.render_as_string(hide_password=False), schema=SCHEMA)
    try:
        async with transaction(engine) as connection:
            rows = [r for r in await connection.execute(AUDIT.select()) if r.account == account]
    finally:
        await engine.dispose()
    assert [(r.by, r.type) for r in rows] == [("dana.reyes", "alert.acknowledged")]


async def test_a_note_and_a_pulse_are_on_the_timeline_when_the_page_returns(console: Console) -> None:
    account, now_ms = new_account(), SystemClock().now_ms()
    await console.say(account, snapshot(account, now_ms))
    await eventually(lambda: row(console, account))
    async with console.person() as client:
        token = {"csrf": client.cookies["truenorth_csrf"]}
        note = {"do": "note", "text": "They asked for <b>exports</b>"} | token
        page = await client.post(f"/accounts/{account}/act", data=note)
        assert "They asked for &lt;b&gt;exports&lt;/b&gt;" in page.text
        pulse = {"do": "pulse", "rating": "2", "text": "sponsor is quiet"} | token
        page = await client.post(f"/accounts/{account}/act", data=pulse)
        assert "2, worried" in page.text
        assert "Sent." not in page.text
    said = [NoteAdded("dana.reyes", "They asked for <b>exports</b>"), PulseSet("dana.reyes", 2, "sponsor is quiet")]
    assert await actions(console, account) == said


async def test_a_finished_task_is_told_and_leaves_the_list(console: Console) -> None:
    account, now_ms = new_account(), SystemClock().now_ms()
    held = task(account, now_ms, title=f"Call {account}")
    await console.say(account, snapshot(account, now_ms), held)
    await eventually(lambda: row(console, account))
    async with console.person() as client:

        async def listed() -> bool:
            return "To do" in (await client.get(f"/accounts/{account}")).text

        await eventually(listed)
        form = {"do": "task_done", "task": held.task_id, "csrf": client.cookies["truenorth_csrf"]}
        await client.post(f"/accounts/{account}/act", data=form)
        assert await actions(console, account) == [TaskDone("dana.reyes", held.task_id)]
        closed = task(account, now_ms, revision=2, status="done", closed_ms=now_ms, closed_by="dana.reyes")
        await console.say(account, closed)

        async def left() -> bool:
            page = (await client.get(f"/accounts/{account}")).text
            return "To do" not in page and "Task done by Dana Reyes" in page

        await eventually(left)


async def test_a_form_that_is_not_ours_does_nothing(console: Console) -> None:
    account, now_ms = new_account(), SystemClock().now_ms()
    await console.say(account, snapshot(account, now_ms))
    await eventually(lambda: row(console, account))
    async with console.person() as client:
        answer = await client.post(f"/accounts/{account}/act", data={"do": "note", "text": "x", "csrf": "wrong"})
        assert answer.status_code == 403
        assert "Nothing was done" in answer.text
        other = await client.get("/", headers={"host": "rebound.example"})
        assert other.status_code == 421
    assert await actions(console, account) == []


async def test_nobody_chosen_leads_to_the_choice_and_back(console: Console) -> None:
    async with httpx.AsyncClient(base_url=console.url, follow_redirects=True) as client:
        page = await client.get("/inbox?tab=done")
        assert "Who are you?" in page.text
        assert "Dana Reyes" in page.text
        form = {"person": "dana.reyes", "csrf": client.cookies["truenorth_csrf"], "back": "/inbox?tab=done"}
        answer = await client.post("/who", data=form)
        assert str(answer.url).endswith("/inbox?tab=done")
        outside = await client.post("/who", data=form | {"back": "//elsewhere.example/"})
        assert str(outside.url) == f"{console.url}/"


async def test_every_page_forbids_what_it_does_not_need(console: Console) -> None:
    async with console.person() as client:
        for path in ("/", "/inbox", "/inbox?tab=team", "/who", "/nowhere"):
            answer = await client.get(path)
            assert answer.headers["content-security-policy"].startswith("default-src 'self'")
            assert "<style" not in answer.text
            assert " style=" not in answer.text
            assert "onclick" not in answer.text


async def test_a_record_that_cannot_be_read_is_parked_and_the_next_one_is_shown(console: Console) -> None:
    account, now_ms = new_account(), SystemClock().now_ms()
    await console.repeat("health", account, b"{not json")
    await console.say(account, snapshot(account, now_ms))
    await eventually(lambda: row(console, account))
