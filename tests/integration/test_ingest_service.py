"""The edge as a process, on a real broker and a real database."""

import asyncio
import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from truenorth.clock import SystemClock
from truenorth.errors import TransientError
from truenorth.ids import random_id
from truenorth.kafka import Outgoing, Record, partition_of
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic
from truenorth_ingest.adapters.lanes import KafkaLog
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.ports import EventLog
from truenorth_local.places import Ports
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.ingest.doubles import PSEUDONYM_SECRET, FakeLog, gzipped, usage
from tests.ingest.running import RunningIngest, keys_command, running_ingest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def ingest(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIngest]:
    with running_ingest(stack, tmp_path_factory.mktemp("ingest")) as running:
        yield running


async def _records(bootstrap: str, topic: str) -> list[Record]:
    return [record async for record in read_topic(bootstrap, f"truenorth.{topic}.v1")]


async def test_events_are_on_their_topics_once_under_their_key(stack: LocalStack, ingest: RunningIngest) -> None:
    run = random_id()
    batch = [usage(id=f"{run}-{n}", subject=f"acct-{n % 7}") for n in range(200)]
    batch.append(usage(id=f"{run}-t", type="ticket.opened", data={"ticket_id": "1"}))
    batch.append(
        usage(id=f"{run}-c", type="contact.updated", data={"contact_id": run, "account_id": "a", "name": "Ann"})
    )
    answer = await asyncio.to_thread(ingest.post, batch, content_type="application/cloudevents-batch+json")
    assert answer.json() == {"success": True, "accepted": 202, "rejected": []}
    mine = [r for r in await _records(stack.bootstrap, "usage") if run.encode() in (r.value or b"")]
    assert sorted(json.loads(r.value or b"")["id"] for r in mine) == sorted(f"{run}-{n}" for n in range(200))
    for record in mine:
        assert record.key == json.loads(record.value or b"")["subject"].encode()
        assert record.partition == partition_of(record.key, 8)
    (ticket,) = [r for r in await _records(stack.bootstrap, "tickets") if run.encode() in (r.value or b"")]
    assert ticket.key == b"acct-1"
    alias = Pseudonyms(PSEUDONYM_SECRET).of(run).encode()
    (contact,) = [r for r in await _records(stack.bootstrap, "contacts") if alias in (r.value or b"")]
    assert contact.key == alias


async def test_a_refused_event_is_quarantined_and_the_rest_taken(stack: LocalStack, ingest: RunningIngest) -> None:
    run = random_id()
    answer = await asyncio.to_thread(ingest.post, [usage(id=f"{run}-a"), usage(id=f"{run}-b", subject=None)])
    assert (answer.json()["accepted"], answer.json()["rejected"][0]["code"]) == (1, "subject_missing")
    (kept,) = [r for r in await _records(stack.bootstrap, "quarantine") if run.encode() in (r.value or b"")]
    assert json.loads(kept.value or b"")["code"] == "subject_missing"


def test_gzip_and_wrong_keys_and_metrics_over_a_real_connection(ingest: RunningIngest) -> None:
    headers = {"authorization": f"Bearer {ingest.key}", "content-encoding": "gzip"}
    url = f"{ingest.url}/v1/events"
    assert httpx.post(url, content=gzipped([usage()]), headers=headers).json()["accepted"] == 1
    assert httpx.post(url, content=b"x" * 2_000_000, headers=headers).status_code == 413
    refused = httpx.post(url, content=b"{}" * 40_000, headers={"authorization": "Bearer no"})
    assert (refused.status_code, refused.json()["code"]) == (401, "key_malformed")
    metrics = httpx.get(f"{ingest.telemetry}/metrics").text
    assert "truenorth_ingest_events_accepted_total" in metrics
    assert 'truenorth_ingest_answer_seconds_count{code="key_malformed"}' in metrics
    assert httpx.get(f"{ingest.url}/openapi.json").json()["paths"]["/v1/events"]


