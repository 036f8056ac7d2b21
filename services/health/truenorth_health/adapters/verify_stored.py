"""What health keeps of one partition, as the changelog says it, for all accounts or for a sample of them."""

import heapq
from collections.abc import AsyncGenerator
from contextlib import aclosing
from sys import intern
from typing import Final, Protocol

from truenorth.ids import short_hash
from truenorth.kafka import Record
from truenorth.streams.records import OWN_PART, POSITION_KEY, Own, Position, decode_own, decode_position, split_key
from truenorth.streams.seen_ids import EARLY, PREFIX

_CONTROL: Final = b"\x00"


class Read(Protocol):
    """Reads the committed records of one partition of a topic (full name), from ``start`` to its present end."""

    def __call__(self, topic: str, partition: int, start: int = 0) -> AsyncGenerator[Record, None]:
        """Yield the records in order."""
        ...


class Sample:
    """The accounts of a partition with the lowest hashes, at most ``limit`` of them; None takes all.

    The choice depends on the ids alone, so it is the same at every run. An account that is not stored but should be
    belongs to it when its hash is low enough.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._held: list[tuple[int, str]] = []
        self._names: set[str] = set()

    def admit(self, account: str) -> str | None:
        """Consider a stored account; return one that has to go for it, which may be the account itself."""
        if self._limit is None or account in self._names:
            return None
        if not self.holds(account):
            return account
        heapq.heappush(self._held, (-short_hash(account), account))
        self._names.add(account)
        if len(self._held) <= self._limit:
            return None
        _, gone = heapq.heappop(self._held)
        self._names.discard(gone)
        return gone

    def holds(self, account: str) -> bool:
        """Tell whether an account belongs to the sample, by what was admitted so far."""
        if self._limit is None or len(self._held) < self._limit:
            return True
        return bool(self._held) and short_hash(account) <= -self._held[0][0]


class Stored:
    """The state of one partition as of its last flush, encoded. ``next_offset`` is where its changelog was left.

    ``early`` are the accounts whose memory of ids was cut short. ``core`` is the name of the part that lies in the
    engine's own.
    """

    def __init__(self, *, core: str) -> None:
        self._core = core
        self._parts: dict[str, dict[str, bytes]] = {}
        self.position: Position | None = None
        self.early: set[str] = set()
        self.next_offset = 0

    async def read(self, read: Read, changelog: str, number: int, sample: Sample) -> None:
        """Read the changelog from where it was left to its present end.

        Raises:
            TransientError: the broker is away, or a newer version of the engine wrote the position.
            HaltError: the position is unreadable.
        """
        async with aclosing(read(changelog, number, self.next_offset)) as records:
            async for record in records:
                self.next_offset = record.offset + 1
                if record.key == POSITION_KEY and record.value is not None:
                    self.position = decode_position(record.value)
                if record.key is not None and not record.key.startswith(_CONTROL):
                    self._take(*split_key(record.key), record.value, sample)

    def _take(self, account: str, part: str, value: bytes | None, sample: Sample) -> None:
        gone = sample.admit(account)
        if gone is not None:
            self._parts.pop(gone, None)
        if gone == account:
            return
        if part.startswith(PREFIX):
            if part == EARLY and value is not None:
                self.early.add(account)
            return  # a memory of ids follows from nothing but the ids: the refold has its own
        if value is not None:
            self._parts.setdefault(account, {})[intern(part)] = value
        elif account in self._parts:
            self._parts[account].pop(part, None)
            if not self._parts[account]:
                del self._parts[account]

    @property
    def accounts(self) -> list[str]:
        """All accounts of which anything is kept."""
        return sorted(self._parts)

    def own(self, account: str) -> Own | None:
        """Return the engine's own part of an account; None when there is none.

        Raises:
            HaltError: another version of the engine wrote it.
            struct.error: it is none.
        """
        value = self._parts.get(account, {}).get(OWN_PART)
        return None if value is None else decode_own(value)

    def parts(self, account: str, own: Own | None) -> dict[str, bytes]:
        """Return the parts of the state of an account, with the core from its own part."""
        parts = {name: value for name, value in self._parts.get(account, {}).items() if name != OWN_PART}
        if own is not None and own.core:
            parts[self._core] = own.core
        return parts
