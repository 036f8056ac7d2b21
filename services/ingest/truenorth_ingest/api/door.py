"""The one door: a plain ASGI callable that everything comes in by, in front of the framework.

The hot roads (events, SDK calls, webhooks) are answered here; what is none of them goes on to the FastAPI application
behind. Measured beside a FastAPI route, the plain callable takes three times as many one-event requests a second.
Limits, refusals and metrics are the same for every road: they are kept here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError

from truenorth_ingest.api.problems import Reply, problem, refusal_problem
from truenorth_ingest.api.reading import (
    Receive,
    Scope,
    Send,
    SenderGoneError,
    announced_bytes,
    headers_of,
    whole_body,
)
from truenorth_ingest.ports import Meter

UNANNOUNCED_BYTES: Final = 64 * 1024
BODY_SECONDS_MAX: Final = 30.0
"""A sender that stalls must not hold its share of what may wait for ever."""

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Asked:
    """A request as a road sees it.

    ``headers`` has lower-case names; ``address`` is the peer's, ``rest`` the path's part behind the road's own.
    ``hold`` counts further bytes (an inflated body) until the request is answered.
    """

    method: str
    path: str
    rest: str
    query: str
    headers: dict[str, str]
    address: str
    hold: Callable[[int], None]


class Road(Protocol):
    """A hot road: who comes along it, and what becomes of what they bring."""

    @property
    def methods(self) -> frozenset[str]:
        """The methods that it takes."""
        ...

    async def greet(self, asked: Asked) -> object:
        """Return who it is, as far as headers say, before the body is read.

        Raises:
            RefusedError: nobody who may come in.
            TransientError: that cannot be told now.
        """
        ...

    async def take(self, asked: Asked, body: bytes, caller: object) -> Reply:
        """Return the answer.

        Raises:
            RefusedError: the request as a whole is refused.
            TransientError: nothing is claimed; the sender repeats the request.
        """
        ...


class Door:
    """Answers requests; holds back the bytes of at most ``waiting_bytes_max`` at a time.

    ``roads`` are found by their path (without a slash at the end); ``prefixed`` ones by the beginning of it.
    """

    def __init__(
        self,
        behind: AsgiApp,
        *,
        roads: Mapping[str, Road],
        prefixed: Mapping[str, Road],
        clock: Clock,
        meter: Meter,
        body_bytes_max: int,
        waiting_bytes_max: int,
    ) -> None:
        self._behind = behind
        self._roads = dict(roads)
        self._prefixed = dict(prefixed)
        self._clock = clock
        self._meter = meter
        self._body_bytes_max = body_bytes_max
        self._waiting_bytes_max = waiting_bytes_max
        self._waiting_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        road, rest = self._road(scope) if scope["type"] == "http" else (None, "")
        if road is None:
            await self._behind(scope, receive, send)
            return
        started = self._clock.monotonic()
        try:
            code, answer = await self._answered(road, rest, scope, receive)
        except SenderGoneError:
            self._meter.answered("sender_gone", self._clock.monotonic() - started)
            return
        self._meter.answered(code, self._clock.monotonic() - started)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _road(self, scope: Scope) -> tuple[Road | None, str]:
        path: str = scope["path"]
        road = self._roads.get(path) or self._roads.get(path.rstrip("/"))
        if road is not None:
            return road, ""
        for prefix, found in self._prefixed.items():
            if path.startswith(prefix):
                return found, path[len(prefix) :].rstrip("/")
        return None, ""

    async def _answered(self, road: Road, rest: str, scope: Scope, receive: Receive) -> tuple[str, Reply]:
        method: str = scope["method"]
        if method not in road.methods:
            allowed = ", ".join(sorted(road.methods))
            return "method_not_allowed", problem("method_not_allowed", f"send this with {allowed}", allow=allowed)
        try:
            return "ok", await self._taken(road, rest, scope, receive)
        except RefusedError as refusal:
            return refusal.code, refusal_problem(refusal)

    async def _taken(self, road: Road, rest: str, scope: Scope, receive: Receive) -> Reply:
        headers = headers_of(scope)
        announced = announced_bytes(headers, bytes_max=self._body_bytes_max)
        held = announced or UNANNOUNCED_BYTES

        def hold(more_bytes: int) -> None:
            nonlocal held
            self._hold(more_bytes)
            held += more_bytes

        client = scope.get("client")
        query = scope.get("query_string", b"").decode("latin-1")
        address = client[0] if client else ""
        asked = Asked(scope["method"], scope["path"], rest, query, headers, address, hold)
        try:
            caller = await road.greet(asked)
        except TransientError as error:
            log.warning("who sends cannot be checked", extra={"reason": str(error)})
            return problem("keys_unavailable", "keys cannot be checked now; nothing was taken, send it again")
        if self._waiting_bytes + held > self._waiting_bytes_max:
            return problem("too_much_waiting", "too much is waiting for the broker; nothing was taken, send it again")
        self._hold(held)
        try:
            body = await self._body(receive)
            hold(len(body) - held)  # what was not announced, or not truly
            return await road.take(asked, body, caller)
        except TransientError as error:
            log.warning("events were not acknowledged", extra={"reason": str(error)})
            return problem("broker_unavailable", "the broker did not acknowledge; nothing is claimed, send it again")
        finally:
            self._hold(-held)

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
