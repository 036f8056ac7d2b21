"""A console on real parts, with events written as their producers would write them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
from truenorth import ids, topics
from truenorth.clock import SystemClock
from truenorth.codec import encode
from truenorth.definitions.apply import put_in_force, read_shelf
from truenorth.definitions.model import Definitions, Person, Phase, Segment
from truenorth.events.catalogue import FAMILY_OF_TYPE, TYPE_OF_PAYLOAD
from truenorth.events.payload import PayloadStruct
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.lifecycle import run_service
from truenorth.postgres.migrations import migrate
from truenorth_console.adapters.tables import SCHEMA
from truenorth_console.app import MIGRATIONS, App
from truenorth_console.settings import Settings
from truenorth_local.stack import LocalStack

DANA = Person(id="dana.reyes", name="Dana Reyes", email="dana@example.com", manager="ingrid.solberg")
TOMAS = Person(id="tomas.lindqvist", name="Tomas Lindqvist", email="tomas@example.com", manager="ingrid.solberg")
INGRID = Person(id="ingrid.solberg", name="Ingrid Solberg", email="ingrid@example.com", role="manager")
PEOPLE = [DANA, TOMAS, INGRID]


class Console:
    """A running console, a writer of events, and a browser's worth of HTTP."""

    def __init__(self, app: App, producer: LanesProducer, stack: LocalStack) -> None:
        self.app = app
        self.stack = stack
        self._producer = producer
        self.url = f"http://127.0.0.1:{app.server.port}"

    async def say(self, account: str, *payloads: PayloadStruct, topic: str = "") -> None:
        now_ms = SystemClock().now_ms()
        records = []
        for payload in payloads:
            short = topic or FAMILY_OF_TYPE[TYPE_OF_PAYLOAD[type(payload)]]
            value = encode(payload, event_id=ids.random_id(), source="test", account=account, time_ms=now_ms)
            records.append(Outgoing(topics.full_name(short), account.encode(), value))
        await self._producer.send_many(records)

    async def repeat(self, topic: str, key: str, value: bytes | None) -> None:
        await self._producer.send_many([Outgoing(topics.full_name(topic), key.encode(), value)])

    @contextlib.asynccontextmanager
    async def person(self, who: str = "dana.reyes") -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=self.url, follow_redirects=True, timeout=20) as client:
            await client.get("/who")
            token = client.cookies["truenorth_csrf"]
            (await client.post("/who", data={"person": who, "csrf": token})).raise_for_status()
            yield client


async def apply_people(stack: LocalStack) -> None:
    shelf = await read_shelf(stack.bootstrap, lambda error: None)
    definitions = Definitions(
        people=PEOPLE,
        segments=[Segment(id="mid-market", name="Mid-market")],
        phases=[Phase(id="growth", name="Growth"), Phase(id="onboarding", name="Onboarding")],
    )
    await put_in_force(stack.bootstrap, definitions, current=shelf.current, clock=SystemClock())


def settings(stack: LocalStack, database_url: str, **more: str) -> Settings:
    return Settings.from_env(
        {
            "KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap,
            "DATABASE_URL": database_url,
            "TRUENORTH_CONSOLE_PORT": "0",
            "TRUENORTH_TELEMETRY_PORT": "0",
        }
        | more
    )


@contextlib.asynccontextmanager
async def running(stack: LocalStack, database_url: str = "") -> AsyncIterator[Console]:
    url = database_url or stack.new_database()
    await migrate(url, SCHEMA, MIGRATIONS)
    await apply_people(stack)
    app = App(settings(stack, url))
    stopping = asyncio.Event()
    life = asyncio.create_task(run_service(*app.parts(), stopping=stopping))
    producer = LanesProducer(stack.bootstrap, clock=SystemClock(), client_id="console-test")
    await producer.start()
    try:
        await eventually(lambda: _ready(life, app))
        yield Console(app, producer, stack)
    finally:
        await producer.stop()
        stopping.set()
        assert await life == 0


async def _ready(life: "asyncio.Task[int]", app: App) -> bool:
    return life.done() or app.not_ready() is None


async def eventually(look: Callable[[], Awaitable[Any]], *, seconds: float = 30) -> Any:
    """Return the first answer of ``look`` that is not empty."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(0.05)
        return found
