"""A load generator in a process of its own: raw asyncio, requests built beforehand, as little work as can be.

``python -m tests.benchmarks.http_load PORT PATH KEY PER_REQUEST SECONDS CONNECTIONS`` prints JSON.
"""

import asyncio
import itertools
import json
import sys
from collections.abc import Iterator

from truenorth.clock import SystemClock

from tests.benchmarks.figures import percentiles
from tests.benchmarks.samples import bodies

CLOCK = SystemClock()
VARIANTS = 256
WARMUP_SECONDS = 2.0


class Connection(asyncio.Protocol):
    """One keep-alive connection: sends a request, reads the whole answer, sends the next."""

    def __init__(self, requests: Iterator[bytes], tally: "Tally") -> None:
        self._requests = requests
        self._tally = tally
        self._buffer = b""
        self._sent_at = 0.0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = b""
        now = CLOCK.monotonic()
        self._tally.add(int(head[9:12]), now, now - self._sent_at)
        if now < self._tally.until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def _send(self) -> None:
        self._sent_at = CLOCK.monotonic()
        self._transport.write(next(self._requests))


class Tally:
    """Answers by status, and how long those after the warm-up took."""

    def __init__(self, seconds: float) -> None:
        self.since = CLOCK.monotonic() + WARMUP_SECONDS
        self.until = self.since + seconds
        self.taken = 0
        self.statuses: dict[int, int] = {}
        self.latencies: list[float] = []

    def add(self, status: int, now: float, latency: float) -> None:
        self.taken += status == 200
        if self.since <= now < self.until:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.latencies.append(latency)


async def load(port: int, path: str, key: str, per_request: int, seconds: float, connections: int) -> dict[str, object]:
    """Return what was answered within ``seconds`` after a warm-up."""
    built = [_request(port, path, key, body) for body in bodies(path, per_request, VARIANTS, now_ms=CLOCK.now_ms())]
    requests = itertools.cycle(built)
    tally = Tally(seconds)
    loop = asyncio.get_running_loop()
    pairs = [
        await loop.create_connection(lambda: Connection(requests, tally), "127.0.0.1", port) for _ in range(connections)
    ]
    sys.stderr.write("measuring\n")
    sys.stderr.flush()
    await asyncio.wait_for(asyncio.gather(*(protocol.closed for _, protocol in pairs)), WARMUP_SECONDS + seconds + 30)
    answered = sum(tally.statuses.values())
    return {
        "events": tally.statuses.get(200, 0) * per_request,
        "events_with_warmup": tally.taken * per_request,
        "requests": answered,
        "not_200": answered - tally.statuses.get(200, 0),
        "seconds": seconds,
        "warmup_seconds": WARMUP_SECONDS,
        "connections": connections,
        "answer_ms": percentiles(tally.latencies),
    }


def _request(port: int, path: str, key: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    port, path, key, per_request, seconds, connections = sys.argv[1:]
    sys.stdout.write(
        json.dumps(asyncio.run(load(int(port), path, key, int(per_request), float(seconds), int(connections))))
    )
