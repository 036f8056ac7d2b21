"""One account's turn at a cut: loaded, folded, decided, dumped, dropped."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from truenorth.errors import HaltError, PoisonError, RefusedError
from truenorth.kafka.records import RECORD_BYTES_MAX, Record
from truenorth.streams.hooks import EngineHooks
from truenorth.streams.kept import Kept
from truenorth.streams.log import Entry
from truenorth.streams.processor import Item, Output, Processor
from truenorth.streams.records import NO_OFFSET, OWN_PART, Own, encode_own, entry_key

S = TypeVar("S")

Run = tuple[int, Sequence[Item]]
"""A source's number and its events, in order."""

Parked = Callable[[Record, str], Entry]
"""Makes the dead letter of a record that cannot be folded, with the reason; raises when there are too many."""


class Cut:
    """One consistent cut, as records to write, with what it took."""

    def __init__(self, positions: Sequence[int], now_ms: int) -> None:
        self.positions = tuple(positions)
        self.now_ms = now_ms
        self.changelog: list[Entry] = []
        self.outputs: list[Output] = []
        self.dead_letters: list[Entry] = []
        self.accounts = 0
        self.events = 0
        self.duplicates = 0
        self.fold_s = 0.0
        self.decide_s = 0.0
        self.encode_s = 0.0


class Turned(NamedTuple):
    """What a turn left: whether the account is kept, and when it is due."""

    kept: bool
    next_due_ms: int | None


class Turns(Generic[S]):
    """Takes accounts through their turns. ``seconds`` is a monotonic clock, for the time split."""

    def __init__(
        self, kept: Kept, processor: Processor[S], *, hooks: EngineHooks, parked: Parked, seconds: Callable[[], float]
    ) -> None:
        self._kept = kept
        self._processor = processor
        self._core = processor.core
        self._schema = processor.schema
        self._sources = len(processor.sources)
        self._hooks = hooks
        self._parked = parked
        self._seconds = seconds

    def turn(self, key: str, runs: Sequence[Run], cut: Cut) -> Turned:
        """Take one account through its turn and put what it writes into the cut."""
        began_s = self._seconds()
        processor, own = self._processor, self._kept.own(key)
        if own is None and not runs:
            return Turned(kept=False, next_due_ms=None)  # forgotten since it was scheduled
        offsets = [] if own is None else own.offsets
        offsets += [NO_OFFSET] * (self._sources - len(offsets))
        fresh = self._fresh(key, runs, offsets, cut)
        state = self._folded(key, own, fresh, cut)
        folded_s = self._seconds()
        decision = processor.decide(state, offsets, cut.now_ms)
        cut.outputs.extend(decision.outputs)
        decided_s = self._seconds()
        kept = self._keep(key, state, offsets, decision.next_due_ms, cut)
        cut.accounts += 1
        cut.fold_s += folded_s - began_s
        cut.decide_s += decided_s - folded_s
        cut.encode_s += self._seconds() - decided_s
        return Turned(kept, decision.next_due_ms)

    def _fresh(self, key: str, runs: Sequence[Run], offsets: list[int], cut: Cut) -> list[Run]:
        """Note the offsets, and leave out duplicates, and what was folded already (there must be none of that)."""
        fresh: list[Run] = []
        for source, all_items in runs:
            items = all_items
            cut.events += len(items)
            if items[0].record.offset <= offsets[source]:
                items = [item for item in items if item.record.offset > offsets[source]]
                self._hooks.refolded(len(all_items) - len(items))
                if not items:
                    continue
            offsets[source] = items[-1].record.offset
            accepted = self._kept.seen.fresh(key, source, items)
            cut.duplicates += len(items) - len(accepted)
            if accepted:
                fresh.append((source, accepted))
        return fresh

    def _folded(self, key: str, own: Own | None, runs: Sequence[Run], cut: Cut) -> S:
        state = self._load(key, own)
        try:
            for source, items in runs:
                self._processor.fold(state, source, items)
        except (RefusedError, PoisonError):
            return self._folded_apart(key, own, runs, cut)
        return state

    def _load(self, key: str, own: Own | None) -> S:
        parts = self._kept.load(key, own)
        if own is not None and own.schema < self._schema:
            parts = self._processor.migrate(parts, own.schema)
        return self._processor.load(key, parts)

    def _folded_apart(self, key: str, own: Own | None, runs: Sequence[Run], cut: Cut) -> S:
        """Find the events that cannot be folded, one by one, park them, and fold the others as if alone."""
        processor = self._processor
        state = self._load(key, own)
        sound = dict(processor.dump(state))
        good: list[Run] = []
        for source, items in runs:
            kept_items: list[Item] = []
            for item in items:
                try:
                    processor.fold(state, source, [item])
                except (RefusedError, PoisonError) as error:
                    cut.dead_letters.append(self._parked(item.record, str(error)))
                    if item.identity is not None:
                        self._kept.seen.forget(key, source, item.identity)
                    state = processor.load(key, dict(sound))
                else:
                    sound = dict(processor.dump(state))
                    kept_items.append(item)
            if kept_items:
                good.append((source, kept_items))
        state = self._load(key, own)
        for source, items in good:
            processor.fold(state, source, items)
        return state

    def _keep(self, key: str, state: S, offsets: Sequence[int], due_ms: int | None, cut: Cut) -> bool:
        """Write what changed to the cut and remember it; tell whether anything is kept."""
        kept, changelog = self._kept, cut.changelog
        new = dict(self._processor.dump(state))
        old_own = kept.owns.get(key)
        core = new.pop(self._core, b"")
        if not new and not core:
            if old_own is not None:
                changelog.extend([Entry(entry_key(key, part), None) for part in (OWN_PART, *kept.parts(key))])
            kept.forget(key)
            return False
        own = encode_own(offsets, due_ms, schema=self._schema, core=core)
        if own != old_own:
            changelog.append(_entry(key, OWN_PART, own))
        old = kept.parts(key)
        if new or old:
            changelog.extend([_entry(key, part, value) for part, value in new.items() if old.get(part) != value])
            changelog.extend([Entry(entry_key(key, part), None) for part in old if part not in new])
        kept.put(key, own, new)
        return True


def _entry(key: str, part: str, value: bytes) -> Entry:
    if len(value) > RECORD_BYTES_MAX:
        raise HaltError(f"part {part!r} of account {key!r} has {len(value)} bytes, too many to be written")
    return Entry(entry_key(key, part), value)
