"""Events that wait for their account, on a real broker and a real database: none is lost, doubled or guessed."""

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from truenorth.clock import SystemClock
from truenorth.codec import encode
from truenorth.erasures import SERVICES, acknowledgement
from truenorth.ids import random_id
from truenorth.kafka import Outgoing, Record
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_local.places import Ports, free_ports
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.ingest.doubles import PSEUDONYM_SECRET
from tests.ingest.running import RunningIngest, keys_command, running_ingest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def ingest(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIngest]:
    with running_ingest(stack, tmp_path_factory.mktemp("ingest")) as running:
        yield running


async def all_records(bootstrap: str, topic: str) -> list[Record]:
    return [record async for record in read_topic(bootstrap, f"truenorth.{topic}.v1")]


async def records(bootstrap: str, topic: str, marked: str) -> list[Record]:
    found = await all_records(bootstrap, topic)
    return [record for record in found if marked.encode() in (record.value or b"")]


async def written(bootstrap: str, topic: str, marked: str) -> list[tuple[str, str]]:
    """Return id and account of the events on a topic that hold this text."""
    values = [json.loads(record.value or b"") for record in await records(bootstrap, topic, marked)]
    return sorted((value["id"], value["subject"]) for value in values)


async def eventually(look: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(0.2)
    return found


async def call(ingest: RunningIngest, url: str, body: Any) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {ingest.key}"}
    answer = await asyncio.to_thread(httpx.post, f"{url}/v1/batch", json=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def track(actor: str, message_id: str) -> dict[str, Any]:
    return {"type": "track", "userId": actor, "event": "Report Exported", "messageId": message_id}


def group(actor: str, account: str) -> dict[str, Any]:
    return {"type": "group", "userId": actor, "groupId": account, "messageId": f"g-{actor}-{account}"}


def counted(ingest: RunningIngest, metric: str) -> float:
    found = re.findall(rf"^{metric}(?:{{[^}}]*}})? (\S+)$", httpx.get(f"{ingest.telemetry}/metrics").text, re.MULTILINE)
    return sum(float(value) for value in found)


async def test_events_of_a_stranger_go_on_once_somebody_says_whose_they_are(
    stack: LocalStack, ingest: RunningIngest
) -> None:
    run = random_id()
    told = await call(ingest, ingest.url, {"batch": [track(f"u-{run}", f"{run}-{n}") for n in range(20)]})
    assert (told["accepted"], told["unresolved"]) == (20, 20)
    first = await eventually(lambda: records(stack.bootstrap, "unresolved", run))
    assert await written(stack.bootstrap, "usage", run) == []

    async def are_held() -> bool:
        return counted(ingest, "truenorth_ingest_held_events") >= 20

    await eventually(are_held)
    await call(ingest, ingest.url, {"batch": [group(f"u-{run}", f"acct-{run}")]})

    async def are_there() -> list[tuple[str, str]] | None:
        found = await written(stack.bootstrap, "usage", f"acct-{run}")
        return found if len(found) >= 20 else None

    found = await eventually(are_there)
    assert found == sorted((f"{run}-{n}", f"acct-{run}") for n in range(20))
    (came,) = await records(stack.bootstrap, "usage", f'"{run}-7"')
    held = next(json.loads(r.value or b"") for r in first if f'"{run}-7"'.encode() in (r.value or b""))
    event = json.loads(came.value or b"")
    assert (came.key, event["recordedtime"]) == (f"acct-{run}".encode(), held["data"]["recordedtime"])
    assert counted(ingest, "truenorth_ingest_events_replayed_total") >= 20


async def test_what_belongs_to_two_accounts_waits_until_it_belongs_to_one(
    stack: LocalStack, ingest: RunningIngest
) -> None:
    run = random_id()
    actor = f"u-{run}"
    await call(ingest, ingest.url, {"batch": [group(actor, f"a-{run}"), group(actor, f"b-{run}")]})
    told = await call(ingest, ingest.url, {"batch": [track(actor, f"{run}-1")]})
    assert told["unresolved"] == 1
    await eventually(lambda: records(stack.bootstrap, "unresolved", f"{run}-1"))
    await asyncio.sleep(3)
    assert await written(stack.bootstrap, "usage", f"{run}-1") == []


async def test_two_processes_share_what_they_learn_and_a_killed_one_loses_nothing(
    stack: LocalStack, ingest: RunningIngest
) -> None:
    port, telemetry = free_ports(2)
    own = ingest.environment | {"TRUENORTH_INGEST_PORT": str(port), "TRUENORTH_TELEMETRY_PORT": str(telemetry)}
    label = f"ingest-{port}"
    other = await asyncio.to_thread(stack.start_service, "ingest", own, label=label)
    url = f"http://127.0.0.1:{port}"
    run = random_id()
    try:
        for number in range(60):
            await call(ingest, ingest.url, {"batch": [track(f"u-{run}-{number}", f"{run}-{number}")]})
            if number == 20:
                other.kill()
                stack.processes.pop(label).log.close()
                await asyncio.to_thread(stack.start_service, "ingest", own, label=label)
            await call(ingest, url, {"batch": [group(f"u-{run}-{number}", f"acct-{run}")]})

        async def are_there() -> list[tuple[str, str]] | None:
            found = await written(stack.bootstrap, "usage", f"acct-{run}")
            return found if len(found) >= 60 else None

        found = await eventually(are_there, 90)
        assert {one for one, _ in found} == {f"{run}-{n}" for n in range(60)}
        told = await call(ingest, ingest.url, {"batch": [track(f"u-{run}-59", f"{run}-again")]})
        assert "unresolved" not in told, "what the other one learned is known here"
    finally:
        await asyncio.to_thread(stack.stop_service, label)


async def test_while_the_database_is_away_known_people_get_through_and_others_wait_for_it(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="truenorth-test-"))
    own = LocalStack(folder, ports=Ports.free(), environment=clean_environment(), clock=SystemClock(), durable=False)
    try:
        await asyncio.to_thread(own.start_backing)
        await asyncio.to_thread(own.create_topics)
        with running_ingest(own, tmp_path) as running:
            await _through_an_absence(own, running)
    finally:
        await asyncio.to_thread(own.stop)
        shutil.rmtree(folder)


async def _through_an_absence(own: LocalStack, running: RunningIngest) -> None:
    await call(running, running.url, {"batch": [group("known", "acct-1"), group("other", "acct-2")]})

    async def is_known() -> bool:
        told = await call(running, running.url, {"batch": [track("known", "before")]})
        return "unresolved" not in told

    await eventually(is_known)
    own.processes["postgres"].kill()
    told = await call(running, running.url, {"batch": [track("known", "k-1"), track("never seen", "n-1")]})
    assert (told["accepted"], told["unresolved"]) == (2, 1)
    assert ("k-1", "acct-1") in await written(own.bootstrap, "usage", "k-1")
    (waits,) = await records(own.bootstrap, "unresolved", "n-1")
    assert json.loads(waits.value or b"")["data"]["reason"] == "unavailable"
    await call(running, running.url, {"batch": [group("never seen", "acct-3")]})
    await asyncio.to_thread(own.revive, "postgres")

    async def is_there() -> bool:
        return await written(own.bootstrap, "usage", "n-1") == [("n-1", "acct-3")]

    await eventually(is_there, 90)


async def test_an_erasure_by_hand_reaches_what_ingest_knows_and_its_standing_tells(
    stack: LocalStack, ingest: RunningIngest, tmp_path: Path
) -> None:
    run = random_id()
    alias = Pseudonyms(PSEUDONYM_SECRET).of(f"u-{run}")
    made = keys_command(
        ingest.environment, "create", "--name", "dpo", "--scope", "erasures:write", "--write-to", str(tmp_path / "key")
    )
    assert made.returncode == 0, made.stderr
    headers = {"authorization": f"Bearer {(tmp_path / 'key').read_text().strip()}"}
    url = f"{ingest.url}/v1/erasures"
    both = [group(f"u-{run}", f"a-{run}"), group(f"u-{run}", f"b-{run}"), track(f"u-{run}", f"{run}-1")]
    assert (await call(ingest, ingest.url, {"batch": both}))["unresolved"] == 1

    body = {"kind": "actor", "subject_id": f"u-{run}"}
    answer = await asyncio.to_thread(httpx.post, url, json=body, headers=headers)
    requests = answer.json()["requests"]
    assert (answer.status_code, [one["account"] for one in requests]) == (202, [f"a-{run}", f"b-{run}"])

    def standing(number: int) -> dict[str, Any]:
        told: dict[str, Any] = httpx.get(f"{url}/{requests[number]['request_id']}", headers=headers).json()
        return told

    async def is_running() -> bool:
        return {standing(number)["status"] for number in (0, 1)} == {"running"}

    await eventually(is_running)
    assert [name for name, done in standing(0)["services"].items() if done] == ["ingest"]
    pairs = {record.key: record.value for record in await all_records(stack.bootstrap, "identities")}
    assert [value for key, value in pairs.items() if alias.encode() in (key or b"")] == [None, None]
    producer = LanesProducer(stack.bootstrap, clock=SystemClock(), client_id="others")
    await producer.start()
    for service in set(SERVICES) - {"ingest"}:
        event_id, word = acknowledgement(requests[0]["request_id"], "actor", service)
        value = encode(word, event_id=event_id, source=service, account=f"a-{run}", time_ms=SystemClock().now_ms())
        await producer.send_many([Outgoing("truenorth.erasures-done.v1", f"a-{run}".encode(), value)])
    await producer.stop()

    async def is_finished() -> bool:
        return {standing(0)["status"]} == {"finished"}

    await eventually(is_finished)
    assert standing(1)["status"] == "running"
    told = await call(ingest, ingest.url, {"batch": [track(f"u-{run}", f"{run}-2")]})
    assert told["unresolved"] == 1, "nobody knows them any more"
