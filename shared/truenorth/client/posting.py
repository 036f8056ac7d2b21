"""One request, sent until it is answered: over a connection that is kept, patient with a busy or absent edge."""

import gzip
import http.client
import random
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from truenorth.client.limits import ClientLimits
from truenorth.client.wire import (
    BATCH_TYPE,
    EVENTS_PATH,
    Answer,
    answer_of,
    asked_wait_s,
    may_be_repeated,
    refused_whole,
)
from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError
from truenorth.ids import random_id

IDLE_SECONDS_MAX: Final = 3.0
"""Servers close idle connections (uvicorn after 5 s); one that was idle for longer than this is not used again."""
GZIP_BYTES_MIN: Final = 1_024
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024

Pause = Callable[[float], bool]
"""Waits that many seconds; True when there is no point in going on."""


class Posting:
    """Sends batches to one edge, one at a time; not for several threads at once."""

    def __init__(self, url: str, key: str, *, limits: ClientLimits, clock: Clock) -> None:
        parts = urlsplit(url if "://" in url else f"//{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise RefusedError("url_invalid", f"{url!r} is not the edge's address; write https://host", field="url")
        if not key.strip().isascii() or not key.strip().isprintable() or not key.strip():
            raise RefusedError("key_malformed", "a write key is one line of ASCII", field="key")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._path = f"{parts.path.rstrip('/')}{EVENTS_PATH}"
        self._key = key.strip()
        self._limits = limits
        self._clock = clock
        self._chance = random.Random(random_id())  # noqa: S311 - spreads retries, nothing secret
        self._kept: http.client.HTTPConnection | None = None
        self._used_at_s = 0.0

    def until_answered(self, body: bytes, *, seconds_max: float, pause: Pause) -> Answer:
        """Return the answer to this batch; repeats it unchanged while the edge is busy or away.

        Raises:
            RefusedError: the batch as a whole is refused; repeating it would change nothing.
            TransientError: not acknowledged within ``seconds_max``, or ``pause`` said to stop.
        """
        sent, headers = self._dressed(body)
        deadline_s = self._clock.monotonic() + seconds_max
        wait_s = self._limits.retry_wait_seconds_min
        while True:
            left_s = deadline_s - self._clock.monotonic()
            answer, reason, asked_s = self._attempt(sent, headers, max(0.1, left_s))
            if answer is not None:
                return answer
            spread_s = wait_s * (0.5 + self._chance.random() / 2)
            next_s = spread_s if asked_s is None else min(asked_s, self._limits.retry_after_seconds_max)
            wait_s = min(wait_s * 2, self._limits.retry_wait_seconds_max)
            if self._clock.monotonic() + next_s > deadline_s or pause(next_s):
                raise TransientError(f"not acknowledged: {reason}")

    def close(self) -> None:
        """Let go of the connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _dressed(self, body: bytes) -> tuple[bytes, dict[str, str]]:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": BATCH_TYPE, "User-Agent": "truenorth-client"}
        if len(body) < GZIP_BYTES_MIN:
            return body, headers
        return gzip.compress(body, compresslevel=5, mtime=0), headers | {"Content-Encoding": "gzip"}

    def _attempt(
        self, body: bytes, headers: dict[str, str], seconds_max: float
    ) -> tuple[Answer | None, str, float | None]:
        """Return the answer; or None, why there is none, and the wait that the edge asks for."""
        try:
            status, retry_after, content = self._exchanged(body, headers, seconds_max)
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            self.close()
            return None, f"{self._host} does not answer ({type(error).__name__}: {error})", None
        try:
            answer = answer_of(status, content)
        except TransientError as error:
            return None, str(error), None
        if answer is not None:
            return answer, "", None
        refused = refused_whole(status, content)
        if not may_be_repeated(status):
            raise refused
        asked_s = asked_wait_s(retry_after, now_ms=self._clock.now_ms())
        return None, f"{status} {refused.code}: {refused.message}", asked_s

    def _exchanged(self, body: bytes, headers: dict[str, str], seconds_max: float) -> tuple[int, str, bytes]:
        connection = self._connection(min(seconds_max, self._limits.request_seconds_max))
        connection.request("POST", self._path, body, headers)
        response = connection.getresponse()
        content = response.read(ANSWER_BYTES_MAX + 1)
        if response.length or len(content) > ANSWER_BYTES_MAX:
            raise http.client.IncompleteRead(content, response.length)
        self._used_at_s = self._clock.monotonic()
        if response.will_close:
            self.close()
        return response.status, response.headers.get("Retry-After", ""), content

    def _connection(self, seconds_max: float) -> http.client.HTTPConnection:
        if self._kept is not None and self._clock.monotonic() - self._used_at_s > IDLE_SECONDS_MAX:
            self.close()
        if self._kept is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._kept = kind(self._host, self._port, timeout=seconds_max)
        elif self._kept.sock is not None:
            self._kept.sock.settimeout(seconds_max)
        return self._kept
