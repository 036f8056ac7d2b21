"""Stand-ins for the edge's doors. The log double is held to the real one by tests/integration/test_ingest_log.py."""

import asyncio
import base64
import gzip
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from truenorth.clock import ManualClock
from truenorth.errors import TransientError
from truenorth_ingest.adapters.shipped import shipped_connectors
from truenorth_ingest.api.door import Door
from truenorth_ingest.app import make_webhooks
from truenorth_ingest.domain.keys import WRITE_SCOPE, StoredKey, hash_of, written
from truenorth_ingest.domain.standing import Standing
from truenorth_ingest.domain.webhooks.silence import Heard, Window, heard
from truenorth_ingest.doors import Outside, Tables, make_door
from truenorth_ingest.handlers.defined import Defined
from truenorth_ingest.handlers.learned import LearnedAccounts
from truenorth_ingest.ports import OutgoingRecord
from truenorth_ingest.settings import Settings

from tests.ingest.upload_doubles import FakeUploads

SECRET = "s" * 48
KEY = written(env="test", key_id="key1", secret=SECRET)
PSEUDONYM_SECRET = "a pseudonym secret of enough characters"


class FakeLog:
    """Keeps what was appended; ``broken`` makes it refuse everything, as an absent broker does, ``silent`` wait."""

    def __init__(self) -> None:
        self.records: list[OutgoingRecord] = []
        self.broken = False
        self.silent = False

    async def append(self, records: Sequence[OutgoingRecord]) -> None:
        if self.broken:
            raise TransientError("the broker is away")
        if self.silent:
            await asyncio.Event().wait()
        self.records.extend(records)

    def values(self, topic: str) -> list[Any]:
        return [json.loads(r.value or b"null") for r in self.records if r.topic == f"truenorth.{topic}.v1"]


class FakeKeys:
    def __init__(self, *keys: StoredKey) -> None:
        self.keys = {key.key_id: key for key in keys}
        self.asked = 0
        self.down = False

    async def used(self, key_id: str, *, now_ms: int) -> StoredKey | None:
        self.asked += 1
        if self.down:
            raise TransientError("the database is away")
        return self.keys.get(key_id)


class FakeAccountMap:
    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.down = False

    async def accounts_of(self, lookups: Sequence[str]) -> Mapping[str, Sequence[str]]:
        if self.down:
            raise TransientError("the database is away")
        self.asked.extend(lookups)
        return {lookup: self.known[lookup] for lookup in lookups if lookup in self.known}

    async def all_accounts_of(self, lookup: str, *, limit: int) -> Sequence[str]:
        if self.down:
            raise TransientError("the database is away")
        return self.known.get(lookup, [])[:limit]


class FakeErasures:
    """Where requests to forget are noted; ``done`` is what services have said."""

    def __init__(self) -> None:
        self.noted: dict[str, Standing] = {}
        self.down = False

    async def asked(self, request_ids: Sequence[str], *, kind: str, now_ms: int) -> None:
        if self.down:
            raise TransientError("the database is away")
        for request_id in request_ids:
            self.noted.setdefault(request_id, Standing(request_id, kind, "", now_ms, {}))

    async def standing(self, request_id: str) -> Standing | None:
        if self.down:
            raise TransientError("the database is away")
        return self.noted.get(request_id)


