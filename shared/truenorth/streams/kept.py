"""What a partition keeps, as bytes: restored from the changelog, and changed at each cut."""

from collections.abc import Iterable
from typing import Final

from truenorth.kafka.records import Record
from truenorth.streams.records import (
    OWN_PART,
    POSITION_KEY,
    Own,
    Position,
    decode_own,
    decode_position,
    due_of,
    split_key,
)
from truenorth.streams.seen_ids import PREFIX, SeenIds

_CONTROL: Final = b"\x00"


class Kept:
    """The accounts of one partition: own parts with their cores, other parts, seen ids; and the position.

    An account costs one entry here as long as it has no part but its core. ``core`` is that part's name, ``sources``
    how many there are. ``bytes`` is the size of all parts, without keys, Python's overhead and the seen ids.
    """

    def __init__(self, *, core: str, sources: int) -> None:
        self.owns: dict[str, bytes] = {}
        self.parts: dict[str, dict[str, bytes]] = {}
        self.seen = SeenIds(sources)
        self.position: Position | None = None
        self.records = 0
        self.bytes = 0
        self._core = core
        self._names: dict[str, str] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Take changelog records in order; per key the last one wins. Call `restored` after the last.

        Raises:
            HaltError: a record is unreadable.
            NewerStateError: a newer version of the engine wrote it.
        """
        owns, parts, names = self.owns, self.parts, self._names
        for record in records:
            self.records += 1
            key, value = record.key, record.value
            if key is None or key.startswith(_CONTROL):
                if key == POSITION_KEY and value is not None:
                    self.position = decode_position(value)
                continue
            account, part = split_key(key)
            if part == OWN_PART:
                if value is None:
                    owns.pop(account, None)
                else:
                    owns[account] = value
            elif part.startswith(PREFIX):
                self.seen.restore(account, part, value)
            elif value is not None:
                parts.setdefault(account, {})[names.setdefault(part, part)] = value
            elif account in parts:
                parts[account].pop(part, None)
                if not parts[account]:
                    del parts[account]

    def restored(self) -> None:
        """Everything was taken."""
        self.seen.restored()
        self.bytes = sum(map(len, self.owns.values()))
        self.bytes += sum(len(part) for parts in self.parts.values() for part in parts.values())

    def put(self, account: str, own: bytes, parts: dict[str, bytes]) -> None:
        """Set what is kept of an account."""
        old = self.owns.get(account)
        self.bytes += len(own) - (0 if old is None else len(old))
        self.owns[account] = own
        if parts:
            before = self.parts.get(account, {})
            self.bytes += sum(map(len, parts.values())) - sum(map(len, before.values()))
            self.parts[account] = parts
        elif account in self.parts:
            self._drop_parts(account)

    def forget(self, account: str) -> None:
        """Keep nothing of an account."""
        self.bytes -= len(self.owns.pop(account, b""))
        self._drop_parts(account)
        self.seen.forget_account(account)

    def _drop_parts(self, account: str) -> None:
        self.bytes -= sum(map(len, self.parts.pop(account, {}).values()))

    def dues(self) -> Iterable[tuple[str, int]]:
        """Yield the accounts that have a due time (epoch ms)."""
        for account, own in self.owns.items():
            due_ms = due_of(own)
            if due_ms is not None:
                yield account, due_ms

    def own(self, account: str) -> Own | None:
        """Return the own part of an account; None when there is none.

        Raises:
            HaltError: another version of the engine wrote it.
        """
        value = self.owns.get(account)
        return None if value is None else decode_own(value)

    def load(self, account: str, own: Own | None) -> dict[str, bytes]:
        """Return the processor's parts of an account: a dict of the caller's own."""
        parts = dict(self.parts.get(account, ()))
        if own is not None and own.core:
            parts[self._core] = own.core
        return parts
