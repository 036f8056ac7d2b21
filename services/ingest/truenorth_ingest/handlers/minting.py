"""Making, rotating and revoking write keys, for the command line."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from truenorth.clock import Clock
from truenorth.errors import RefusedError

from truenorth_ingest.domain.keys import StoredKey, check, hash_of, parse_key, written

KEY_ID_BYTES = 6
SECRET_BYTES = 24


class KeyRegister(Protocol):
    """The key table as the command line needs it."""

    async def find(self, key_id: str) -> StoredKey | None:
        """Return the key of this id."""
        ...

    async def every(self) -> Sequence[StoredKey]:
        """Return all keys, oldest first."""
        ...

    async def add(self, key: StoredKey) -> None:
        """Keep a new key."""
        ...

    async def revoke(self, key_id: str, *, now_ms: int) -> bool:
        """Revoke a key; False when there is none that still works."""
        ...

    async def add_secret(self, key_id: str, secret_hash: bytes, *, now_ms: int) -> bool:
        """Give a key a second secret; False when it has one already, or does not work."""
        ...

    async def retire_secret(self, key_id: str) -> bool:
        """Drop the older of a key's two secrets; False when it has one only, or does not work."""
        ...


@dataclass(frozen=True, slots=True)
class Minter:
    """Makes keys; ``new_secret`` takes a number of random bytes and returns them as hex."""

    register: KeyRegister
    clock: Clock
    new_secret: Callable[[int], str]

    async def make(self, *, name: str, env: str, scopes: Collection[str], events_per_second: int | None = None) -> str:
        """Make a key and return it as it is shown, this once."""
        key_id, secret = self.new_secret(KEY_ID_BYTES), self.new_secret(SECRET_BYTES)
        now_ms = self.clock.now_ms()
        await self.register.add(
            StoredKey(key_id, name, hash_of(secret), frozenset(scopes), now_ms, events_per_second=events_per_second)
        )
        return written(env=env, key_id=key_id, secret=secret)

    async def rotate(self, key_id: str, *, env: str) -> str:
        """Make a second secret of a key and return the key with it, this once; the first goes on working.

        Raises:
            RefusedError: ``key_unknown``, or ``secrets_two``: the older one has to be retired first.
        """
        secret = self.new_secret(SECRET_BYTES)
        if not await self.register.add_secret(key_id, hash_of(secret), now_ms=self.clock.now_ms()):
            await self._working(key_id)
            raise RefusedError(
                "secrets_two",
                f"{key_id} has two secrets already; drop the older one first with 'truenorth keys retire {key_id}'",
                field="ID",
            )
        return written(env=env, key_id=key_id, secret=secret)

    async def retire(self, key_id: str) -> None:
        """Drop the older of a key's two secrets.

        Raises:
            RefusedError: ``key_unknown``, or ``secret_only``: there would be none left.
        """
        if not await self.register.retire_secret(key_id):
            await self._working(key_id)
            raise RefusedError(
                "secret_only",
                f"{key_id} has one secret only; make a second with 'truenorth keys rotate {key_id}', or end it"
                f" with 'truenorth keys revoke {key_id}'",
                field="ID",
            )

    async def works(self, text: str, *, scopes: Collection[str]) -> bool:
        """Tell whether a written key is one of ours and has all these scopes."""
        try:
            presented = parse_key(text.strip())
            stored = await self.register.find(presented.key_id)
            for scope in scopes:
                check(presented, stored, scope=scope)
        except RefusedError:
            return False
        return True

    async def _working(self, key_id: str) -> StoredKey:
        stored = await self.register.find(key_id)
        if stored is None or stored.revoked_ms is not None:
            raise RefusedError("key_unknown", no_working_key(key_id), field="ID")
        return stored


def no_working_key(key_id: str) -> str:
    """Return what to say about an id that no working key has."""
    return f"no working key has the id {key_id}; see 'truenorth keys list'"
