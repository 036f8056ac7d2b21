"""What a partition keeps, as bytes: restored from the changelog, and changed at each cut."""

from collections.abc import Iterable, Iterator
from sys import intern
from typing import Final

from truenorth.kafka.records import Record
from truenorth.streams.records import (
    OWN_PART,
    POSITION_KEY,
    Own,
    Position,
    core_of,
    decode_own,
    decode_position,
    due_of,
    split_key,
)
from truenorth.streams.seen_ids import PREFIX, SLICE_ACCOUNTS, SeenIds

_CONTROL: Final = b"\x00"


Others = tuple[tuple[str, ...], tuple[bytes, ...]]
"""Names and bytes of an account's parts beside its core; accounts with the same parts share the tuple of names."""


class Kept:
    """The accounts of one partition: own parts with their cores, other parts, seen ids; and the position.

    An account costs one entry here as long as it has no part but its core. ``core`` is that part's name, ``sources``
    how many there are. ``bytes`` is the size of all parts, without keys, Python's overhead and the seen ids.
    """

    def __init__(self, *, core: str, sources: int) -> None:
        self.owns: dict[str, bytes] = {}
        self.others: dict[str, Others] = {}
        self.seen = SeenIds(sources)
        self.position: Position | None = None
        self.records = 0
        self.bytes = 0
        self._core = core
        self._layouts: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._latest: dict[bytes, bytes] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Take changelog records in order; per key the last one wins. Call `restored` after the last."""
        latest = self._latest
        for record in records:
            self.records += 1
            key, value = record.key, record.value
            if value is not None and key is not None:
                latest[key] = value
            elif key is not None:
                latest.pop(key, None)

    def restored(self) -> None:
        """Everything was taken: make of it what is kept.

        Raises:
            HaltError: the position is unreadable.
            NewerStateError: a newer version of the engine wrote it.
        """
        for _ in self.restoring():
            pass

    def restoring(self) -> Iterator[None]:
        """Do what `restored` does in slices, so that a loop can turn between them."""
        latest, self._latest = self._latest, {}
        if (value := latest.pop(POSITION_KEY, None)) is not None:
            self.position = decode_position(value)
        taking: dict[str, dict[str, bytes]] = {}
        for number, (key, value) in enumerate(latest.items()):
            if not key.startswith(_CONTROL):
                account, part = split_key(key)
                if part == OWN_PART:
                    self.owns[account] = value
                elif part.startswith(PREFIX):
                    self.seen.restore(account, part, value)
                else:
                    taking.setdefault(account, {})[intern(part)] = value
            if number % SLICE_ACCOUNTS == 0:
                yield
        latest.clear()
        self.bytes = sum(map(len, self.owns.values()))
        yield from self.seen.restoring()
        for number, (account, parts) in enumerate(taking.items()):
            self._put_others(account, parts)
            if number % SLICE_ACCOUNTS == 0:
                yield

    def put(self, account: str, own: bytes, parts: dict[str, bytes]) -> None:
        """Set what is kept of an account: its own part with the core, and its other parts."""
        self.bytes += len(own) - len(self.owns.get(account, b""))
        self.owns[account] = own
        if parts or account in self.others:
            self._put_others(account, parts)

    def forget(self, account: str) -> None:
        """Keep nothing of an account."""
        self.bytes -= len(self.owns.pop(account, b""))
        self._put_others(account, {})
        self.seen.forget_account(account)

    def _put_others(self, account: str, parts: dict[str, bytes]) -> None:
        _, before = self.others.get(account, ((), ()))
        self.bytes += sum(map(len, parts.values())) - sum(map(len, before))
        if parts:
            names = tuple(parts)
            self.others[account] = self._layouts.setdefault(names, names), tuple(parts.values())
        else:
            self.others.pop(account, None)

    def parts(self, account: str) -> dict[str, bytes]:
        """Return the parts of an account but its core: a dict of the caller's own."""
        others = self.others.get(account)
        return {} if others is None else dict(zip(*others, strict=True))

    def dues(self) -> Iterable[tuple[str, int]]:
        """Yield the accounts that have a due time (epoch ms)."""
        for account, own in self.owns.items():
            due_ms = due_of(own)
            if due_ms is not None:
                yield account, due_ms

    def cores(self, *, schema: int, size: int) -> Iterator[list[bytes]]:
        """Yield the cores of all accounts, ``size`` accounts at a time, each as it is when its turn comes.

        Turns may be taken in between: an account that came since is left out, and so is one in another version of the
        state than ``schema``.
        """
        names = list(self.owns)
        for start in range(0, len(names), size):
            owns = [own for name in names[start : start + size] if (own := self.owns.get(name)) is not None]
            yield [core for own in owns if (core := core_of(own, schema)) is not None]

    def own(self, account: str) -> Own | None:
        """Return the own part of an account; None when there is none.

        Raises:
            HaltError: another version of the engine wrote it.
        """
        value = self.owns.get(account)
        return None if value is None else decode_own(value)

    def load(self, account: str, own: Own | None) -> dict[str, bytes]:
        """Return the processor's parts of an account: a dict of the caller's own."""
        parts = self.parts(account)
        if own is not None and own.core:
            parts[self._core] = own.core
        return parts
