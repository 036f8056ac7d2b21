"""What definitions would do to all accounts, from the state that health keeps: partition by partition."""

import struct
from collections.abc import AsyncGenerator
from typing import Final

import msgspec
from truenorth import words
from truenorth.clock import Clock, SystemClock
from truenorth.definitions.bundle import make_bundle
from truenorth.definitions.model import Bundle, Definitions
from truenorth.errors import HaltError, RefusedError
from truenorth.kafka import Record
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.reader import read_topic

from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.adapters.verify_stored import Read, Sample, Stored
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.effects import Effects, effect
from truenorth_health.domain.state import load
from truenorth_health.domain.usable import usable

_UNCHANGED: Final = "nothing that health looks at changes: no score, band or milestone would"


async def preview(bootstrap: str, current: Bundle | None, proposed: Definitions) -> list[str]:
    """Return what putting ``proposed`` in force would do to the accounts as they stand, in lines for people.

    Empty when health has kept nothing yet.

    Raises:
        TransientError: the broker is away.
        HaltError: the state was written by another version than this program's.
        RefusedError: what is proposed cannot be used.
    """
    after = usable(make_bundle(proposed, ordinal=0, applied_ms=0))
    before = None if current is None else _usable_or_none(current)
    if before is not None and before.scoring == after.scoring:
        return [_UNCHANGED]
    processor = AccountProcessor(CompiledDefinitions(_no_definitions))
    counts = await KafkaLog(bootstrap, client_id="truenorth-preview").partition_counts([processor.changelog])

    def read(topic: str, partition: int, start: int = 0) -> AsyncGenerator[Record, None]:
        return read_topic(bootstrap, topic, partitions=[partition], start=start)

    surveyor = Surveyor(read, processor, SystemClock())
    return await surveyor.lines(before, after, partitions=counts.get(processor.changelog) or 0)


class Surveyor:
    """Looks at every account under two sets of definitions. Memory is that of one partition's encoded state."""

    def __init__(self, read: Read, processor: AccountProcessor, clock: Clock) -> None:
        self._read = read
        self._processor = processor
        self._clock = clock
        self._unreadable = 0

    async def lines(self, before: Compiled | None, after: Compiled, *, partitions: int) -> list[str]:
        """Return the summary over all partitions; empty when no account is scored."""
        began_s, now_ms = self._clock.monotonic(), self._clock.now_ms()
        effects = Effects()
        for number in range(partitions):
            await self._partition(number, effects, before, after, now_ms)
        if not effects.accounts and not self._unreadable:
            return []
        lines = effects.lines(seconds=self._clock.monotonic() - began_s)
        if self._unreadable:
            count = words.plural(self._unreadable, "account")
            lines.append(f"{count} could not be read; `truenorth verify` names what is wrong")
        return lines

    async def _partition(
        self, number: int, effects: Effects, before: Compiled | None, after: Compiled, now_ms: int
    ) -> None:
        stored = Stored(core=self._processor.core)
        await stored.read(self._read, self._processor.changelog, number, Sample(None))
        for account in stored.accounts:
            try:
                found = effect(load(account, self._parts(stored, account)), before, after, now_ms)
            except (struct.error, msgspec.MsgspecError):
                self._unreadable += 1
                continue
            if found is not None:
                effects.add(found)

    def _parts(self, stored: Stored, account: str) -> dict[str, bytes]:
        own = stored.own(account)
        parts = stored.parts(account, own)
        if own is None or own.schema == self._processor.schema:
            return parts
        if own.schema > self._processor.schema:
            raise HaltError(f"account {account!r} was written by a newer program: use its `truenorth apply`")
        return self._processor.migrate(parts, own.schema)


def _usable_or_none(current: Bundle) -> Compiled | None:
    """What is in force may be what is to be corrected; then there is nothing to compare with."""
    try:
        return usable(current)
    except RefusedError:
        return None


def _no_definitions() -> Bundle | None:
    """What is kept does not depend on definitions."""
    return None
