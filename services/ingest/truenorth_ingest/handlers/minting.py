"""Making and revoking write keys, for the command line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from truenorth.clock import Clock
from truenorth.errors import RefusedError

from truenorth_ingest.domain.keys import WRITE_SCOPE, StoredKey, check, hash_of, parse_key, written

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


@dataclass(frozen=True, slots=True)
class Minter:
    """Makes keys; ``new_secret`` takes a number of random bytes and returns them as hex."""

    register: KeyRegister
    clock: Clock
    new_secret: Callable[[int], str]

    async def make(self, *, name: str, env: str) -> str:
        """Make a key that may send events, and return it as it is shown, this once."""
        key_id, secret = self.new_secret(KEY_ID_BYTES), self.new_secret(SECRET_BYTES)
        key = StoredKey(key_id, name, hash_of(secret), frozenset({WRITE_SCOPE}), self.clock.now_ms())
        await self.register.add(key)
        return written(env=env, key_id=key_id, secret=secret)

    async def works(self, text: str) -> bool:
        """Tell whether a written key is one of ours and may send events."""
        try:
            presented = parse_key(text.strip())
            check(presented, await self.register.find(presented.key_id), scope=WRITE_SCOPE)
        except RefusedError:
            return False
        return True
