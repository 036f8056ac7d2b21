"""What the notify tests share: an app on real parts, a receiver of webhooks, and ways to look."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from truenorth import ids, topics
from truenorth.clock import SystemClock
from truenorth.codec import encode, parse_event
from truenorth.events.payload import PayloadStruct
from truenorth.events.work import AlertFeedChanged, DeliveryChanged
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic
from truenorth.lifecycle import run_service
from truenorth.telemetry import HttpServer
from truenorth_local.stack import LocalStack
from truenorth_notify.app import App
from truenorth_notify.settings import Settings

SECRET = "whsec_dHJ1ZW5vcnRoLXRydWVub3J0aC10cnVlbm9ydGg="


@dataclass
class Receiver:
    """A real HTTP server that answers with the next of ``answers`` (then 204) and keeps what it got."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in"

    async def app(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.got.append(({name.decode(): value.decode() for name, value in scope["headers"]}, body))
        status, headers = self.answers.pop(0) if self.answers else (204, {})
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = HttpServer(receiver.app, "127.0.0.1", 0)
    await server.start()
    receiver.port = server.port
    try:
        yield receiver
    finally:
        await server.stop()


def settings(stack: LocalStack, database_url: str) -> Settings:
    return Settings.from_env(
        {
            "KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap,
            "DATABASE_URL": database_url,
            "TRUENORTH_TELEMETRY_PORT": "0",
            "TRUENORTH_SMTP_URL": stack.smtp_url,
            "TRUENORTH_WEBHOOK_SECRET": SECRET,
            "TRUENORTH_WEBHOOK_ALLOW_PRIVATE": "1",
        }
    )


@contextlib.asynccontextmanager
async def running(app: App) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    life = asyncio.create_task(run_service(*app.parts(), stopping=stopping))
    await until(lambda: life.done() or app.not_ready() is None)
    try:
        yield
    finally:
        stopping.set()
        assert await life == 0


async def until(is_so: Callable[[], bool], *, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.01)


async def eventually(look: Callable[[], Awaitable[Any]], *, seconds: float = 30) -> Any:
    """Return the first answer of ``look`` that is not empty."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(0.05)
        return found


class Writer:
    """Writes events as their producers would."""

    def __init__(self, producer: LanesProducer) -> None:
        self._producer = producer

    async def say(self, topic: str, account: str, payload: PayloadStruct) -> bytes:
        value = encode(
            payload, event_id=ids.random_id(), source="test", account=account, time_ms=SystemClock().now_ms()
        )
        await self.repeat(topic, account, value)
        return value

    async def repeat(self, topic: str, account: str, value: bytes) -> None:
        await self._producer.send_many([Outgoing(topics.full_name(topic), account.encode(), value)])


@contextlib.asynccontextmanager
async def writing(stack: LocalStack) -> AsyncIterator[Writer]:
    producer = LanesProducer(stack.bootstrap, clock=SystemClock(), client_id="notify-test")
    await producer.start()
    try:
        yield Writer(producer)
    finally:
        await producer.stop()


async def deliveries(stack: LocalStack, alert_id: str) -> list[DeliveryChanged]:
    return [
        d for d in await _payloads(stack, "deliveries") if isinstance(d, DeliveryChanged) and d.alert_id == alert_id
    ]


async def feed(stack: LocalStack, alert_id: str) -> list[AlertFeedChanged]:
    told = await _payloads(stack, "feed")
    return [one for one in told if isinstance(one, AlertFeedChanged) and one.alert.alert_id == alert_id]


async def _payloads(stack: LocalStack, topic: str) -> list[PayloadStruct]:
    records = read_topic(stack.bootstrap, topics.full_name(topic))
    return [parse_event(record.value).data async for record in records if record.value]
