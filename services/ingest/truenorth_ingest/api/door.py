"""The one door: a plain ASGI callable that everything comes in by, in front of the framework.

The hot roads (events, SDK calls, webhooks) are answered here; what is none of them goes on to the FastAPI application
behind. Measured beside a FastAPI route, the plain callable takes three times as many one-event requests a second.
Limits, refusals and metrics are the same for every road: they are kept here.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError

from truenorth_ingest.api.problems import BUSY_CODES, Reply, problem, refusal_problem
from truenorth_ingest.api.reading import (
    Receive,
    Scope,
    Send,
    SenderGoneError,
    announced_bytes,
    headers_of,
    whole_body,
)
from truenorth_ingest.api.waiting import Held, Waiting
from truenorth_ingest.handlers.deadlines import Deadlines
from truenorth_ingest.handlers.keyring import FAILURES, KeysUnavailableError
from truenorth_ingest.handlers.strangers import Strangers
from truenorth_ingest.ports import Meter

UNANNOUNCED_BYTES: Final = 64 * 1024
RETRY_COUNT_HEADER: Final = "x-retry-count"
BODY_SECONDS_MAX: Final = 30.0
"""A sender that stalls must not hold its share of what may wait for ever."""

_NOT_CHARGED: Final = FAILURES | BUSY_CODES | {"too_many_failures"}
"""What the keyring has counted already, and what is not the sender's doing."""

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Asked:
    """A request as a road sees it.

    ``headers`` has lower-case names; ``address`` is the peer's, ``rest`` the path's part behind the road's own.
    ``hold`` counts further bytes (an inflated body) until the request is answered; it raises `RefusedError`
    (``too_much_waiting``) when that is too much. A road whose `Road.greet` returned None, or somebody `Unproven`,
    because only the body says who sends, calls ``known`` when it has found out.
    """

    method: str
    path: str
    rest: str
    query: str
    headers: dict[str, str]
    address: str
    hold: Callable[[int], None]
    known: Callable[[], None]


class Unproven:
    """Whoever a road's ``greet`` returned is only said to come along it: the body has to show it."""

    __slots__ = ()


class Road(Protocol):
    """A hot road: who comes along it, and what becomes of what they bring."""

    @property
    def methods(self) -> frozenset[str]:
        """The methods that it takes."""
        ...

    async def greet(self, asked: Asked) -> object:
        """Return who it is, as far as headers say, before the body is read; None when only the body says.

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

    ``roads`` are found by their path (without a slash at the end); ``prefixed`` ones by the beginning of it. At most
    ``unknown_bytes_max`` of the bytes are of senders whom only their body tells. ``busy_status`` is the status of
    what is not the sender's doing: 503, or 429 for SDKs that keep ``Retry-After`` on that alone.
    """

    def __init__(
        self,
        behind: AsgiApp,
        *,
        roads: Mapping[str, Road],
        prefixed: Mapping[str, Road],
        clock: Clock,
        meter: Meter,
        strangers: Strangers,
        body_bytes_max: int,
        waiting_bytes_max: int,
        unknown_bytes_max: int,
        busy_status: int = 503,
        body_seconds_max: float = BODY_SECONDS_MAX,
    ) -> None:
        self._behind = behind
        self._bodies = Deadlines(body_seconds_max)
        self._roads = dict(roads)
        self._prefixed = dict(prefixed)
        self._clock = clock
        self._meter = meter
        self._strangers = strangers
        self._body_bytes_max = body_bytes_max
        self._waiting = Waiting(bytes_max=waiting_bytes_max, unknown_bytes_max=unknown_bytes_max, told=meter.waiting)
        self._busy_status = busy_status

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
            return refusal.code, refusal_problem(refusal, busy_status=self._busy_status)

    async def _taken(self, road: Road, rest: str, scope: Scope, receive: Receive) -> Reply:
        headers = headers_of(scope)
        announced = announced_bytes(headers, bytes_max=self._body_bytes_max)
        if headers.get(RETRY_COUNT_HEADER, "0") not in {"", "0"}:
            self._meter.client_retry()
        held = Held(self._waiting)
        client = scope.get("client")
        query = scope.get("query_string", b"").decode("latin-1")
        address = client[0] if client else ""
        asked = Asked(scope["method"], scope["path"], rest, query, headers, address, held.more, held.known)
        try:
            caller = await road.greet(asked)
        except TransientError as error:
            raise _keys_unavailable(error) from error
        unknown = caller is None or isinstance(caller, Unproven)
        try:
            held.begin(announced or UNANNOUNCED_BYTES, unknown=unknown)
            body = await self._body(receive, held)
            return await road.take(asked, body, caller)
        except RefusedError as refusal:
            if held.unknown and refusal.code not in _NOT_CHARGED:
                self._strangers.failed(address, self._clock.monotonic())
            raise
        except KeysUnavailableError as error:
            raise _keys_unavailable(error) from error
        except TransientError as error:
            log.warning("events were not acknowledged", extra={"reason": str(error)})
            raise RefusedError(
                "broker_unavailable", "the broker did not acknowledge; nothing is claimed, send it again"
            ) from error
        finally:
            held.end()

    async def _body(self, receive: Receive, held: Held) -> bytes:
        try:
            with self._bodies.within():
                body = await whole_body(receive, bytes_max=self._body_bytes_max, grown=held.at_least)
        except TimeoutError:
            raise RefusedError(
                "body_too_slow",
                f"the body was not whole after {self._bodies.seconds_max:g} s; nothing was taken, send it again",
            ) from None
        held.exactly(len(body))
        return body


def _keys_unavailable(error: TransientError) -> RefusedError:
    log.warning("who sends cannot be checked", extra={"reason": str(error)})
    return RefusedError("keys_unavailable", "keys cannot be checked now; nothing was taken, send it again")
