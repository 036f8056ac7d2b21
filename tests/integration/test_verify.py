"""``truenorth verify`` and ``truenorth tail`` against a real worker on a real broker."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from truenorth import codec
from truenorth.clock import SystemClock
from truenorth.events import FAMILY_OF_TYPE
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.health import HealthChanged
from truenorth.ids import derived_id
from truenorth.kafka import Outgoing, Record
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic
from truenorth.kafka.records import partition_of
from truenorth.samples.book import make_book
from truenorth.samples.events import SampleEvent
from truenorth.samples.history import past_of
from truenorth.streams.log import Entry
from truenorth.streams.records import entry_key
from truenorth.topics import HEALTH_SOURCES, PARTITIONS_DEFAULT, full_name
from truenorth_health.domain.parts import Surveys
from truenorth_local.places import Ports
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.e2e.platform import REPOSITORY, eventually

pytestmark = pytest.mark.integration

ACCOUNTS = 24


def family_of(event: SampleEvent) -> str:
    """Return the topic (short name) that an event belongs on."""
    return FAMILY_OF_TYPE[TYPE_OF_PAYLOAD[type(event.data)]]


class Ground:
    """Kafka and one health worker, and the command line against them."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.clock = SystemClock()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        return subprocess.run(
            [sys.executable, "-m", "truenorth.commands.main", *arguments],
            env=self.stack.settings_of("health"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def verify(self, *arguments: str) -> dict[str, Any]:
        """Return what verify says, with its exit code."""
        said = self.command("verify", "--json", *arguments)
        assert said.returncode in {0, 1}, said.stderr
        return dict(json.loads(said.stdout)) | {"exit": said.returncode}

    def send(self, events: list[SampleEvent]) -> None:
        """Write events as ingest does."""
        items = []
        for event in events:
            value = codec.encode(
                event.data, event_id=event.id, source="test", account=event.account, time_ms=event.time_ms
            )
            items.append(Outgoing(full_name(family_of(event)), event.account.encode(), value))
        asyncio.run(self._send(items))

    async def _send(self, items: list[Outgoing]) -> None:
        producer = LanesProducer(self.stack.bootstrap, clock=self.clock, client_id="test")
        await producer.start()
        try:
            await producer.send_many(items)
        finally:
            await producer.stop()

    def forge(self, topic: str, partition: int, key: bytes, value: bytes) -> None:
        """Write a record that no worker wrote."""

        async def write() -> None:
            writer = await KafkaLog(self.stack.bootstrap, client_id="forger").open_writer(f"forger-{partition}")
            await writer.commit({(full_name(topic), partition): [Entry(key, value)]})
            await writer.close()

        asyncio.run(write())

    def records(self, topic: str) -> list[Record]:
        """Return what a topic holds."""

        async def read() -> list[Record]:
            return [record async for record in read_topic(self.stack.bootstrap, full_name(topic))]

        return asyncio.run(read())

    def settle(self) -> None:
        """Wait until every account is published and nothing waits to be decided."""
        eventually(lambda: len({record.key for record in self.records("health")}) == ACCOUNTS, what="every snapshot")
        eventually(lambda: self.verify()["waiting"] == 0, what="a quiet system")


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="truenorth-test-"))
    stack = LocalStack(folder, ports=Ports.free(), environment=clean_environment(), clock=SystemClock(), durable=False)
    try:
        stack.start_backing()
        stack.create_topics()
        stack.run("ingest", "truenorth.commands.main", "apply", str(REPOSITORY / "config"), "--yes")
        stack.start_service("health")
        yield Ground(stack)
    finally:
        stack.stop()
        shutil.rmtree(folder)


def test_a_running_system_is_judged_and_every_forgery_is_named(ground: Ground, tmp_path: Path) -> None:
    book = make_book(accounts=ACCOUNTS, seed=5)
    past = past_of(book, days=15, seed=5, now_ms=ground.clock.now_ms())
    half = len(past) // 2
    ground.send(past[:half])
    assert ground.verify()["differences"] == []  # while it works through them

    process = ground.stack.processes.pop("health")
    process.kill()
    process.log.close()
    ground.stack.start_service("health")
    ground.send(past[half:])
    ground.send(past[:20])  # a sender that sends again
    ground.settle()

    whole = ground.verify()
    assert (whole["exit"], whole["differences"], whole["out_of_reach"]) == (0, [], [])
    assert (whole["accounts"], whole["dead_letters"], whole["partitions"]) == (ACCOUNTS, 0, PARTITIONS_DEFAULT)
    assert whole["transitions"] == len(ground.records("health-changes")) + len(ground.records("milestones"))
    folded = [event for event in past if family_of(event) in HEALTH_SOURCES]
    again = [event for event in past[:20] if family_of(event) in HEALTH_SOURCES]
    assert (whole["events"], whole["duplicates"]) == (len(folded), len(again))

    assert ground.verify("--sample", "8")["accounts"] <= 8
    part = ground.verify("--partition", "3", "--resume", str(tmp_path / "progress"))
    assert (part["partitions"], list(tmp_path.iterdir())) == (1, [])
    assert ground.command("verify", "--partition", "99").returncode == 2

    ground.stack.stop_service("health")
    forged = forge_change(ground)
    forge_part(ground, forged.account)
    found = ground.verify()
    assert found["exit"] == 1
    assert {difference["account"] for difference in found["differences"]} == {forged.account}
    text = ground.command("verify")
    assert text.returncode == 1
    assert f"{forged.account}: surveys.over" in text.stdout
    assert "    look at   truenorth tail health-changes --partition" in text.stdout
    by_field = {difference["field"]: difference for difference in found["differences"]}
    assert by_field.keys() == {"number", "surveys.over"}
    told = ground.command(*by_field["number"]["look"][0].split()[1:], "--json")
    assert json.loads(told.stdout)["value"]["data"]["number"] == forged.number


def forge_change(ground: Ground) -> HealthChanged:
    """Append a transition that no decision made."""
    record = ground.records("health-changes")[-1]
    last = codec.parse_as(record.value or b"", HealthChanged)
    forged = msgspec.structs.replace(last, number=last.number + 50, revision=last.revision + 50)
    value = codec.encode(
        forged,
        event_id=derived_id("health", forged.account, str(forged.number)),
        source="forger",
        account=forged.account,
        time_ms=ground.clock.now_ms(),
    )
    ground.forge("health-changes", record.partition, record.key or b"", value)
    return forged


def forge_part(ground: Ground, account: str) -> None:
    """Overwrite a part of an account in the changelog; only a total is changed."""
    key = entry_key(account, "surveys")
    kept = [record.value for record in ground.records("health-changelog") if record.key == key]
    surveys = msgspec.msgpack.decode(kept[-1] or b"", type=Surveys) if kept else Surveys()
    surveys.over += 7
    partition = partition_of(account.encode(), PARTITIONS_DEFAULT)
    ground.forge("health-changelog", partition, key, msgspec.msgpack.encode(surveys))


@pytest.mark.parametrize("topic", ["health-changelog", "health", "usage"])
def test_every_kind_of_topic_is_told_in_lines(ground: Ground, topic: str) -> None:
    said = ground.command("tail", topic, "--from-start", "--count", "3")
    assert said.returncode == 0, said.stderr
    assert len(said.stdout.splitlines()) == 3
    assert "unreadable" not in said.stdout


def test_an_offset_that_is_not_there_is_said(ground: Ground) -> None:
    said = ground.command("tail", "usage", "--partition", "0", "--offset", "99999999", "--count", "1")
    assert (said.returncode, "there is no offset" in said.stderr) == (3, True)
