"""Sample books through the real edge: loaded once, reported exactly, and read back by people."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from truenorth import topics
from truenorth.codec import parse_event
from truenorth.events.inputs import UsageRecorded
from truenorth.kafka.reader import read_topic
from truenorth.samples.ravenstack import FILES
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.ingest.running import RunningIngest, running_ingest
from tests.shared.test_samples_ravenstack import ACCOUNTS, CHURN, SUBSCRIPTIONS, TICKETS, USAGE

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def ingest(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIngest]:
    with running_ingest(stack, tmp_path_factory.mktemp("ingest")) as running:
        yield running


def truenorth(stack: LocalStack, ingest: RunningIngest, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment() | {
        "KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap,
        "TRUENORTH_INGEST_URL": ingest.url,
        "TRUENORTH_WRITE_KEY": ingest.key,
    }
    command = [sys.executable, "-m", "truenorth.commands.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


async def types_of(stack: LocalStack, account: str) -> Counter[str]:
    """Return how many events of each type lie on the input topics for this account."""
    found: Counter[str] = Counter()
    for name in ("usage", "tickets", "billing", "surveys", "accounts", "engagements", "backfills"):
        async for record in read_topic(stack.bootstrap, topics.full_name(name)):
            if record.key == account.encode():
                found[parse_event(record.value or b"").type] += 1
    return found


async def test_a_data_set_is_loaded_and_every_row_reported(
    stack: LocalStack, ingest: RunningIngest, tmp_path: Path
) -> None:
    for name, text in zip(FILES, (ACCOUNTS, SUBSCRIPTIONS, USAGE, TICKETS, CHURN), strict=True):
        (tmp_path / f"ravenstack_{name}.csv").write_text(text.replace("A-1", "load-1"))
    answer = await asyncio.to_thread(truenorth, stack, ingest, "load", "ravenstack", str(tmp_path), "--json")
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    for name, file in report["files"].items():
        rows = len((tmp_path / f"ravenstack_{name}.csv").read_text().splitlines()) - 1
        assert file["rows"] == rows == file["accepted"] + file["repaired"] + file["refused"]
    assert report["accepted_events"] == sum(report["events"].values())
    assert report["refused_events"] == 0
    assert await types_of(stack, "load-1") == {
        "account.updated": 1,
        "subscription.started": 1,
        "usage.recorded": 3,
        "ticket.opened": 3,
        "ticket.solved": 3,
        "ticket.rated": 1,
        "account.churned": 1,
        "account.reactivated": 1,
        "history.loaded": 1,
    }


async def test_the_report_is_a_table_for_people(stack: LocalStack, ingest: RunningIngest, tmp_path: Path) -> None:
    for name, text in zip(FILES, (ACCOUNTS, SUBSCRIPTIONS, USAGE, TICKETS, CHURN), strict=True):
        (tmp_path / f"ravenstack_{name}.csv").write_text(text)
    answer = await asyncio.to_thread(truenorth, stack, ingest, "load", "ravenstack", str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    assert "feature_usage" in answer.stdout
    assert "1 refused: usage_count is 0: nothing was used" in answer.stdout


async def test_a_simulated_book_is_posted_whole(stack: LocalStack, ingest: RunningIngest) -> None:
    arguments = ("simulate", "--accounts", "9", "--days", "20", "--seed", "42", "--history", "--contacts")
    printed = await asyncio.to_thread(truenorth, stack, ingest, *arguments, "--print")
    posted = await asyncio.to_thread(truenorth, stack, ingest, *arguments, "--actions-to", stack.bootstrap)
    assert posted.returncode == 0, posted.stderr
    lines = [json.loads(line) for line in printed.stdout.splitlines()]
    actions = [parse_event(r.value or b"") async for r in read_topic(stack.bootstrap, topics.full_name("actions"))]
    assert {"acct-1003", "acct-1008"} <= {event.account for event in actions if event.type == "pulse.set"}
    assert posted.stdout == f"{len(lines):,} events of 9 accounts posted, 0 refused.\n"


async def test_one_event_is_sent_and_tailed(stack: LocalStack, ingest: RunningIngest) -> None:
    data = json.dumps({"feature": "tailed-feature", "count": 7})
    sent = await asyncio.to_thread(
        truenorth, stack, ingest, "send", "--account", "sent-1", "--type", "usage.recorded", "--data", data
    )
    assert sent.returncode == 0, sent.stderr
    environment = clean_environment() | {"KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap}
    command = [sys.executable, "-m", "truenorth.commands.main", "tail", "usage", "--from-start"]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while b"tailed-feature" not in (line := await process.stdout.readline()):
                assert line, "tail ended"
    finally:
        process.kill()
        await process.wait()
    assert b" sent-1 usage.recorded feature=tailed-feature count=7" in line
    event_id = sent.stdout.removeprefix("accepted ").strip()
    records = [r async for r in read_topic(stack.bootstrap, topics.full_name("usage")) if r.key == b"sent-1"]
    event = parse_event(records[-1].value or b"")
    assert (event.id, event.data) == (event_id, UsageRecorded(feature="tailed-feature", count=7))


async def test_wrong_use_is_told_before_anything_is_sent(stack: LocalStack, ingest: RunningIngest) -> None:
    answer = await asyncio.to_thread(truenorth, stack, ingest, "send", "--account", "a", "--type", "usage.invented")
    assert answer.returncode == 2
    assert "usage.recorded" in answer.stderr
    bad = ("send", "--account", "a", "--type", "usage.recorded", "--data", '{"count": 1}')
    answer = await asyncio.to_thread(truenorth, stack, ingest, *bad)
    assert answer.returncode == 2
    assert "feature" in answer.stderr
