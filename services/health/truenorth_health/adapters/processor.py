"""The partition engine's view of an account: bytes in, typed fold and decision, records out."""

import logging
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Final, Protocol

from truenorth import codec, erasures
from truenorth.definitions.model import Bundle
from truenorth.errors import PoisonError, RefusedError
from truenorth.events.health import ChildScored
from truenorth.events.payload import PayloadStruct
from truenorth.ids import derived_id
from truenorth.kafka import Record
from truenorth.streams.processor import Decision, Decoded, Item, Output
from truenorth.streams.records import NO_OFFSET
from truenorth.streams.seen import IDENTITY_BYTES
from truenorth.topics import HEALTH_SOURCES, full_name

from truenorth_health.domain.decide import Compiled, Decided, decide, put_off
from truenorth_health.domain.fold import fold
from truenorth_health.domain.gone import decide_forgetting
from truenorth_health.domain.migrations import migrate
from truenorth_health.domain.path import Path
from truenorth_health.domain.state import SCHEMA, AccountState, dump, load
from truenorth_health.domain.usable import usable

SOURCE: Final = "truenorth/health"
BEHIND_RETRY_MS: Final = 1_000
"""A worker whose definitions are older than those an account was last decided with looks again after this."""

_HEALTH = full_name("health")
_CHANGES = full_name("health-changes")
_DAILY = full_name("health-daily")
_MILESTONES = full_name("milestones")
_ERASURES_DONE = full_name(erasures.DONE_TOPIC)
_ROLL_UPS = full_name("roll-ups")

_log = logging.getLogger(__name__)


class CompiledDefinitions:
    """The compiled form of the current bundle, compiled once per hash and ordinal.

    A bundle that cannot be used never replaces a good one: the one before stays in force, or, for a process that
    starts, the newest of the ``older`` ones that can be used. ``refused`` says so while it lasts.
    """

    def __init__(self, current: Callable[[], Bundle | None], older: Callable[[], Sequence[Bundle]] = tuple) -> None:
        self._current = current
        self._older = older
        self._compiled: Compiled | None = None
        self._bundle: Bundle | None = None
        self.refused: str | None = None

    def get(self) -> Compiled | None:
        """Return the compiled current definitions; None while none are known."""
        bundle = self._current()
        if bundle is not None and bundle is not self._bundle:
            self._bundle = bundle
            self._take(bundle)
        return self._compiled

    def _take(self, bundle: Bundle) -> None:
        self.refused = None
        try:
            self._compiled = usable(bundle)
        except RefusedError as error:
            self.refused = error.message
            if self._compiled is None:
                self._compiled = _first_usable(self._older())
            kept = None if self._compiled is None else self._compiled.hash
            _log.error("definitions refused", extra={"reason": error.message, "in_force": kept})


def _first_usable(bundles: Sequence[Bundle]) -> Compiled | None:
    for bundle in bundles:
        try:
            return usable(bundle)
        except RefusedError as error:
            _log.error("definitions refused", extra={"reason": error.message})
    return None


class Silence(Protocol):
    """Which sources are silent for everybody; see `adapters.silence.SourceSilence`."""

    @property
    def known(self) -> bool:
        """Whether that is known yet."""

    def at(self, now_ms: int) -> Mapping[str, int]:
        """Return source -> since when (epoch ms), for a decision as of ``now_ms``."""


