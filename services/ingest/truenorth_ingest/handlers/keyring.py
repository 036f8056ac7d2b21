"""Whose request this is: keys looked up in the table, remembered for a while, and longer while it is down."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from truenorth.clock import Clock
from truenorth.errors import TransientError

from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.keys import Presented, StoredKey, check, key_in_headers, parse_key
from truenorth_ingest.ports import KeyTable

REMEMBERED_SECONDS: Final = 30.0
UNKNOWN_SECONDS: Final = 5.0
REMEMBERED_KEYS_MAX: Final = 10_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Remembered:
    key: StoredKey | None
    until: float


class Keyring:
    """Checks keys.

    A revoked key stops working within `REMEMBERED_SECONDS`; an unknown one is asked for again
    after `UNKNOWN_SECONDS`; while the table cannot be asked, known keys keep their last known state.
    """

    def __init__(self, table: KeyTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._known: dict[str, _Remembered] = {}
        self._asking: dict[str, asyncio.Task[StoredKey | None]] = {}

    async def sender(self, headers: Mapping[str, str], *, scope: str) -> Sender:
        """Return who sends, by the request's ``authorization`` and ``x-write-key`` headers.

        Raises:
            RefusedError: ``key_missing``, ``key_malformed``, ``key_unknown``, ``key_revoked``, ``scope_missing``.
            TransientError: a key that was never seen, and the table cannot be asked.
        """
        text = key_in_headers(headers.get("authorization", ""), headers.get("x-write-key", ""))
        return await self.sender_of(text, scope=scope)

    async def sender_of(self, text: str, *, scope: str) -> Sender:
        """Return who sends, by the text of their key; raises as `sender` does."""
        presented = parse_key(text)
        remembered = self._known.get(presented.key_id)
        if remembered is not None and self._clock.monotonic() < remembered.until:
            stored = remembered.key
        else:
            stored = await self._ask(presented, remembered)
        key = check(presented, stored, scope=scope)
        return Sender(key.key_id, key.name)

    async def _ask(self, presented: Presented, last: _Remembered | None) -> StoredKey | None:
        """Ask the table, once for all requests that wait for the same key."""
        asking = self._asking.get(presented.key_id)
        if asking is None:
            asking = asyncio.ensure_future(self._looked_up(presented.key_id))
            self._asking[presented.key_id] = asking
            asking.add_done_callback(lambda _: self._asking.pop(presented.key_id, None))
        try:
            return await asyncio.shield(asking)
        except TransientError:
            if last is None or last.key is None:
                raise
            log.warning("key table cannot be asked; a known key keeps its last state", extra={"key": presented.key_id})
            last.until = self._clock.monotonic() + UNKNOWN_SECONDS
            return last.key

    async def _looked_up(self, key_id: str) -> StoredKey | None:
        key = await self._table.used(key_id, now_ms=self._clock.now_ms())
        if len(self._known) >= REMEMBERED_KEYS_MAX:
            self._known.pop(next(iter(self._known)))
        kept = REMEMBERED_SECONDS if key is not None else UNKNOWN_SECONDS
        self._known[key_id] = _Remembered(key, self._clock.monotonic() + kept)
        return key
