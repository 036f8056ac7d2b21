"""What stands between an SDK and the edge: passes requests on as they are, notes them, and is told to misbehave."""

import base64
import gzip
import http.client
import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic
from typing import Any, Literal

from truenorth_ingest.api.problems import problem

FORWARD_SECONDS_MAX = 60


@dataclass(frozen=True)
class Turn:
    """What happens to one request instead of passing: ``refuse`` it with a problem, ``cut`` the connection before the
    edge hears of it, or ``lose`` the edge's answer.
    """

    does: Literal["refuse", "cut", "lose"]
    code: str = ""
    retry_after_seconds: int = 1


@dataclass(frozen=True)
class Seen:
    """One request as it came, when, and the status it was answered with; 0 when there was no answer."""

    path: str
    headers: dict[str, str]
    raw: bytes
    at: float
    status: int
    answer: Any

    @property
    def body(self) -> Any:
        return json.loads(gzip.decompress(self.raw) if self.headers.get("content-encoding") == "gzip" else self.raw)

    @property
    def ids(self) -> list[str]:
        return [call["messageId"] for call in self.body["batch"]]

    @property
    def key(self) -> str:
        """The key that came by Basic authentication."""
        given = self.headers.get("authorization", "").removeprefix("Basic ")
        return base64.b64decode(given).decode().partition(":")[0]


class Between:
    """A server on loopback in front of the edge at ``port``."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = Lock()
        self._turns: deque[Turn] = deque()
        self._seen: list[Seen] = []
        self.url = ""

    def misbehave(self, *turns: Turn) -> None:
        """Do these to the next requests, one each."""
        with self._lock:
            self._turns.extend(turns)

    @property
    def seen(self) -> list[Seen]:
        """Every request so far, in order of its end."""
        with self._lock:
            return list(self._seen)

    @property
    def sent(self) -> list[str]:
        """The ids of all events that were sent, each as often as it was."""
        return [event_id for request in self.seen for event_id in request.ids]

    def turn(self) -> Turn | None:
        with self._lock:
            return self._turns.popleft() if self._turns else None

    def note(self, seen: Seen) -> None:
        with self._lock:
            self._seen.append(seen)

    def forward(self, path: str, headers: dict[str, str], raw: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=FORWARD_SECONDS_MAX)
        try:
            connection.request("POST", path, raw, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    between: Between

    def do_POST(self) -> None:
        at = monotonic()
        headers = {name.lower(): value for name, value in self.headers.items()}
        raw = self.rfile.read(int(headers["content-length"]))
        turn = self.between.turn()
        status, body = 0, b""
        told: list[tuple[str, str]] = []
        if turn is None or turn.does == "lose":
            status, told, body = self.between.forward(self.path, headers, raw)
        elif turn.does == "refuse":
            refusal = problem(turn.code, "as the test asks", retry_after_seconds=turn.retry_after_seconds)
            status, body = refusal.status, refusal.body
            told = [(name.decode(), value.decode()) for name, value in refusal.headers]
        lost = turn is not None and turn.does != "refuse"
        answer = json.loads(body) if body else None
        self.between.note(Seen(self.path, headers, raw, at, 0 if lost else status, answer))
        if lost:
            self.close_connection = True
            return
        self.send_response_only(status)
        for name, value in told:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def between(edge_url: str) -> Iterator[Between]:
    """Stand in front of an edge until the block ends."""
    made = Between(int(edge_url.rpartition(":")[2]))
    handler = type("Handler", (_Handler,), {"between": made})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
