"""Verify on a running system: the fold of the retained log equals the stored state, account for account.

Works partition by partition, so that memory is bounded by the accounts of one. What the engine committed is read
first: its state and its positions belong to one transaction. Then the sources are folded anew, each up to its
position, by the very same pure code.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final

import msgspec
from truenorth.clock import day_of
from truenorth.errors import PoisonError, RefusedError
from truenorth.kafka import Record
from truenorth.streams.records import OWN_PART, POSITION_KEY, Position, decode_own, decode_position, split_key
from truenorth.topics import HEALTH_SOURCES, full_name

from truenorth_health.adapters.processor import AccountProcessor
from truenorth_health.domain.fold import fold
from truenorth_health.domain.state import AccountState, load, new_state
from truenorth_health.domain.verify import differences

USAGE: Final = HEALTH_SOURCES.index("usage")
CONTROL: Final = b"\x00"


Read = Callable[[str, int], AsyncGenerator[Record, None]]
"""Yields the committed records of one partition of a topic (full name), from its first to its present end."""


class AccountDifference(msgspec.Struct, frozen=True):
    """One field of one account that differs, with the last offsets folded into the stored state."""

    partition: int
    account: str
    field: str
    stored: str
    refolded: str
    offsets: dict[str, int]


class PartitionReport(msgspec.Struct, frozen=True):
    """What was compared in one partition. ``usage_from`` is the first day of usage that is wholly retained."""

    partition: int
    accounts: int
    events: int
    dead_letters: int
    differences: list[AccountDifference]
    usage_from_day: int | None = None


class _Stored(msgspec.Struct):
    """What the changelog holds of one partition."""

    parts: dict[str, dict[str, bytes]]
    position: Position | None


class Verifier:
    """Compares stored and refolded state."""

    def __init__(self, read: Read, processor: AccountProcessor) -> None:
        self._read = read
        self._processor = processor

    async def partitions(self, count: int) -> AsyncIterator[PartitionReport]:
        """Yield a report per partition number below ``count``."""
        for number in range(count):
            yield await self.partition(number)

    async def partition(self, number: int) -> PartitionReport:
        """Compare one partition.

        Raises:
            TransientError: the broker is away.
            HaltError: the stored state is of a newer version.
        """
        stored = await self._stored(number)
        refold = _Refold(self._processor)
        if stored.position is not None:
            for source in sorted(range(len(HEALTH_SOURCES)), key=_erasures_first):
                topic = full_name(HEALTH_SOURCES[source])
                await self._fold_source(refold, source, topic, number, stored.position.sources.get(topic, 0))
        found = [
            difference
            for account in sorted(stored.parts.keys() | refold.states.keys())
            for difference in _compare(number, account, stored.parts.get(account, {}), refold)
        ]
        return PartitionReport(
            number, len(stored.parts), refold.events, refold.dead_letters, found, refold.usage_from_day
        )

    async def _stored(self, number: int) -> _Stored:
        stored = _Stored({}, None)
        async for record in self._read(self._processor.changelog, number):
            if record.key == POSITION_KEY and record.value is not None:
                stored.position = decode_position(record.value)
            if record.key is None or record.key.startswith(CONTROL):
                continue
            account, part = split_key(record.key)
            if record.value is None:
                stored.parts.get(account, {}).pop(part, None)
            else:
                stored.parts.setdefault(account, {})[part] = record.value
        stored.parts = {account: parts for account, parts in stored.parts.items() if parts}
        return stored

    async def _fold_source(self, refold: "_Refold", source: int, topic: str, number: int, position: int) -> None:
        first = True
        async with aclosing(self._read(topic, number)) as records:
            async for record in records:
                if record.offset >= position:
                    break
                if first and source == USAGE and record.offset > 0:
                    refold.usage_from_day = day_of(record.timestamp_ms) + 1
                first = False
                refold.take(source, record)


def _erasures_first(source: int) -> bool:
    """Sort key: what is forgotten is read first, as a fold that reads it later cannot tell what came after it."""
    return HEALTH_SOURCES[source] != "erasures"


class _Refold:
    """A partition folded anew."""

    def __init__(self, processor: AccountProcessor) -> None:
        self.processor = processor
        self.states: dict[str, AccountState] = {}
        self.events = 0
        self.dead_letters = 0
        self.usage_from_day: int | None = None

    def take(self, source: int, record: Record) -> None:
        """Fold one record; what the engine parks is only counted."""
        try:
            account, event = self.processor.decode(source, record)
            state = self.states.get(account) or self.states.setdefault(account, new_state(account))
            fold(state, source, event, record.offset, record.timestamp_ms)
        except (RefusedError, PoisonError):
            self.dead_letters += 1
        else:
            self.events += 1


def _compare(number: int, account: str, parts: dict[str, bytes], refold: _Refold) -> list[AccountDifference]:
    own = decode_own(parts[OWN_PART]) if OWN_PART in parts else None
    offsets = {} if own is None else {HEALTH_SOURCES[source]: offset for source, offset in own.offsets.items()}
    kept = {name: value for name, value in parts.items() if name != OWN_PART}
    refolded = refold.states.get(account) or new_state(account)
    return [
        AccountDifference(
            number, account, difference.field, repr(difference.stored), repr(difference.refolded), offsets
        )
        for difference in differences(load(account, kept), refolded, usage_from_day=refold.usage_from_day)
    ]
