"""What health keeps of one partition, as the changelog says it, for all accounts or for a sample of them."""

import heapq
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, Protocol

from truenorth.ids import short_hash
from truenorth.kafka import Record
from truenorth.streams.kept import Kept
from truenorth.streams.records import split_key
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
    """The state of one partition as of its last flush. ``next_offset`` is where its changelog was left."""

    def __init__(self, *, core: str, sources: int) -> None:
        self.kept = Kept(core=core, sources=sources)
        self.next_offset = 0

    async def read(self, read: Read, changelog: str, number: int, sample: Sample) -> None:
        """Read the changelog from where it was left to its present end.

        Raises:
            TransientError: the broker is away, or the state is of a newer version than this program.
            HaltError: a record of the engine's own is unreadable.
        """
        async with aclosing(read(changelog, number, self.next_offset)) as records:
            async for record in records:
                self.next_offset = record.offset + 1
                if record.key is not None and not record.key.startswith(_CONTROL):
                    account, part = split_key(record.key)
                    if part.startswith(PREFIX) and part != EARLY:
                        continue  # a memory of ids follows from nothing but the ids: the refold has its own
                    gone = sample.admit(account)
                    if gone is not None:
                        self.kept.forget(gone)
                    if gone == account:
                        continue
                self.kept.take([record])

    @property
    def accounts(self) -> list[str]:
        """All accounts of which anything is kept."""
        return sorted(self.kept.owns.keys() | self.kept.others.keys())
