"""Whose request this is: keys looked up in the table, remembered for a while, and longer while it is down."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError

from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.keys import Presented, StoredKey, check, key_in_headers, parse_key
from truenorth_ingest.handlers.strangers import Strangers
from truenorth_ingest.ports import KeyTable

REMEMBERED_SECONDS: Final = 30.0
UNKNOWN_SECONDS: Final = 5.0
ASKED_AGAIN_SECONDS: Final = 5.0
REMEMBERED_KEYS_MAX: Final = 10_000
UNKNOWN_KEYS_MAX: Final = 10_000
HEADER_CHARS_MAX: Final = 512
"""Longer headers than keys need are not remembered, so that spaces or passwords beside a key take no memory."""
TABLE_SECONDS_MAX: Final = 2.0
"""A table that is cut off does not answer at all: known keys must not wait for the network to notice."""
FAILURES: Final = frozenset({"key_missing", "key_malformed", "key_unknown", "key_revoked"})
"""What an address is charged for here."""

log = logging.getLogger(__name__)


class KeysUnavailableError(TransientError):
    """Whose key it is cannot be told now."""


@dataclass(slots=True)
class _Remembered:
    key: StoredKey
    asked: float
    until: float


class Keyring:
    """Checks keys.

    A revoked key, and a retired secret, stop working within `REMEMBERED_SECONDS`; an unknown one is asked for again
    after `UNKNOWN_SECONDS`; while the table cannot be asked, known keys keep their last known state. A wrong secret
    of a known key asks the table again, at most every `ASKED_AGAIN_SECONDS`: it may be a second one, just made.
    Headers that were good are not parsed and hashed again for as long as their key is remembered.
    Ids that nobody has are remembered apart: whoever tries many of them forgets no key that works.
    """

    def __init__(
        self, table: KeyTable, clock: Clock, strangers: Strangers, *, table_seconds_max: float = TABLE_SECONDS_MAX
    ) -> None:
        self._table = table
        self._table_seconds_max = table_seconds_max
        self._strangers = strangers
        self._clock = clock
        self._known: dict[str, _Remembered] = {}
        self._unknown: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[StoredKey | None]] = {}
        self._good: dict[tuple[str, str, str], tuple[Sender, float]] = {}

    async def sender(self, headers: Mapping[str, str], *, scope: str, address: str = "") -> Sender:
        """Return who sends, by the request's ``authorization`` and ``x-write-key`` headers.

        Raises:
            RefusedError: ``key_missing``, ``key_malformed``, ``key_unknown``, ``key_revoked``, ``scope_missing``;
                ``too_many_failures`` when ``address`` (the peer's; empty when it has none) has shown too many such.
            KeysUnavailableError: a key that was never seen, and the table cannot be asked.
        """
        authorization, write_key = headers.get("authorization", ""), headers.get("x-write-key", "")
        good = self._good.get((authorization, write_key, scope))
        if good is not None and self._clock.monotonic() < good[1]:
            return good[0]
        try:
            text = key_in_headers(authorization, write_key)
        except RefusedError:
            self.failed(address)
            raise
        sender = await self.sender_of(text, scope=scope, address=address)
        remembered = self._known.get(sender.key_id)
        if remembered is not None and len(authorization) + len(write_key) <= HEADER_CHARS_MAX:
            _make_room(self._good, REMEMBERED_KEYS_MAX)
            self._good[authorization, write_key, scope] = sender, remembered.until
        return sender

    async def sender_of(self, text: str, *, scope: str, address: str = "") -> Sender:
        """Return who sends, by the text of their key; raises as `sender` does."""
        try:
            presented = parse_key(text)
            stored = await self._stored(presented, address)
            key = check(presented, stored, scope=scope)
        except RefusedError as refusal:
            if refusal.code in FAILURES:
                self.failed(address)
            raise
        return Sender(key.key_id, key.name, key.events_per_second)

    def admit_stranger(self, address: str) -> None:
        """Let a request in whose key only its body has; asked before the body is read.

        Raises:
            OverRateError: ``too_many_failures``.
        """
        self._strangers.admit(address, self._clock.monotonic())

    def failed(self, address: str) -> None:
        """Count a failure of this address; one that has had too many is told so instead of what was wrong."""
        now = self._clock.monotonic()
        self._strangers.admit(address, now)
        self._strangers.failed(address, now)

    async def _stored(self, presented: Presented, address: str) -> StoredKey | None:
        now = self._clock.monotonic()
        remembered = self._known.get(presented.key_id)
        if remembered is not None and remembered.key.knows(presented.secret):
            return remembered.key if now < remembered.until else await self._ask(presented, remembered)
        self._strangers.admit(address, now)
        if remembered is None:
            return None if now < self._unknown.get(presented.key_id, now) else await self._ask(presented, None)
        if now < min(remembered.until, remembered.asked + ASKED_AGAIN_SECONDS):
            return remembered.key
        return await self._ask(presented, remembered)

    async def _ask(self, presented: Presented, last: _Remembered | None) -> StoredKey | None:
        """Ask the table, once for all requests that wait for the same key."""
        asking = self._asking.get(presented.key_id)
        if asking is None:
            asking = asyncio.ensure_future(self._looked_up(presented.key_id))
            self._asking[presented.key_id] = asking
            asking.add_done_callback(lambda _: self._asking.pop(presented.key_id, None))
        try:
            return await asyncio.shield(asking)
        except TransientError as error:
            if last is None or not last.key.knows(presented.secret):  # that may be a secret that was just made
                raise KeysUnavailableError(str(error)) from error
            log.warning("key table cannot be asked; a known key keeps its last state", extra={"key": presented.key_id})
            last.until = self._clock.monotonic() + UNKNOWN_SECONDS
            return last.key

    async def _looked_up(self, key_id: str) -> StoredKey | None:
        try:
            async with asyncio.timeout(self._table_seconds_max):
                key = await self._table.used(key_id, now_ms=self._clock.now_ms())
        except TimeoutError:
            raise TransientError(f"the table of keys did not answer within {self._table_seconds_max:g} s") from None
        now = self._clock.monotonic()
        self._known.pop(key_id, None)
        self._unknown.pop(key_id, None)
        if key is None:
            _make_room(self._unknown, UNKNOWN_KEYS_MAX)
            self._unknown[key_id] = now + UNKNOWN_SECONDS
        else:
            _make_room(self._known, REMEMBERED_KEYS_MAX)
            self._known[key_id] = _Remembered(key, now, now + REMEMBERED_SECONDS)
        return key


def _make_room(kept: dict[Any, Any], entries_max: int) -> None:
    """Forget the oldest entry of a full memory."""
    if len(kept) >= entries_max:
        kept.pop(next(iter(kept)))
