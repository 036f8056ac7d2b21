"""What a program gives to the engine: how to decode, fold, decide and keep the state of one account."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from truenorth.kafka.records import Record

S = TypeVar("S")


class Decoded(NamedTuple):
    """A record understood: whose it is, what it says, and the id its sender gave it.

    ``identity`` is an 8-byte hash of (event source, event id), by which a sender's duplicates are known and dropped;
    None when the event has no id.
    """

    account: str
    identity: bytes | None
    event: Any


class Item(NamedTuple):
    """One decoded event with its record, whose ``timestamp_ms`` is the broker's clock at the append."""

    record: Record
    identity: bytes | None
    event: Any


class Output(NamedTuple):
    """One record to publish. ``topic`` is the full name; a ``value`` of None is a tombstone."""

    topic: str
    key: bytes
    value: bytes | None


class Decision(NamedTuple):
    """What deciding yields: records to publish, and when the account must be looked at again without an event."""

    outputs: Sequence[Output]
    next_due_ms: int | None


class Processor(Protocol[S]):
    """The program. All methods are synchronous and quick; the engine calls them from one thread.

    The state of an account is any mutable object between `load` and `dump`; the engine keeps only the bytes.
    """

    @property
    def sources(self) -> Sequence[str]:
        """Full topic names in the order that numbers them; only ever appended to. All have one partition count."""
        ...

    @property
    def changelog(self) -> str:
        """Full name of the compacted topic that the state is restored from; partitioned as the sources are."""
        ...

    @property
    def dead_letters(self) -> str:
        """Full name of the topic for records that cannot be processed."""
        ...

    @property
    def core(self) -> str:
        """Name of the part that changes at nearly every touch: it is written together with the offsets."""
        ...

    @property
    def schema(self) -> int:
        """Version of the state that `dump` writes, 1 or more; raised when older programs could not read it."""
        ...

    def ready(self) -> bool:
        """Tell whether partitions may be opened; definitions are known, for example."""
        ...

    def decode(self, source: int, record: Record) -> Decoded:
        """Understand a record of the source with this number.

        Raises:
            RefusedError: the record is no event; it goes to the dead letters with this reason.
            PoisonError: the same.
        """
        ...

    def migrate(self, parts: dict[str, bytes], schema: int) -> dict[str, bytes]:
        """Return parts that an older program wrote in version ``schema`` in today's version."""
        ...

    def load(self, key: str, parts: dict[str, bytes]) -> S:
        """Return the state of an account from its parts, which it may keep; no parts: a new account."""
        ...

    def fold(self, state: S, source: int, items: Sequence[Item]) -> None:
        """Change the state by these events: of one account and source, in order.

        Raises:
            PoisonError: an event cannot be folded; the engine finds out which, and parks that one.
        """
        ...

    def decide(self, state: S, offsets: Sequence[int], now_ms: int) -> Decision:
        """Decide about an account.

        ``offsets`` are the last offsets folded into it by source number, -1 for none. ``now_ms`` is the moment up to
        which everything has been read, 0 before that is known: what did not happen until then is silence, and what
        happened later may be folded already.
        """
        ...

    def dump(self, state: S) -> Mapping[str, bytes]:
        """Return the parts to keep: only changed ones are written, one that is absent now is deleted.

        A part's name begins with a letter, the core is not empty bytes. No parts at all: the engine forgets the
        account, and the ids of its events too.
        """
        ...
