"""Around every request: only this machine's own names, strict headers, and a stopwatch."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from truenorth.clock import Clock

from truenorth_console.metrics import Metrics

NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
HEADERS: Final = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]

_App = Callable[[Any, Any, Any], Awaitable[None]]


class Guard:
    """An ASGI middleware; a page of another site that resolves its own name to this machine gets nothing."""

    def __init__(self, app: _App, *, metrics: Metrics, clock: Clock) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not _is_ours(scope):
            await _refuse(send)
            return
        begun_s = self._clock.monotonic()

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *HEADERS]
                if b"cache-control" not in names:
                    message["headers"].append((b"cache-control", b"no-store"))
                route = getattr(scope.get("route"), "path", "other")
                self._metrics.answered(route, message["status"], self._clock.monotonic() - begun_s)
            await send(message)

        await self._app(scope, receive, guarded)


def _is_ours(scope: Any) -> bool:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    name = host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]
    return name in NAMES


async def _refuse(send: Any) -> None:
    body = b"The console answers to 127.0.0.1 and localhost alone.\n"
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": body})
