"""The example for downstream teams, run as they would run it, against the real services."""

import os
import queue
import re
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from truenorth.clock import SystemClock, date_of_day, day_of
from truenorth.codec import encode
from truenorth.events.inputs import AccountUpdated, RenewalIntent, UsageRecorded
from truenorth.events.payload import PayloadStruct
from truenorth.ids import random_secret
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.topics import full_name
from truenorth_local.stack import LocalStack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "consume_health" / "consume.py"
SAID_SECONDS_MAX = 60.0
CLOCK = SystemClock()


class Example:
    """The running example, line by line as it prints."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=[process], daemon=True)
        self._reader.start()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.put(line.rstrip("\n"))

    def line_with(self, text: str) -> str:
        """Return the first line with this text; ``queue.Empty`` when it says nothing for too long."""
        while text not in (line := self._lines.get(timeout=SAID_SECONDS_MAX)):
            pass
        return line


@contextmanager
def running_example(stack: LocalStack) -> Iterator[Example]:
    environment = {"PATH": os.environ["PATH"], "PYTHONSAFEPATH": "1"}
    command = [sys.executable, str(EXAMPLE), stack.bootstrap]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd="/") as process:
        try:
            yield Example(process)
        finally:
            process.kill()


async def post(stack: LocalStack, account: str, *payloads: tuple[str, PayloadStruct]) -> None:
    """Write events as a back end would that writes to Kafka itself."""
    producer = LanesProducer(stack.bootstrap, clock=CLOCK, client_id="tests")
    await producer.start()
    try:
        now_ms = CLOCK.now_ms()
        values = [
            encode(data, event_id=random_secret(8), source="tests", account=account, time_ms=now_ms)
            for _, data in payloads
        ]
        sent = [
            Outgoing(full_name(topic), account.encode(), value)
            for (topic, _), value in zip(payloads, values, strict=True)
        ]
        await producer.send_many(sent)
    finally:
        await producer.stop()


@pytest.fixture
def scored(stack: LocalStack) -> Iterator[LocalStack]:
    """The stack with the example definitions in force and health at work."""
    stack.run("ingest", "truenorth.commands.main", "apply", str(REPOSITORY / "config"), "--yes")
    stack.start_service("health")
    try:
        yield stack
    finally:
        stack.stop_service("health")


async def test_a_downstream_team_sees_an_account_turn_red_and_why(scored: LocalStack) -> None:
    account = f"example-{random_secret(4)}"
    signed_up = date_of_day(day_of(CLOCK.now_ms()) - 40).isoformat()
    facts = AccountUpdated(
        name="Larkspur Freight", owner_id="dana.reyes", plan="Pro", seats=5, arr=600_000, signed_up_on=signed_up
    )
    used = [
        ("usage", UsageRecorded(feature=f"f{number}", module=module, actor=f"u{number}"))
        for number, module in enumerate(("projects", "reports", "imports", "automations", "dashboards"))
    ]
    await post(scored, account, ("accounts", facts), *used)
    with running_example(scored) as example:
        assert example.line_with(" accounts, ").endswith(" of them red")
        await post(scored, account, ("engagements", RenewalIntent(intent="leave")))
        line = example.line_with("Larkspur Freight: ")
    assert re.fullmatch(r"Larkspur Freight: green -> red\. \w.+ \[\w.+ -\d+\.\d.*\]", line), line


@pytest.mark.parametrize("rubbish", [b"{", b"[]", b"{}", b"\xff"])
def test_one_bad_record_does_not_end_it(rubbish: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    take = runpy.run_path(str(EXAMPLE))["take_snapshot"]
    snapshots = {"acme": {"revision": 1}}
    take(snapshots, b"acme", rubbish)
    assert snapshots == {"acme": {"revision": 1}}
    assert "no event" in capsys.readouterr().err


def test_the_example_stands_on_its_own() -> None:
    assert "truenorth" not in "".join(
        line for line in EXAMPLE.read_text("utf-8").splitlines() if line.startswith(("import ", "from "))
    )
