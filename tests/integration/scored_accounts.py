"""Accounts of a test's own on the shared stack, scored by definitions that leave everybody else's alone."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from truenorth import codec
from truenorth.clock import SystemClock
from truenorth.events import FAMILY_OF_TYPE
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.health import HealthUpdated
from truenorth.events.payload import PayloadStruct
from truenorth.ids import random_secret
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic
from truenorth.topics import full_name
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.e2e.platform import eventually

CLOCK = SystemClock()
DEFINITIONS = """\
segments:
  - {{id: mine, name: Mine, match: {{industry: [{industry}]}}}}
  - {{id: rest, name: Rest}}
milestones: [{milestones}]
scorecards:
  - id: mine
    segment: mine
    coverage_floor: 0.2
    bands: {{red: {{enter: 40, leave: 45}}, yellow: {{enter: 70, leave: 75}}}}
    dimensions:
      - id: support
        name: Support
        weight: 2
        measures:
          - {{id: open, name: Open tickets, signal: open_tickets, weight: 1, linear: {{worst: {worst}, best: 0}}}}
      - id: sentiment
        name: Sentiment
        weight: 1
        measures:
          - {{id: nps, name: NPS, signal: nps, weight: 1, linear: {{worst: 0, best: 10}}}}
  - id: rest
    coverage_floor: 0.2
    bands: {{red: {{enter: 40, leave: 45}}, yellow: {{enter: 70, leave: 75}}}}
    dimensions:
      - id: usage
        name: Usage
        weight: 1
        measures:
          - {{id: quiet, name: Quiet days, signal: days_since_activity, weight: 1, linear: {{worst: 14, best: 0}}}}
"""


class Accounts:
    """Tells events of accounts and runs the command line. ``industry`` names the segment that is this test's own."""

    def __init__(self, stack: LocalStack, folder: Path) -> None:
        self.stack = stack
        self.industry = f"industry-{random_secret(4)}".lower()
        self._folder = folder

    def definitions(self, *, worst: int, milestones: str = "") -> str:
        """Return the directory of definitions under which ``worst`` open tickets give no points."""
        folder = self._folder / f"worst-{worst}"
        folder.mkdir()
        text = DEFINITIONS.format(industry=self.industry, worst=worst, milestones=milestones)
        (folder / "all.yaml").write_text(text, "utf-8")
        return str(folder)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        environment = clean_environment() | {"KAFKA_BOOTSTRAP_SERVERS": self.stack.bootstrap}
        command = [sys.executable, "-m", "truenorth.commands.main", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    def tell(self, account: str, *payloads: PayloadStruct) -> None:
        """Write events of now, as ingest does."""
        items = []
        for payload in payloads:
            name = TYPE_OF_PAYLOAD[type(payload)]
            value = codec.encode(
                payload, event_id=random_secret(8), source="tests", account=account, time_ms=CLOCK.now_ms()
            )
            items.append(Outgoing(full_name(FAMILY_OF_TYPE[name]), account.encode(), value))
        asyncio.run(self._send(items))

    async def _send(self, items: list[Outgoing]) -> None:
        producer = LanesProducer(self.stack.bootstrap, clock=CLOCK, client_id="tests")
        await producer.start()
        try:
            await producer.send_many(items)
        finally:
            await producer.stop()

    def snapshot(self, account: str) -> HealthUpdated | None:
        """Return what is published of an account; None when nothing is."""

        async def read() -> HealthUpdated | None:
            found = None
            async for record in read_topic(self.stack.bootstrap, full_name("health")):
                if record.key == account.encode():
                    found = None if record.value is None else codec.parse_as(record.value, HealthUpdated)
            return found

        return asyncio.run(read())

    def until_shown(self, account: str, score: int) -> None:
        """Wait until this score is published."""

        def is_shown() -> bool:
            found = self.snapshot(account)
            return found is not None and found.score is not None and int(found.score + 0.5) == score

        eventually(is_shown, what=f"{account} at {score}")


@contextmanager
def scored_accounts(stack: LocalStack, folder: Path) -> Iterator[Accounts]:
    """Run one health worker under definitions in which ten open tickets give no points."""
    accounts = Accounts(stack, folder)
    applied = accounts.command("apply", accounts.definitions(worst=10), "--yes")
    assert applied.returncode == 0, applied.stderr
    stack.start_service("health")
    try:
        yield accounts
    finally:
        stack.stop_service("health")
