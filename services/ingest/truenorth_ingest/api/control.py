"""The control roads: what comes in seldom and is answered by FastAPI behind the door, under the same rules.

Whoever adds a router takes a `Gate` for the key and the body, and raises `RefusedError` and `TransientError`; the
application here makes problems of them, counts the answers and tells the rate, as the door does for hot roads.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError

from truenorth_ingest.api.document import documented
from truenorth_ingest.api.door import BODY_SECONDS_MAX, AsgiApp
from truenorth_ingest.api.problems import Reply, problem, refusal_problem
from truenorth_ingest.api.reading import (
    Message,
    Receive,
    Scope,
    Send,
    SenderGoneError,
    announced_bytes,
    headers_of,
    whole_body,
)
from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.inflating import inflated
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.handlers.keyring import Keyring, KeysUnavailableError
from truenorth_ingest.handlers.rates import Rates
from truenorth_ingest.ports import Meter

REQUESTS_MAX: Final = 64
"""So many control requests may be in work at once; beyond, the answer is 503."""

log = logging.getLogger(__name__)


class Gate:
    """Who may come along a control road, and what they may bring."""

    def __init__(self, *, keyring: Keyring, rates: Rates, clock: Clock, limits: Limits) -> None:
        self._keyring = keyring
        self._rates = rates
        self._clock = clock
        self._limits = limits

    def caller_with(self, scope: str) -> Callable[[Request], Awaitable[Sender]]:
        """Return the dependency that checks the request's key for this scope and counts the request.

        It raises what `Keyring.sender` raises, and `OverRateError`.
        """

        async def caller(request: Request) -> Sender:
            address = request.client.host if request.client is not None else ""
            sender = await self._keyring.sender(headers_of(request.scope), scope=scope, address=address)
            request.state.caller = sender
            now_s = self._clock.monotonic()
            self._rates.admit(sender, now_s)
            self._rates.charge(sender, 1, now_s)
            return sender

        return caller

    async def body(self, request: Request) -> bytes:
        """Return the whole body, inflated.

        Raises:
            RefusedError: as `whole_body` and `inflated`, or ``body_too_slow``.
            SenderGoneError: nobody waits for an answer.
        """
        bytes_max = self._limits.body_bytes_max
        headers = headers_of(request.scope)
        announced_bytes(headers, bytes_max=bytes_max)
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                body = await whole_body(request.receive, bytes_max=bytes_max)
        except TimeoutError:
            raise too_slow() from None
        return inflated(body, headers.get("content-encoding", ""), bytes_max=bytes_max)


def too_slow() -> RefusedError:
    """Return the refusal of a body that does not arrive."""
    return RefusedError(
        "body_too_slow", f"nothing of the body came for {BODY_SECONDS_MAX:g} s; nothing was taken, send it again"
    )


def make_control_app(
    limits: Limits, *routers: APIRouter, rates: Rates, clock: Clock, meter: Meter, requests_max: int = REQUESTS_MAX
) -> FastAPI:
    """Return the application that serves these routers and ``/openapi.json``, and answers problems elsewhere."""
    app = FastAPI(title="truenorth ingest", version="1", docs_url=None, redoc_url=None, redirect_slashes=False)
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(TransientError, _not_now)
    app.add_exception_handler(SenderGoneError, _gone)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _parameter_problem)
    app.add_exception_handler(Exception, _failed)
    app.add_middleware(_Kept, rates=rates, clock=clock, meter=meter, requests_max=requests_max)
    app.openapi = documented(app.openapi, limits)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


class _Kept:
    """ASGI middleware: how many requests at once, how long each took, and the rate of its key."""

    def __init__(self, app: AsgiApp, *, rates: Rates, clock: Clock, meter: Meter, requests_max: int) -> None:
        self._app = app
        self._rates = rates
        self._clock = clock
        self._meter = meter
        self._requests_max = requests_max
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._clock.monotonic()
        state = scope.setdefault("state", {})

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and "caller" in state:
                said = {name for name, _ in message["headers"]}
                headers = self._rates.headers(state["caller"], self._clock.monotonic())
                message["headers"] = [*message["headers"], *(one for one in headers if one[0] not in said)]
            await send(message)

        self._requests += 1
        code = "internal_error"
        try:
            if self._requests > self._requests_max:
                state["code"] = "too_much_waiting"
                reply = problem("too_much_waiting", "too many requests are in work; nothing was taken, send it again")
                await _response(reply)(scope, receive, send)
            else:
                await self._app(scope, receive, told)
            code = state.get("code", "ok")
        finally:
            self._requests -= 1
            self._meter.answered(code, self._clock.monotonic() - started)


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, {name.decode(): value.decode() for name, value in reply.headers})


def _problem(request: Request, code: str, reply: Reply) -> Response:
    request.state.code = code
    return _response(reply)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101 - what it is registered for
    return _problem(request, error.code, refusal_problem(error))


async def _not_now(request: Request, error: Exception) -> Response:
    log.warning("a control request failed for now", extra={"road": _road(request), "reason": str(error)})
    if isinstance(error, KeysUnavailableError):
        said = problem("keys_unavailable", "keys cannot be checked now; nothing was taken, send it again")
        return _problem(request, "keys_unavailable", said)
    said = problem("broker_unavailable", "not acknowledged or not stored; nothing is claimed, send it again")
    return _problem(request, "broker_unavailable", said)


async def _gone(request: Request, error: Exception) -> Response:
    return _problem(request, "sender_gone", problem("body_invalid", f"the connection closed early {error}".strip()))


async def _http_problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    path = request.url.path[:200]
    if status == 405:
        allowed = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
        said = problem("method_not_allowed", f"{path} takes {allowed}", allow=allowed)
        return _problem(request, "method_not_allowed", said)
    return _problem(request, "not_found", problem("not_found", f"{path} is not served; /openapi.json says what is"))


async def _parameter_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    first = error.errors()[0]
    field = str(first["loc"][-1])
    said = problem("parameter_invalid", f"{field}: {first['msg']}", field=field)
    return _problem(request, "parameter_invalid", said)


async def _failed(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw; the server logs the traceback, the sender gets none."""
    log.error("a control request failed", extra={"road": _road(request), "error": type(error).__name__})
    return _problem(request, "internal_error", problem("internal_error", "this is our mistake; it was logged"))


def _road(request: Request) -> str:
    """Return the road's own path for a log: what stands in an address may be somebody's id."""
    return str(getattr(request.scope.get("route"), "path", ""))