class AccountProcessor:
    """Folds and decides accounts; the engine owns offsets, transactions and time."""

    sources: Sequence[str] = tuple(full_name(name) for name in HEALTH_SOURCES)
    changelog: str = full_name("health-changelog")
    dead_letters: str = full_name("dead-letters")
    core: str = "path"
    schema: int = SCHEMA

    def __init__(self, definitions: CompiledDefinitions, silence: Silence | None = None) -> None:
        self._definitions = definitions
        self._silence = silence

    def ready(self) -> bool:
        """Definitions are known, and which sources are silent, so that accounts can be decided."""
        return self._definitions.get() is not None and (self._silence is None or self._silence.known)

    def decode(self, source: int, record: Record) -> Decoded:
        """Understand a record.

        Raises:
            PoisonError: a tombstone, or a key that is not the event's account.
            RefusedError: whatever `codec.parse_event` refuses.
        """
        del source
        if record.value is None:
            raise PoisonError("a tombstone has no meaning on an input topic")
        event = codec.parse_event(record.value)
        if record.key is None or record.key.decode(errors="replace") != event.account:
            raise PoisonError(f"the record's key is not its subject {event.account[:80]!r}")
        identity = blake2b(f"{event.source}\x1f{event.id}".encode(), digest_size=IDENTITY_BYTES).digest()
        return Decoded(event.account, identity, event)

    def migrate(self, parts: dict[str, bytes], schema: int) -> dict[str, bytes]:
        """See `domain.migrations.migrate`."""
        return migrate(parts, schema)

    def load(self, key: str, parts: dict[str, bytes]) -> AccountState:
        """See `domain.state.load`."""
        return load(key, parts)

    def dump(self, state: AccountState) -> Mapping[str, bytes]:
        """See `domain.state.dump`."""
        return dump(state)

    def fold(self, state: AccountState, source: int, items: Sequence[Item]) -> None:
        """Fold the queued events of one account and source, in the order given."""
        for record, _, event in items:
            fold(state, source, event, record.timestamp_ms)

    def decide(self, state: AccountState, offsets: Sequence[int], now_ms: int) -> Decision:
        """Decide one account at these offsets; waits when its last decision knew newer definitions."""
        compiled = self._definitions.get()
        if compiled is None or compiled.ordinal < state.read(Path).ordinal:
            return Decision(render(state.account, decide_forgetting(state, now_ms), now_ms), now_ms + BEHIND_RETRY_MS)
        if (later := put_off(state, compiled, now_ms)) is not None:
            return Decision((), later)
        named = {name: offset for name, offset in zip(HEALTH_SOURCES, offsets, strict=True) if offset != NO_OFFSET}
        silent = None if self._silence is None else self._silence.at(now_ms)
        decided = decide(state, compiled, offsets=named, now_ms=now_ms, silent=silent)
        return Decision(render(state.account, decided, now_ms), decided.next_due_ms)


def render(account: str, decided: Decided, now_ms: int) -> list[Output]:
    """Return the records of a decision, with ids derived from what they identify.

    All are keyed by the account, but what its parents are told: that is keyed by the parent.
    """
    key = account.encode()
    outputs = [
        Output(_CHANGES, key, _encode(change, derived_id("health", account, str(change.number)), account, now_ms))
        for change in decided.changes
    ]
    outputs += [
        Output(_MILESTONES, key, _encode(change, derived_id("health", account, str(change.number)), account, now_ms))
        for change in decided.milestones
    ]
    if decided.snapshot is not None:
        snapshot_id = derived_id("snapshot", account, str(decided.snapshot.revision))
        outputs.append(Output(_HEALTH, key, _encode(decided.snapshot, snapshot_id, account, now_ms)))
    if decided.tombstone:
        outputs.append(Output(_HEALTH, key, None))
    outputs += [
        Output(_ERASURES_DONE, key, _encode(payload, event_id, account, now_ms))
        for event_id, payload in decided.acknowledged
    ]
    outputs += [_told(account, parent, payload, now_ms) for parent, payload in decided.to_parents]
    if decided.day is not None:
        outputs.append(Output(_DAILY, key, day_record(decided.day, account, now_ms)))
    return outputs


def _told(account: str, parent: str, payload: ChildScored, now_ms: int) -> Output:
    event_id = derived_id("roll-up", account, parent, str(payload.revision))
    return Output(_ROLL_UPS, parent.encode(), _encode(payload, event_id, parent, now_ms))


def day_record(day: PayloadStruct, account: str, now_ms: int) -> bytes:
    """Return the record value of a `HealthDay`."""
    return _encode(day, derived_id("day", account, codec.encode_json(day).decode()), account, now_ms)


def _encode(payload: PayloadStruct, event_id: str, account: str, now_ms: int) -> bytes:
    return codec.encode(payload, event_id=event_id, source=SOURCE, account=account, time_ms=now_ms)