def test_keys_are_made_listed_and_revoked(ingest: RunningIngest, tmp_path: Path) -> None:
    file = tmp_path / "keys" / "local"
    arguments = ("create", "--name", "other", "--env", "local", "--write-to", str(file))
    assert keys_command(ingest.environment, *arguments).returncode == 0
    key = file.read_text().strip()
    assert key.startswith("tn_local_")
    assert file.stat().st_mode & 0o777 == 0o600
    assert keys_command(ingest.environment, *arguments).returncode == 0
    assert file.read_text().strip() == key, "a key that works is kept"
    key_id = key.split("_")[2]
    listed = keys_command(ingest.environment, "list").stdout
    assert key_id in listed
    assert key.split("_")[3] not in listed
    assert keys_command(ingest.environment, "revoke", key_id).returncode == 0
    url = f"{ingest.url}/v1/events"
    assert httpx.post(url, json=usage(), headers={"x-write-key": key}).json()["code"] == "key_revoked"
    assert keys_command(ingest.environment, *arguments).returncode == 0
    assert file.read_text().strip() != key, "a revoked key is replaced"


def test_a_stop_finishes_what_it_has_begun(stack: LocalStack, tmp_path: Path) -> None:
    with running_ingest(stack, tmp_path) as running, ThreadPoolExecutor(8) as pool:
        running.post(usage())
        answers = [pool.submit(running.post, [usage(id=f"{n}-{m}") for m in range(300)]) for n in range(16)]
        running.process.send_signal(signal.SIGTERM)
        told = []
        for answer in answers:
            try:
                told.append(answer.result().status_code)
            except httpx.TransportError:
                continue  # not connected any more, or never: nothing was claimed
        assert running.process.wait(30) == 0
        assert set(told) <= {200}


async def test_a_broker_that_stops_is_told_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="truenorth-test-"))
    own = LocalStack(folder, ports=Ports.free(), environment=clean_environment(), clock=SystemClock(), durable=False)
    try:
        await asyncio.to_thread(own.start_backing)
        await asyncio.to_thread(own.create_topics)
        with running_ingest(own, tmp_path, TRUENORTH_INGEST_ANSWER_SECONDS_MAX="2") as running:
            await _through_an_outage(own, running)
    finally:
        await asyncio.to_thread(own.stop)
        shutil.rmtree(folder)


async def _through_an_outage(own: LocalStack, running: RunningIngest) -> None:
    claimed: list[str] = []
    unclaimed: list[httpx.Response] = []
    over = asyncio.Event()

    async def sender(number: int) -> None:
        count = 0
        while not over.is_set():
            ids = [f"{number}-{count}-{n}" for n in range(20)]
            count += 1
            answer = await asyncio.to_thread(running.post, [usage(id=i, subject=i) for i in ids])
            if answer.status_code == 200:
                assert answer.json()["accepted"] == 20
                claimed.extend(ids)
            else:
                unclaimed.append(answer)

    senders = [asyncio.create_task(sender(number)) for number in range(4)]
    await asyncio.sleep(1)
    await asyncio.to_thread(own.processes["kafka"].kill)
    await asyncio.sleep(5)
    before = len(claimed)
    await asyncio.to_thread(own.revive, "kafka")
    async with asyncio.timeout(60):
        while len(claimed) < before + 400:
            await asyncio.sleep(0.1)
    over.set()
    await asyncio.gather(*senders)
    assert unclaimed
    assert {answer.status_code for answer in unclaimed} == {503}
    assert all("retry-after" in answer.headers for answer in unclaimed)
    there = {json.loads(record.value or b"")["id"] for record in await _records(own.bootstrap, "usage")}
    assert set(claimed) <= there


@pytest.fixture(params=["double", "broker"])
def event_log(request: pytest.FixtureRequest, stack: LocalStack) -> tuple[EventLog, Any]:
    """The double of the unit tests and the real log, which must keep the same promises."""
    if request.param == "double":
        return FakeLog(), None
    producer = LanesProducer(stack.bootstrap, clock=SystemClock(), client_id="conformance", delivery_s_max=2.0)
    return KafkaLog(producer), producer


async def test_a_log_has_what_it_acknowledged_and_raises_what_it_cannot(
    event_log: tuple[EventLog, Any], stack: LocalStack
) -> None:
    log, producer = event_log
    run = random_id()
    if producer is not None:
        await producer.start()
    await log.append([])
    await log.append([Outgoing("truenorth.usage.v1", b"a", f"{run} {n}".encode()) for n in range(3)])
    if isinstance(log, FakeLog):
        values = [record.value or b"" for record in log.records]
        log.broken = True
    else:
        values = [record.value or b"" for record in await _records(stack.bootstrap, "usage")]
        await producer.stop()
    assert [value for value in values if value.startswith(run.encode())] == [f"{run} {n}".encode() for n in range(3)]
    with pytest.raises(TransientError):
        await log.append([Outgoing("truenorth.usage.v1", b"a", b"late")])
