"""What a program gives to the engine: how to decode, fold, decide and keep the state of one account."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from truenorth.kafka.records import Record

S = TypeVar("S")


class Item(NamedTuple):
    """One decoded event. ``source`` is the number of its topic, ``timestamp_ms`` the broker's clock at the append."""

    source: int
    offset: int
    timestamp_ms: int
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

    def ready(self) -> bool:
        """Tell whether partitions may be opened; definitions are known, for example."""
        ...

    def decode(self, source: int, record: Record) -> tuple[str, Any]:
        """Return the account and the event of a record.

        Raises:
            RefusedError: the record is no event; it goes to the dead letters with this reason.
            PoisonError: the same.
        """
        ...

    def load(self, key: str, parts: Mapping[str, bytes]) -> S:
        """Return the state of an account from its parts; no parts: a new account."""
        ...

    def fold(self, state: S, items: Sequence[Item]) -> None:
        """Change the state by these events: of one account, in order per source.

        Raises:
            PoisonError: an event cannot be folded; the engine finds out which, and parks that one.
        """
        ...

    def decide(self, state: S, offsets: Mapping[int, int], now_ms: int) -> Decision:
        """Decide about an account; ``offsets`` are the last offsets folded into it per source."""
        ...

    def dump(self, state: S) -> Mapping[str, bytes]:
        """Return the parts to keep: only changed ones are written, one that is absent now is deleted.

        A part's name is not empty. No parts at all: the engine forgets the account.
        """
        ...
