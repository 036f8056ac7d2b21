"""An edge on loopback that answers as it is told to: a script of answers, then everything is taken."""

import gzip
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Say:
    """One answer. ``reset`` breaks the connection after the whole request was read; ``hold`` waits to be released."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    reset: bool = False
    hold: bool = False


@dataclass
class LoopbackEdge:
    url: str = ""
    script: list[Say] = field(default_factory=list)
    requests: list[list[dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies_bytes: list[int] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    release: threading.Event = field(default_factory=threading.Event)

    def ids(self) -> list[list[str]]:
        return [[event["id"] for event in request] for request in self.requests]


@contextmanager
def loopback_edge(*script: Say) -> Iterator[LoopbackEdge]:
    edge = LoopbackEdge(script=list(script))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            events = json.loads(body)
            edge.requests.append(events)
            edge.headers.append({name.lower(): value for name, value in self.headers.items()} | {"path": self.path})
            edge.bodies_bytes.append(len(body))
            edge.connections.add(self.client_address[1])
            say = edge.script.pop(0) if edge.script else Say()
            edge.arrived.release()
            if say.hold:
                edge.release.wait(30)
            if say.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            told = {"success": True, "accepted": len(events), "rejected": []} if say.body is None else say.body
            content = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(say.status)
            for name, value in (*say.headers, ("Content-Length", str(len(content)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def finish(self) -> None:
            if self.connection.fileno() != -1:
                super().finish()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a sender that has gone is part of the game
    server.daemon_threads = True
    edge.url = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    try:
        yield edge
    finally:
        edge.release.set()
        server.shutdown()
        server.server_close()
        serving.join(5)
