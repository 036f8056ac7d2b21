"""The program that the simulator has the engine run: everything a service relies on, as small as it can be.

Two sources of events and one of erasures. What is folded never depends on how the sources interleave. Each change is
published with a number, the point it was decided at, and what it was then.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec
from truenorth.errors import PoisonError, RefusedError
from truenorth.kafka import Record
from truenorth.streams.processor import Decision, Decoded, Item, Output

SOURCES = ("facts", "uses", "erasures")
CHANGELOG, DEAD, OUT = "changelog", "dead", "out"
ERASURES = 2
SILENCE_MS = 4_000
LEVEL = 3
BEHIND_RETRY_MS = 300
NEWER = b"\xc1"


class Event(msgspec.Struct, frozen=True):
    """Something happened ``amount`` times; on the erasures' source, the account is to be erased. 0 cannot be folded."""

    account: str
    id: str
    sent_ms: int
    amount: int = 1


class Heard(msgspec.Struct, array_like=True, frozen=True):
    """One accepted event: when it was sent by the sender's word, how much, and when it was appended."""

    sent_ms: int
    amount: int
    appended_ms: int


class Path(msgspec.Struct, array_like=True):
    """What deciding left, and the gravestone: nothing sent up to ``erased_ms`` counts any more."""

    erased_ms: int = 0
    number: int = 0
    level: int = 0
    silent_for_ms: int = 0
    ordinal: int = 0
    now_ms: int = 0


class Change(msgspec.Struct, frozen=True):
    """What is published: change ``number`` of an account, decided at ``offsets``, with what was known there."""

    account: str
    number: int
    why: str
    before: int
    after: int
    total: int
    heard_ms: int
    offsets: list[int]
    ordinal: int
    now_ms: int


class State:
    """The working state of one account."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.events: tuple[list[Heard], list[Heard]] = ([], [])
        self.path = Path()

    @property
    def total(self) -> int:
        return sum(one.amount for events in self.events for one in events)

    @property
    def heard_ms(self) -> int:
        """When the last event that counts was appended; 0 for never."""
        return max((one.appended_ms for events in self.events for one in events), default=0)

    def accept(self, event: Event, appended_ms: int, source: int) -> None:
        """Fold one event."""
        if source == ERASURES:
            self.path.erased_ms = max(self.path.erased_ms, event.sent_ms)
            for events in self.events:
                events[:] = [one for one in events if one.sent_ms > self.path.erased_ms]
        elif event.sent_ms > self.path.erased_ms:
            self.events[source].append(Heard(event.sent_ms, event.amount, appended_ms))


parse = msgspec.json.Decoder(Event).decode
encode = msgspec.json.Encoder().encode
parse_change = msgspec.json.Decoder(Change).decode
_pack = msgspec.msgpack.Encoder().encode
_unpack_path = msgspec.msgpack.Decoder(Path).decode
_unpack_events = msgspec.msgpack.Decoder(list[Heard]).decode


def is_guest(account: str) -> bool:
    """Guests are forgotten when they are at zero, publish nothing and are never silent."""
    return account.startswith("guest")


def identity_of(event_id: str) -> bytes:
    return blake2b(event_id.encode(), digest_size=8).digest()


class Program:
    """A `truenorth.streams.processor.Processor`. ``ordinal`` is that of the definitions this worker knows.

    In version 2 of its state the path has a byte before it that version 1 cannot read.
    """

    sources: Sequence[str] = SOURCES
    changelog = CHANGELOG
    dead_letters = DEAD
    core = "path"

    def __init__(self, ordinal: int, schema: int = 1) -> None:
        self.ordinal = ordinal
        self.schema = schema

    def ready(self) -> bool:
        return True

    def decode(self, source: int, record: Record) -> Decoded:
        try:
            event = parse(record.value or b"")
        except msgspec.MsgspecError as error:
            raise RefusedError("value_invalid", str(error)) from None
        return Decoded(event.account, identity_of(event.id), event)

    def migrate(self, parts: dict[str, bytes], schema: int) -> dict[str, bytes]:
        assert (schema, self.schema) == (1, 2)
        return parts | {"path": NEWER + parts["path"]}

    def load(self, key: str, parts: Mapping[str, bytes]) -> State:
        state = State(key)
        if core := parts.get("path"):
            state.path = _unpack_path(core if self.schema == 1 else core.removeprefix(NEWER))
        for source, events in enumerate(state.events):
            if value := parts.get(f"events{source}"):
                events.extend(_unpack_events(value))
        return state

    def fold(self, state: State, source: int, items: Sequence[Item]) -> None:
        for item in items:
            event: Event = item.event
            if event.amount == 0:
                raise PoisonError("nothing happened")
            state.accept(event, item.record.timestamp_ms, source)

    def decide(self, state: State, offsets: Sequence[int], now_ms: int) -> Decision:
        if is_guest(state.account):
            return Decision((), None)
        path = state.path
        if not self.may_decide(path):
            return Decision((), now_ms + BEHIND_RETRY_MS)
        path.ordinal = self.ordinal
        path.now_ms = max(path.now_ms, now_ms)
        outputs = []
        level, heard_ms = state.total // LEVEL, state.heard_ms
        if level != path.level:
            outputs.append(self._change(state, "level", path.level, level, offsets))
            path.level = level
        due_ms = heard_ms + SILENCE_MS if heard_ms and heard_ms != path.silent_for_ms else None
        if due_ms is not None and due_ms <= path.now_ms:
            outputs.append(self._change(state, "silence", level, level, offsets))
            path.silent_for_ms, due_ms = heard_ms, None
        return Decision(outputs, due_ms)

    def may_decide(self, path: Path) -> bool:
        """Definitions never run backwards for an account: who knows only older ones waits."""
        return path.ordinal <= self.ordinal

    def _change(self, state: State, why: str, before: int, after: int, offsets: Sequence[int]) -> Output:
        path = state.path
        path.number += 1
        change = Change(
            state.account,
            path.number,
            why,
            before,
            after,
            state.total,
            state.heard_ms,
            list(offsets),
            path.ordinal,
            path.now_ms,
        )
        return Output(OUT, state.account.encode(), encode(change))

    def dump(self, state: State) -> dict[str, bytes]:
        if is_guest(state.account) and state.total == 0:
            return {}
        parts = {"path": _pack(state.path) if self.schema == 1 else NEWER + _pack(state.path)}
        return parts | {f"events{source}": _pack(events) for source, events in enumerate(state.events) if events}


def topics(partitions: int) -> dict[str, int]:
    """All topics with their partition counts."""
    return dict.fromkeys([*SOURCES, CHANGELOG, DEAD, OUT], partitions)
