"""Telemetry: /livez, /readyz and /metrics on a port of their own, and the HTTP server they and others stand on."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import uvicorn
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from truenorth.errors import MissingError

Probe = Callable[[], str | None]
"""Returns None when all is well, else the sentence that says what is not."""

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

_TEXT: Final = "text/plain; charset=utf-8"
_BACKLOG_CONNECTIONS: Final = 512


def make_registry() -> CollectorRegistry:
    """Return a fresh registry that already tells memory, CPU, descriptors and garbage collection."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class _Server(uvicorn.Server):
    """uvicorn in the running loop, which leaves signals to `truenorth.lifecycle`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """An ASGI app served in the running event loop: `start` binds, `run` serves, `stop` drains.

    ``port`` 0 lets the system choose; the real one is `port` after `start`. ``drain_within_s`` is how long
    open requests may take after `stop`. Further ``options`` go to uvicorn's Config.
    """

    def __init__(self, app: AsgiApp, host: str, port: int, *, drain_within_s: int = 5, **options: Any) -> None:
        self._host = host
        self._port = port
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=drain_within_s,
            **{"lifespan": "off", "interface": "asgi3", **options},
        )
        self._server = _Server(config)
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._port

    async def start(self) -> None:
        """Bind and serve.

        Raises:
            MissingError: when the address is taken or not ours; names it and the remedy.
        """
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # Naming the protocol lets asyncio set TCP_NODELAY on what it accepts: without it each answer waits 40 ms.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._host, self._port))
            bound.listen(_BACKLOG_CONNECTIONS)
        except OSError as error:
            bound.close()
            raise MissingError(
                f"cannot listen on {self._host}:{self._port} ({error.strerror}); "
                "stop what listens there or set another port"
            ) from None
        bound.setblocking(False)
        self._socket = bound
        self._port = bound.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve(sockets=[bound]), name=f"http {self._port}")
        while not self._server.started and not self._serving.done():  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(0.005)
        if self._serving.done():
            await self._serving

    async def run(self) -> None:
        """Serve until `stop`; returns early only when the server ended by itself."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self) -> None:
        """Take no more connections and finish those that are open."""
        self._server.should_exit = True
        if self._serving is not None:
            await asyncio.wait([self._serving])
        if self._socket is not None:
            self._socket.close()


class TelemetryServer(HttpServer):
    """Serves ``/livez``, ``/readyz`` (200, or 503 with a sentence) and ``/metrics`` of ``registry``."""

    def __init__(
        self, host: str, port: int, *, live: Probe, ready: Probe, registry: CollectorRegistry | None = None
    ) -> None:
        self._registry = registry or make_registry()
        self._probes = {"/livez": live, "/readyz": ready}
        super().__init__(self._app, host, port, drain_within_s=1)

    async def _app(self, scope: dict[str, Any], _receive: object, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            return
        status, kind, body = self._answer(scope["path"])
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
        probe = self._probes.get(path)
        if probe is None:
            return 404, _TEXT, b"here are /livez, /readyz and /metrics\n"
        trouble = probe()
        return (200, _TEXT, b"ok\n") if trouble is None else (503, _TEXT, f"{trouble}\n".encode())