class FakeDeliveries:
    """``down`` makes it as absent as a database that is."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, str], int] = {}
        self.down = False

    async def taken_since(self, connector: str, delivery: str, *, since_ms: int) -> bool:
        if self.down:
            raise TransientError("the database is away")
        return self.taken.get((connector, delivery), -1) >= since_ms

    async def note_taken(self, connector: str, delivery: str, *, now_ms: int) -> None:
        if self.down:
            raise TransientError("the database is away")
        self.taken[connector, delivery] = now_ms

    async def forget_before(self, before_ms: int) -> None:
        self.taken = {key: taken for key, taken in self.taken.items() if taken >= before_ms}


class FakeHeard:
    def __init__(self) -> None:
        self.known: dict[str, Heard] = {}
        self.down = False

    async def share(self, windows: Mapping[str, Window]) -> Mapping[str, Heard]:
        if self.down:
            raise TransientError("the database is away")
        for connector, window in windows.items():
            self.known[connector] = heard(self.known.get(connector), window)
        return dict(self.known)


class CountingMeter:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.silent_seconds: dict[str, float] = {}
        self.waiting_bytes = 0
        self.waiting_bytes_most = 0

    def _count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by

    def accepted(self, count: int) -> None:
        self._count("accepted", count)

    def refused(self, code: str) -> None:
        self._count(f"refused {code}")

    def repaired(self) -> None:
        self._count("repaired")

    def unresolved(self, reason: str) -> None:
        self._count(f"unresolved {reason}")

    def webhook(self, connector: str, outcome: str) -> None:
        self._count(f"webhook {connector} {outcome}")

    def connector_silent(self, connector: str, seconds: float) -> None:
        self.silent_seconds[connector] = seconds

    def quarantine_failed(self, count: int) -> None:
        self._count("quarantine failed", count)

    def answered(self, code: str, seconds: float) -> None:
        assert seconds >= 0
        self._count(f"answered {code}")

    def client_retry(self) -> None:
        self._count("client retry")

    def waiting(self, body_bytes: int) -> None:
        self.waiting_bytes_most = max(self.waiting_bytes_most, body_bytes)
        self.waiting_bytes = body_bytes


def stored_key(**changes: Any) -> StoredKey:
    values: dict[str, Any] = {
        "key_id": "key1",
        "name": "backend",
        "secret_hash": hash_of(SECRET),
        "scopes": frozenset({WRITE_SCOPE}),
        "created_ms": 0,
    }
    return StoredKey(**{**values, **changes})


def make_settings(**changes: Any) -> Settings:
    values: dict[str, Any] = {
        "bootstrap": "127.0.0.1:1",
        "database_url": "postgresql://nobody@127.0.0.1/none",
        "pseudonym_secret": PSEUDONYM_SECRET,
        "host": "127.0.0.1",
        "port": 0,
        "telemetry_port": 0,
        "log_level": "INFO",
        "answer_seconds_max": 1.0,
        "waiting_bytes_max": 4 * 1024 * 1024,
        "key_events_per_second_max": 20_000,
        "account_events_per_second_max": 1_000,
        "upload_bytes_max": 1_000_000,
        "failures_per_minute_max": 60,
        "busy_status": 503,
        "trusted_proxies": (),
        "public_url": "",
        "connector_secrets": {},
    }
    return Settings(**{**values, **changes})


class Edge:
    """The whole HTTP application over doubles, and a client in front of it."""

    def __init__(self, **settings: Any) -> None:
        self.log = FakeLog()
        self.keys = FakeKeys(stored_key())
        self.meter = CountingMeter()
        self.clock = ManualClock()
        ids = itertools.count(1)
        self.accounts = FakeAccountMap()
        self.erasures = FakeErasures()
        self.defined = Defined(shipped_connectors())
        self.deliveries = FakeDeliveries()
        self.heard = FakeHeard()
        self.uploads = FakeUploads()
        made = make_settings(**settings)
        self.webhooks = make_webhooks(
            made, self.defined, deliveries=self.deliveries, heard=self.heard, clock=self.clock, meter=self.meter
        )
        self.outside = Outside(
            self.log,
            LearnedAccounts(self.accounts, self.clock),
            self.meter,
            self.clock,
            new_id=lambda: f"made-{next(ids)}",
        )
        tables = Tables(self.keys, self.accounts, self.erasures, self.uploads)
        self.app: Door = make_door(made, self.outside, tables, defined=self.defined, webhooks=self.webhooks)

    async def post(
        self, body: Any, *, key: str | None = KEY, path: str = "/v1/events", **headers: str
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent.setdefault("authorization", f"Bearer {key}")
        return await self.request("POST", path, content=content, headers=sent)

    async def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
            return await client.request(method, path, **more)


def usage(**changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "e1",
        "source": "backend",
        "type": "usage.recorded",
        "subject": "acct-1",
        "time": "2025-10-09T08:00:00Z",
        "data": {"feature": "export", "count": 2},
    }
    return {name: value for name, value in {**event, **changes}.items() if value is not None}


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def gzipped(body: Any) -> bytes:
    return gzip.compress(json.dumps(body).encode())
