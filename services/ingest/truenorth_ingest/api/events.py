"""``POST /v1/events`` as a plain ASGI callable: the hot road, in front of the framework.

What is not this path goes on to the FastAPI application behind it. Measured beside a FastAPI route, the
plain callable takes three times as many one-event requests a second.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from truenorth.clock import Clock
from truenorth.codec import encode_json
from truenorth.errors import RefusedError, TransientError

from truenorth_ingest.api.problems import Reply, problem, reply
from truenorth_ingest.api.reading import (
    Receive,
    Scope,
    Send,
    SenderGoneError,
    announced_bytes,
    headers_of,
    whole_body,
)
from truenorth_ingest.handlers.intake import Intake
from truenorth_ingest.handlers.keyring import Keyring
from truenorth_ingest.ports import Meter

EVENTS_PATH: Final = "/v1/events"
JSON_TYPE: Final = b"application/json"
UNANNOUNCED_BYTES: Final = 64 * 1024
BODY_SECONDS_MAX: Final = 30.0
"""A sender that stalls must not hold its share of what may wait for ever."""

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)


class EventsEndpoint:
    """Answers requests to take events; holds back the bytes of at most ``waiting_bytes_max`` at a time."""

    def __init__(
        self,
        behind: AsgiApp,
        *,
        intake: Intake,
        keyring: Keyring,
        clock: Clock,
        meter: Meter,
        body_bytes_max: int,
        waiting_bytes_max: int,
    ) -> None:
        self._behind = behind
        self._intake = intake
        self._keyring = keyring
        self._clock = clock
        self._meter = meter
        self._body_bytes_max = body_bytes_max
        self._waiting_bytes_max = waiting_bytes_max
        self._waiting_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http" or scope["path"].rstrip("/") != EVENTS_PATH:
            await self._behind(scope, receive, send)
            return
        started = self._clock.monotonic()
        try:
            code, answer = await self._answered(scope, receive)
        except SenderGoneError:
            self._meter.answered("sender_gone", self._clock.monotonic() - started)
            return
        self._meter.answered(code, self._clock.monotonic() - started)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answered(self, scope: Scope, receive: Receive) -> tuple[str, Reply]:
        if scope["method"] != "POST":
            return "method_not_allowed", problem("method_not_allowed", f"send events with POST {EVENTS_PATH}")
        try:
            return "ok", await self._taken(headers_of(scope), receive)
        except RefusedError as refusal:
            return refusal.code, problem(refusal.code, refusal.message, field=refusal.field)

    async def _taken(self, headers: dict[str, str], receive: Receive) -> Reply:
        announced = announced_bytes(headers, bytes_max=self._body_bytes_max)
        try:
            sender = await self._keyring.sender(headers.get("authorization", ""), headers.get("x-write-key", ""))
        except TransientError as error:
            log.warning("keys cannot be checked", extra={"reason": str(error)})
            return problem("keys_unavailable", "keys cannot be checked now; nothing was taken, send it again")
        held = announced or UNANNOUNCED_BYTES
        if self._waiting_bytes + held > self._waiting_bytes_max:
            return problem("too_much_waiting", "too much is waiting for the broker; nothing was taken, send it again")
        self._hold(held)
        try:
            body = await self._body(receive)
            self._hold(len(body) - held)  # what was not announced, or not truly
            held = len(body)
            answer = await self._intake.take(body, headers, sender)
        except TransientError as error:
            log.warning("events were not acknowledged", extra={"reason": str(error)})
            return problem("broker_unavailable", "the broker did not acknowledge; nothing is claimed, send it again")
        finally:
            self._hold(-held)
        return reply(200, JSON_TYPE, encode_json(answer))

    async def _body(self, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                return await whole_body(receive, bytes_max=self._body_bytes_max)
        except TimeoutError:
            raise RefusedError(
                "body_too_slow",
                f"the body was not whole after {BODY_SECONDS_MAX:g} s; nothing was taken, send it again",
            ) from None

    def _hold(self, change_bytes: int) -> None:
        self._waiting_bytes += change_bytes
        self._meter.waiting(self._waiting_bytes)
