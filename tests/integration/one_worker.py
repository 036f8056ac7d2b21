"""Kafka and one health worker under definitions of a test's own: tell events, read snapshots."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from truenorth import codec
from truenorth.clock import SystemClock
from truenorth.events.health import HealthUpdated
from truenorth.events.payload import PayloadStruct
from truenorth.ids import random_secret
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic
from truenorth.topics import full_name
from truenorth_local.places import Ports
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.e2e.platform import eventually


class OneWorker:
    """See `one_worker`."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self._clock = SystemClock()

    def tell(self, topic: str, **payloads: PayloadStruct) -> None:
        """Write events to a topic (short name), by account."""
        items = []
        for account, payload in payloads.items():
            value = codec.encode(
                payload, event_id=random_secret(8), source="tests", account=account, time_ms=self._clock.now_ms()
            )
            items.append(Outgoing(full_name(topic), account.encode(), value))
        asyncio.run(self._send(items))

    async def _send(self, items: list[Outgoing]) -> None:
        producer = LanesProducer(self.stack.bootstrap, clock=self._clock, client_id="tests")
        await producer.start()
        try:
            await producer.send_many(items)
        finally:
            await producer.stop()

    def differences(self) -> list[dict[str, Any]]:
        """Return what ``truenorth verify`` finds wrong once nothing waits to be decided."""

        def settled() -> dict[str, Any] | None:
            said = subprocess.run(
                [sys.executable, "-m", "truenorth.commands.main", "verify", "--json"],
                env=self.stack.settings_of("health"),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert said.returncode in {0, 1}, said.stderr
            report: dict[str, Any] = json.loads(said.stdout)
            return report if report["waiting"] == 0 else None

        return list(eventually(settled, what="a quiet system")["differences"])

    def snapshot(self, account: str) -> HealthUpdated | None:
        """Return the latest snapshot of an account; None while there is none."""
        return next(iter(self.snapshots(account)[-1:]), None)

    def snapshots(self, account: str) -> list[HealthUpdated]:
        """Return what was published about an account, oldest first."""
        return asyncio.run(self._published(account.encode()))

    async def _published(self, key: bytes) -> list[HealthUpdated]:
        return [
            codec.parse_as(record.value, HealthUpdated)
            async for record in read_topic(self.stack.bootstrap, full_name("health"))
            if record.key == key and record.value is not None
        ]


@contextmanager
def one_worker(definitions: str, settings: dict[str, str]) -> Iterator[OneWorker]:
    """Run a broker of its own and one health worker under these definitions (YAML)."""
    folder = Path(tempfile.mkdtemp(prefix="truenorth-test-"))
    stack = LocalStack(folder, ports=Ports.free(), environment=clean_environment(), clock=SystemClock(), durable=False)
    try:
        stack.start_backing()
        stack.create_topics()
        config = folder / "definitions"
        config.mkdir()
        (config / "all.yaml").write_text(definitions, "utf-8")
        stack.run("ingest", "truenorth.commands.main", "apply", str(config), "--yes")
        stack.start_service("health", settings)
        yield OneWorker(stack)
    finally:
        stack.stop()
        shutil.rmtree(folder)
