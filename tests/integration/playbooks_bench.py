"""A playbooks service, or its parts, on real Kafka and PostgreSQL, with crossings put in and events read out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from truenorth import topics
from truenorth.clock import SystemClock
from truenorth.codec import encode, parse_event
from truenorth.definitions.apply import put_in_force, read_shelf
from truenorth.definitions.model import Definitions
from truenorth.errors import RefusedError
from truenorth.events.envelope import Event
from truenorth.events.health import DecisionPoint, HealthChanged, MilestoneChanged, MilestoneProgress
from truenorth.events.payload import PayloadStruct
from truenorth.events.work import AlertRaised, TaskUpdated
from truenorth.ids import random_id
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic
from truenorth_playbooks.app import App, run_migrations
from truenorth_playbooks.settings import Settings

from tests.playbooks.makers import ALL, PEOPLE

CLOCK = SystemClock()
POINT = DecisionPoint(offsets={}, definitions="000000000000", ordinal=1, now_ms=0)
OUT = ("tasks", "alerts")


@dataclass
class Bench:
    """What a test of playbooks works with; ``settings`` point to a migrated database of its own."""

    bootstrap: str
    settings: Settings
    producer: LanesProducer

    async def say(self, topic: str, account: str, payload: PayloadStruct, *, event_id: str = "") -> None:
        """Write one event, acknowledged when this returns."""
        value = encode(
            payload, event_id=event_id or random_id(), source="test", account=account, time_ms=CLOCK.now_ms()
        )
        await self.producer.send_many([Outgoing(topics.full_name(topic), account.encode(), value)])

    async def turn(self, account: str, number: int, before: str, after: str, **more: Any) -> None:
        """Write a band change of this account."""
        await self.say("health-changes", account, turned(account, number, before, after, **more))

    async def said(self, account: str) -> list[Event]:
        """Return all that is on the topics tasks and alerts about this account, per topic in order."""
        found = []
        for topic in OUT:
            async for record in read_topic(self.bootstrap, topics.full_name(topic)):
                if record.key == account.encode():
                    found.append(parse_event(record.value or b""))  # noqa: PERF401 - reads worse as one expression
        return found

    async def until_said(
        self, account: str, enough: Callable[[list[Event]], bool], within_s: float = 20
    ) -> list[Event]:
        """Return what was said about the account as soon as it is enough."""
        said: list[Event] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not enough(said := await self.said(account)):
                    await asyncio.sleep(0.1)
        return said

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[App]:
        """Run the whole service in this process, from ready to stopped."""
        app = App(self.settings)
        stopping = asyncio.Event()
        task = asyncio.create_task(app.run(stopping))
        try:
            async with asyncio.timeout(30):
                while app.ready() is not None and not task.done():
                    await asyncio.sleep(0.02)
            yield app
        finally:
            stopping.set()
            code = await task
        assert code == 0


def turned(account: str, number: int, before: str, after: str, **more: Any) -> HealthChanged:
    """Return a band change decided now, unless told otherwise."""
    values: dict[str, Any] = {
        "kind": "band",
        "subject": "",
        "cause": "behaviour",
        "decided_ms": CLOCK.now_ms(),
        "point": POINT,
        "score": 31.0,
        "band": after,
        "name": f"Account {account[:6]}",
        "owner_id": "dana",
    }
    return HealthChanged(account=account, number=number, before=before, after=after, **(values | more))


def at_risk(account: str, number: int) -> MilestoneChanged:
    """Return a milestone that is at risk from now on."""
    return MilestoneChanged(
        account=account,
        number=number,
        milestone=MilestoneProgress("first-value", "First value", "1", "at_risk", 1, 4),
        before="pending",
        after="at_risk",
        cause="silence",
        decided_ms=CLOCK.now_ms(),
        point=POINT,
        owner_id="dana",
    )


def tasks_in(said: list[Event]) -> list[TaskUpdated]:
    """Return the task events."""
    return [event.data for event in said if isinstance(event.data, TaskUpdated)]


def alerts_in(said: list[Event]) -> list[AlertRaised]:
    """Return the raised alerts."""
    return [event.data for event in said if isinstance(event.data, AlertRaised)]


def passed_over(_: RefusedError) -> None:
    """Take no notice of a bad bundle: other tests leave altered ones on the topic on purpose."""


@contextlib.asynccontextmanager
async def a_bench(stack: Any) -> AsyncIterator[Bench]:
    """Make a bench: definitions in force, a database migrated, a producer to write with."""
    settings = Settings(stack.bootstrap, stack.new_database(), "127.0.0.1", 0, "INFO", 60)
    await run_migrations(settings.database_url)

    shelf = await read_shelf(stack.bootstrap, passed_over)
    definitions = Definitions(playbooks=ALL, people=PEOPLE)
    await put_in_force(stack.bootstrap, definitions, current=shelf.current, clock=CLOCK)
    producer = LanesProducer(stack.bootstrap, clock=CLOCK, client_id="test")
    await producer.start()
    yield Bench(stack.bootstrap, settings, producer)
    await producer.stop()
