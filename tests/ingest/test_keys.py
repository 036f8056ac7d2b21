"""Keys: two secrets, scopes, an own rate, and how long a change takes to hold."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
from truenorth.clock import ManualClock
from truenorth.errors import RefusedError, TransientError
from truenorth_ingest.domain.keys import ACCOUNTS_SCOPE, SCOPES, WRITE_SCOPE, StoredKey, written
from truenorth_ingest.handlers import keyring as keyring_module
from truenorth_ingest.handlers.keyring import ASKED_AGAIN_SECONDS, REMEMBERED_SECONDS, TABLE_SECONDS_MAX, Keyring
from truenorth_ingest.handlers.minting import Minter
from truenorth_ingest.handlers.strangers import Strangers

from tests.ingest.doubles import KEY, Edge, FakeKeys, stored_key, usage


class Register(FakeKeys):
    """The table of the command line and of the edge, in memory."""

    async def find(self, key_id: str) -> StoredKey | None:
        return self.keys.get(key_id)

    async def every(self) -> Sequence[StoredKey]:
        return list(self.keys.values())

    async def add(self, key: StoredKey) -> None:
        self.keys[key.key_id] = key

    async def revoke(self, key_id: str, *, now_ms: int) -> bool:
        return self._change(key_id, revoked_ms=now_ms)

    async def add_secret(self, key_id: str, secret_hash: bytes, *, now_ms: int) -> bool:
        key = self.keys.get(key_id)
        return (
            key is not None
            and key.next_hash is None
            and self._change(key_id, next_hash=secret_hash, next_created_ms=now_ms)
        )

    async def retire_secret(self, key_id: str) -> bool:
        key = self.keys.get(key_id)
        if key is None or key.next_hash is None:
            return False
        return self._change(key_id, secret_hash=key.next_hash, next_hash=None, next_created_ms=None)

    def _change(self, key_id: str, **changes: object) -> bool:
        key = self.keys.get(key_id)
        if key is None or key.revoked_ms is not None:
            return False
        self.keys[key_id] = replace(key, **changes)  # type: ignore[arg-type]  # the callers are above
        return True


class World:
    def __init__(self, *, table_seconds_max: float = TABLE_SECONDS_MAX) -> None:
        self.table = Register()
        self.clock = ManualClock()
        numbers = itertools.count(1)
        self.minter = Minter(self.table, self.clock, lambda size: f"{next(numbers):0{size * 2}x}")
        strangers = Strangers(failures_per_minute=1_000)
        self.keyring = Keyring(self.table, self.clock, strangers, table_seconds_max=table_seconds_max)

    async def make(self, *scopes: str) -> tuple[str, str]:
        text = await self.minter.make(name="backend", env="test", scopes=scopes or (WRITE_SCOPE,))
        return text.split("_")[2], text

    async def code(self, text: str, scope: str = WRITE_SCOPE) -> str:
        try:
            await self.keyring.sender_of(text, scope=scope)
        except RefusedError as refusal:
            return refusal.code
        return "ok"


async def test_two_secrets_work_side_by_side_until_the_older_is_retired() -> None:
    world = World()
    key_id, older = await world.make()
    assert await world.code(older) == "ok"
    world.clock.advance(seconds=ASKED_AGAIN_SECONDS)
    newer = await world.minter.rotate(key_id, env="test")
    assert newer != older
    assert newer.split("_")[:3] == older.split("_")[:3]
    assert await world.code(newer) == "ok", "without waiting until the remembered key is forgotten"
    assert await world.code(older) == "ok"
    with pytest.raises(RefusedError, match="two secrets") as two:
        await world.minter.rotate(key_id, env="test")
    assert two.value.code == "secrets_two"
    await world.minter.retire(key_id)
    world.clock.advance(seconds=REMEMBERED_SECONDS)
    assert await world.code(older) == "key_unknown"
    assert await world.code(newer) == "ok"
    with pytest.raises(RefusedError) as only:
        await world.minter.retire(key_id)
    assert only.value.code == "secret_only"


async def test_ids_that_nobody_has_cannot_be_rotated_or_retired() -> None:
    world = World()
    for work in (world.minter.rotate("nobody", env="test"), world.minter.retire("nobody")):
        with pytest.raises(RefusedError) as refusal:
            await work
        assert refusal.value.code == "key_unknown"


async def test_a_revoked_key_stops_within_half_a_minute_and_not_before_it_is_revoked() -> None:
    world = World()
    key_id, text = await world.make()
    assert await world.code(text) == "ok"
    assert await world.table.revoke(key_id, now_ms=1)
    world.clock.advance(seconds=30)
    assert await world.code(text) == "key_revoked"


async def test_scopes_are_what_was_asked_for() -> None:
    world = World()
    _, text = await world.make(ACCOUNTS_SCOPE)
    assert await world.code(text, ACCOUNTS_SCOPE) == "ok"
    assert await world.code(text, WRITE_SCOPE) == "scope_missing"
    assert await world.minter.works(text, scopes=[ACCOUNTS_SCOPE])
    assert not await world.minter.works(text, scopes=SCOPES)


async def test_known_keys_work_while_the_table_is_away_and_a_new_secret_is_not_called_wrong() -> None:
    world = World()
    key_id, older = await world.make()
    assert await world.code(older) == "ok"
    newer = await world.minter.rotate(key_id, env="test")
    world.table.down = True
    world.clock.advance(seconds=3_600)
    assert await world.code(older) == "ok"
    with pytest.raises(TransientError):
        await world.code(newer)


async def test_known_keys_work_when_the_table_does_not_answer_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(table_seconds_max=0.01)
    _, text = await world.make()
    assert await world.code(text) == "ok"

    async def silence(key_id: str, *, now_ms: int) -> None:
        await asyncio.Event().wait()
        raise AssertionError(key_id, now_ms)

    monkeypatch.setattr(world.table, "used", silence)
    world.clock.advance(seconds=3_600)
    assert await world.code(text) == "ok"


async def test_what_stands_beside_a_key_takes_no_memory() -> None:
    world = World()
    _, text = await world.make()
    for spaces in (1, 60_000):
        headers = {"authorization": f"Bearer{' ' * spaces}{text}"}
        assert (await world.keyring.sender(headers, scope=WRITE_SCOPE)).name == "backend"
    assert [len(key[0]) < 512 for key in world.keyring._good] == [True]


async def test_a_wrong_secret_asks_the_table_again_only_now_and_then() -> None:
    world = World()
    key_id, text = await world.make()
    wrong = await Minter(Register(stored_key(key_id=key_id)), world.clock, lambda size: "f" * size * 2).rotate(
        key_id, env="test"
    )
    assert await world.code(text) == "ok"
    world.clock.advance(seconds=ASKED_AGAIN_SECONDS)
    asked = world.table.asked
    for _ in range(100):
        assert await world.code(wrong) == "key_unknown"
    assert world.table.asked == asked + 1
    assert await world.code(text) == "ok"


async def test_whoever_tries_many_ids_makes_nobody_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_module, "UNKNOWN_KEYS_MAX", 10)
    world = World()
    _, text = await world.make()
    assert await world.code(text) == "ok"
    for number in range(50):
        stranger = written(env="test", key_id=f"stranger{number}", secret="b" * 48)
        assert await world.code(stranger) == "key_unknown"
    asked = world.table.asked
    assert await world.code(text) == "ok"
    assert world.table.asked == asked


async def test_a_key_with_a_rate_of_its_own_is_held_to_it() -> None:
    edge = Edge()
    edge.keys.keys["key1"] = stored_key(events_per_second=1)
    assert (await edge.post([usage(id=f"e{n}") for n in range(11)])).status_code == 200
    refused = await edge.post(usage(), key=KEY)
    assert refused.status_code == 429
    assert refused.json()["code"] == "rate_exceeded"
    assert "1 events a second" in refused.json()["message"]
