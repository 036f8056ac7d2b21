"""A running platform and what tests ask of it: post events, read topics, wait for what must come."""

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
from truenorth import codec
from truenorth.events import Event
from truenorth.kafka.reader import read_topic
from truenorth.topics import full_name
from truenorth_local.stack import LocalStack

from tests.e2e.receiver import WebhookReceiver

REPOSITORY = Path(__file__).parents[2]
SERVICES = ("ingest", "health", "playbooks", "notify", "console")
WAIT_SECONDS_MAX = 60.0

T = TypeVar("T")


def config_with_webhook(target: Path, url: str) -> Path:
    """Copy the example definitions, with their one webhook pointing at ``url``."""
    shutil.copytree(REPOSITORY / "config", target)
    routes = target / "routes.yaml"
    text = routes.read_text("utf-8")
    before = next(line for line in text.splitlines() if line.strip().startswith("url:"))
    routes.write_text(text.replace(before, f"    url: {url}"), "utf-8")
    return target


class Platform:
    """All services on a stack of their own."""

    def __init__(self, stack: LocalStack, config: Path, receiver: WebhookReceiver) -> None:
        self.stack = stack
        self.receiver = receiver
        self._config = config
        self.key = ""

    def start(self) -> None:
        """Start everything as `truenorth up` does, and take a write key."""
        self.stack.start_backing()
        self.stack.create_topics()
        for name in SERVICES:
            self.stack.migrate(name)
        self.run("apply", str(self._config), "--yes")
        key_file = self.stack.places.write_key
        self.run("keys", "create", "--name", "e2e", "--env", "test", "--write-to", str(key_file))
        self.key = key_file.read_text("utf-8").strip()
        for name in SERVICES:
            self.stack.start_service(name)

    def run(self, *arguments: str) -> str:
        """Run the command line with the platform's settings and return what it printed."""
        key = {"TRUENORTH_WRITE_KEY": self.key} if self.key else {}
        return self.stack.run("ingest", "truenorth.commands.main", *arguments, environment=key)

    def kill(self, name: str) -> None:
        """End a service with SIGKILL and wait for its end."""
        process = self.stack.processes.pop(name)
        process.kill()
        process.log.close()

    @property
    def webhook_secret(self) -> str:
        return self.stack.settings_of("notify")["TRUENORTH_WEBHOOK_SECRET"]

    @property
    def ingest_url(self) -> str:
        return f"http://127.0.0.1:{self.stack.ports.ingest}"

    @property
    def console_url(self) -> str:
        return f"http://127.0.0.1:{self.stack.ports.console}"

    def post(self, events: list[dict[str, Any]], *, seconds: float = 30.0) -> dict[str, Any]:
        """Post a batch; what is not answered, or answered 503, is posted again with the same ids."""
        deadline = time.monotonic() + seconds
        body = json.dumps(events)
        headers = {"content-type": "application/cloudevents-batch+json", "authorization": f"Bearer {self.key}"}
        while True:
            try:
                answer = httpx.post(f"{self.ingest_url}/v1/events", content=body, headers=headers, timeout=15)
                if answer.status_code == 200:
                    return dict(answer.json())
                assert answer.status_code == 503, answer.text
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, "ingest did not take the batch in time"
            time.sleep(0.2)

    def events(self, topic: str) -> list[Event]:
        """Return everything committed on a topic, parsed; tombstones left out."""

        async def read() -> list[Event]:
            return [
                codec.parse_event(record.value)
                async for record in read_topic(self.stack.bootstrap, full_name(topic))
                if record.value is not None
            ]

        return asyncio.run(read())

    def of_account(self, topic: str, account: str) -> list[Any]:
        """Return the payloads a topic has for one account, in order."""
        return [event.data for event in self.events(topic) if event.account == account]


def eventually(look: Callable[[], T | None], *, seconds: float = WAIT_SECONDS_MAX, what: str = "") -> T:
    """Return the first truthy thing that ``look`` sees."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"{what or 'it'} did not come within {seconds:.0f} s"
        time.sleep(0.2)


def event(event_type: str, account: str, event_id: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return one CloudEvent."""
    envelope = {"specversion": "1.0", "id": event_id, "source": "e2e", "type": event_type, "subject": account}
    return envelope | {"data": data} | more
