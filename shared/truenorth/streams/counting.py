"""A small processor: counts events per account, day and feature. What the engine is measured and tested with."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from truenorth.errors import PoisonError, RefusedError
from truenorth.kafka.records import Record
from truenorth.streams.processor import Decision, Decoded, Item, Output

DAYS_KEPT: Final = 28


class Happening(msgspec.Struct, frozen=True, gc=False):
    """One event: something was used ``count`` times on an epoch day. ``id`` is its sender's, None for none."""

    account: str
    day: int
    feature: str
    count: int = 1
    id: str | None = None


class Counts(msgspec.Struct, array_like=True):
    """The state of one account. ``revision`` counts what was published, ``silent`` decisions without news."""

    total: int = 0
    revision: int = 0
    published: int = -1
    silent: int = 0
    days: dict[int, int] = {}
    features: dict[str, int] = {}


class Published(msgspec.Struct, frozen=True):
    """What is published about an account; ``silent`` counts the decisions that were made without an event."""

    account: str
    revision: int
    total: int
    silent: int


_happenings = msgspec.json.Decoder(Happening)
_counts = msgspec.msgpack.Decoder(Counts)
_encode_state = msgspec.msgpack.Encoder().encode
_encode = msgspec.json.Encoder().encode
_new = tuple.__new__


class Account:
    """The working state of one account between load and dump."""

    __slots__ = ("counts", "key")

    def __init__(self, key: str, counts: Counts) -> None:
        self.key = key
        self.counts = counts


class CountingProcessor:
    """Publishes a numbered total of each account whenever it changed, and once after ``silence_ms`` without events."""

    def __init__(
        self,
        sources: Sequence[str],
        changelog: str,
        dead_letters: str,
        out: str | None,
        *,
        silence_ms: int | None = None,
    ) -> None:
        self.sources = sources
        self.changelog = changelog
        self.core = "core"
        self.schema = 1
        self.dead_letters = dead_letters
        self._out = out
        self._silence_ms = silence_ms

    def ready(self) -> bool:
        """See `Processor.ready`."""
        return True

    def decode(self, source: int, record: Record) -> Decoded:  # noqa: ARG002 - the protocol's signature
        """See `Processor.decode`."""
        try:
            event = _happenings.decode(record.value or b"")
        except msgspec.MsgspecError as error:
            raise RefusedError("value_invalid", str(error)) from None
        identity = None if event.id is None else blake2b(event.id.encode(), digest_size=8).digest()
        return _new(Decoded, (event.account, identity, event))

    def migrate(self, parts: dict[str, bytes], schema: int) -> dict[str, bytes]:  # noqa: ARG002
        """See `Processor.migrate`. There is only one version."""
        raise AssertionError(f"there was never a version {schema}")

    def load(self, key: str, parts: dict[str, bytes]) -> Account:
        """See `Processor.load`."""
        kept = parts.get("core")
        return Account(key, Counts() if kept is None else _counts.decode(kept))

    def fold(self, state: Account, source: int, items: Sequence[Item]) -> None:  # noqa: ARG002
        """See `Processor.fold`. A negative count cannot be folded."""
        counts = state.counts
        days, features = counts.days, counts.features
        for _, _, event in items:
            count = event.count
            if count < 0:
                raise PoisonError(f"count is {count}")
            counts.total += count
            days[event.day] = days.get(event.day, 0) + count
            features[event.feature] = features.get(event.feature, 0) + count
        if len(days) > DAYS_KEPT:
            oldest = max(days) - DAYS_KEPT
            for day in [day for day in days if day <= oldest]:
                del days[day]

    def decide(self, state: Account, offsets: Sequence[int], now_ms: int) -> Decision:  # noqa: ARG002
        """See `Processor.decide`."""
        counts = state.counts
        changed = counts.total != counts.published
        if not changed:
            counts.silent += 1
        if self._out is None:
            return Decision((), None)
        counts.published = counts.total
        counts.revision += 1
        value = _encode(Published(state.key, counts.revision, counts.total, counts.silent))
        due_ms = now_ms + self._silence_ms if changed and self._silence_ms is not None else None
        return Decision((Output(self._out, state.key.encode(), value),), due_ms)

    def dump(self, state: Account) -> Mapping[str, bytes]:
        """See `Processor.dump`."""
        return {"core": _encode_state(state.counts)}
