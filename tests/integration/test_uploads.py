"""Files on real parts: through a kill -9, from the command line, and the store against its double."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from truenorth.errors import TransientError
from truenorth.ids import random_id
from truenorth.kafka.reader import read_topic
from truenorth.postgres.engine import make_engine
from truenorth_ingest.adapters.upload_table import PostgresUploads
from truenorth_ingest.domain.uploads import RefusedRow, Upload
from truenorth_ingest.handlers.uploading import WorkStore
from truenorth_ingest.handlers.uploads import ARRIVING_MS_MAX
from truenorth_ingest.settings import SCHEMA
from truenorth_local.stack import LocalStack

from tests.ingest.running import RunningIngest, running_ingest
from tests.ingest.upload_doubles import FakeUploads

pytestmark = pytest.mark.integration

ROWS = 20_000
ACCOUNTS = 97


@pytest.fixture(scope="module")
def ingest(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIngest]:
    with running_ingest(stack, tmp_path_factory.mktemp("uploads")) as running:
        yield running


def told(ingest: RunningIngest, upload_id: str, what: str = "") -> dict[str, Any]:
    answer = httpx.get(
        f"{ingest.url}/v1/uploads/{upload_id}{what}", headers={"authorization": f"Bearer {ingest.key}"}, timeout=30
    )
    found: dict[str, Any] = answer.json()
    assert answer.status_code == 200, found
    return found


def values(bootstrap: str, topic: str, run: str) -> list[dict[str, Any]]:
    async def read() -> list[bytes]:
        return [record.value or b"" async for record in read_topic(bootstrap, f"truenorth.{topic}.v1")]

    return [json.loads(value) for value in asyncio.run(read()) if run.encode() in value]


def rows_of(run: str) -> str:
    def row(number: int) -> str:
        feature = "" if number % 100 == 7 else "export"
        day = 1 + number % 28
        return f"usage.recorded,{run}-{number % ACCOUNTS},2026-10-{day:02}T08:00:00Z,{feature},{number + 1}"

    return "type,subject,time,data.feature,data.count\n" + "\n".join(map(row, range(ROWS))) + "\n"


def test_a_killed_edge_goes_on_with_the_file_where_it_was(stack: LocalStack, ingest: RunningIngest) -> None:
    run = random_id()
    answer = httpx.post(
        f"{ingest.url}/v1/uploads?kind=events&format=csv&backfill=true",
        content=rows_of(run).encode(),
        headers={"authorization": f"Bearer {ingest.key}"},
        timeout=60,
    )
    assert answer.status_code == 202, answer.text
    upload_id = answer.json()["id"]
    while told(ingest, upload_id)["line"] < 2_000:
        time.sleep(0.01)
    (label,) = [name for name in stack.processes if name == f"ingest-{ingest.url.rpartition(':')[2]}"]
    stack.processes[label].kill()
    stack.revive(label)
    stack.wait_until(label, lambda: _ready(ingest))
    half = told(ingest, upload_id)
    assert half["state"] == "running"
    assert half["rows"] < ROWS, "it was killed in the middle"
    while (now := told(ingest, upload_id))["state"] == "running":
        time.sleep(0.2)
    assert (now["state"], now["rows"], now["refused"], now["line"]) == ("done", ROWS, ROWS // 100, ROWS + 1)
    refused = {number for number in range(ROWS) if number % 100 == 7}
    events = values(stack.bootstrap, "usage", run)
    counts = {event["id"]: event["data"].get("count", 1) - 1 for event in events}
    assert Counter(counts.values()) == Counter(number for number in range(ROWS) if number not in refused)
    assert len(events) - len(counts) <= 500, "no more than one batch was repeated"
    assert all(event["backfill"] for event in events)
    loaded = values(stack.bootstrap, "backfills", run)
    assert Counter(event["subject"] for event in loaded) == Counter(f"{run}-{n}" for n in range(ACCOUNTS))
    assert {event["data"]["from_on"] for event in loaded} == {"2026-10-01"}
    page = told(ingest, upload_id, "/refusals?limit=1000")
    assert {row["row"] - 2 for row in page["refusals"]} == refused
    assert {row["field"] for row in page["refusals"]} == {"data.feature"}


def _ready(ingest: RunningIngest) -> bool:
    try:
        return httpx.get(f"{ingest.telemetry}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_the_command_line_uploads_and_says_which_rows_were_refused(ingest: RunningIngest, tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("account_id,name,seats\nup-1,One,5\nup-2,Two,many\n")
    command = [sys.executable, "-m", "truenorth.commands.main", "upload", str(file), "--kind", "accounts"]
    environment = ingest.environment | {"TRUENORTH_INGEST_URL": ingest.url, "TRUENORTH_WRITE_KEY": ingest.key}

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *more], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    ran = run()
    assert (ran.returncode, ran.stdout) == (1, "1 rows accepted, 1 refused\n"), ran.stderr
    assert "line 3 at seats: 'many' is not a whole number" in ran.stderr
    file.write_text("account_id,name\nup-1,One\n")
    assert run().returncode == 0
    file.write_text("account_id,nam\nup-1,One\n")
    ran = run()
    assert ran.returncode == 2
    assert "did you mean name" in ran.stderr


@pytest.fixture(params=["double", "postgres"])
async def store(request: pytest.FixtureRequest, ingest: RunningIngest) -> AsyncIterator[WorkStore]:
    """The double of the unit tests and the real store, which must keep the same promises."""
    if request.param == "double":
        yield FakeUploads()
        return
    engine = make_engine(ingest.environment["DATABASE_URL"], schema=SCHEMA)
    yield PostgresUploads(engine)
    await engine.dispose()


async def test_a_store_keeps_lends_and_forgets(store: WorkStore) -> None:
    upload = Upload(f"zz-{random_id()}", "key1", "tests", "events", "csv", backfill=True, created=1)
    assert await store.begin(upload) is None
    await store.add_chunk(upload.upload_id, 0, b"broken")
    arriving = await store.begin(upload)
    assert arriving is not None
    assert arriving.state == "receiving"
    with pytest.raises(TransientError):
        await store.received(upload.upload_id, size=5)
    upload = msgspec.structs.replace(upload, created=2 + ARRIVING_MS_MAX)
    assert await store.begin(upload) is None, "what its sender gave up begins again"
    await store.add_chunk(upload.upload_id, 0, b"whole")
    await store.received(upload.upload_id, size=5)
    there = await store.begin(upload)
    assert there is not None
    assert (there.state, there.bytes, there.backfill) == ("waiting", 5, True)
    later = 10**15  # whatever the running edge does, it has no lease that lasts so long
    mine = await store.claim(worker="one", now_ms=1_000_000, lease_ms=later)
    assert mine is not None
    assert (mine.upload_id, mine.state) == (upload.upload_id, "running")
    assert await store.chunk(upload.upload_id, 0) == b"whole"
    assert await store.chunk(upload.upload_id, 1) is None
    bad = [RefusedRow(3, "data_invalid", "data.count", "no number"), RefusedRow(5, "row_invalid", "", "what")]
    note = {"worker": "one", "accepted": 7, "until_ms": later}
    assert await store.advance(upload.upload_id, position=9, refused=bad, **note)  # type: ignore[arg-type]
    assert await store.advance(upload.upload_id, position=2, refused=[], **note)  # type: ignore[arg-type]
    note["worker"] = "two"
    assert not await store.advance(upload.upload_id, position=11, refused=[], **note)  # type: ignore[arg-type]
    found = await store.find(upload.upload_id)
    assert found is not None
    assert (found.position, found.accepted, found.refused) == (9, 14, 2)
    assert await store.refusals(upload.upload_id, after=0, limit=1) == bad[:1]
    assert await store.refusals(upload.upload_id, after=3, limit=9) == bad[1:]
    end = {"state": "done", "problem": "", "now_ms": 4}
    assert not await store.end(upload.upload_id, worker="two", **end)  # type: ignore[arg-type]
    assert await store.end(upload.upload_id, worker="one", **end)  # type: ignore[arg-type]
    assert not await store.end(upload.upload_id, worker=None, **end)  # type: ignore[arg-type]
    assert await store.chunk(upload.upload_id, 0) is None
    found = await store.find(upload.upload_id)
    assert found is not None
    assert (found.state, found.finished) == ("done", 4)
    assert upload.upload_id in {one.upload_id for one in await store.newest(limit=100)}
    await store.sweep(now_ms=4)
    assert await store.open_uploads() == 0
