"""One open partition: what is kept, what waits, and the cut that a flush writes.

State is bytes. Decoded events wait per account; at a cut each touched account is taken once: loaded, folded, decided,
dumped, dropped. What waits is swapped out together with the positions in one synchronous step, so the cut is
consistent although events keep arriving while it is worked through.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from truenorth.errors import HaltError, PoisonError, RefusedError
from truenorth.kafka.dead_letters import letter
from truenorth.kafka.records import RECORD_BYTES_MAX, Record, partition_of
from truenorth.streams.dead_letters import DeadLetterLimits
from truenorth.streams.due import DueTimes
from truenorth.streams.hooks import EngineHooks
from truenorth.streams.log import Entry
from truenorth.streams.processor import Item, Output, Processor
from truenorth.streams.records import (
    OWN_PART,
    POSITION_KEY,
    SEPARATOR,
    Own,
    Position,
    decode_own,
    encode_control,
    encode_own,
    entry_key,
)
from truenorth.streams.settings import EngineSettings

S = TypeVar("S")

_NOTHING: Final[Mapping[str, bytes]] = {}


class Restored(NamedTuple):
    """What the changelog says: parts and own part per account, and the position record if there is one."""

    parts: dict[str, dict[str, bytes]]
    owns: dict[str, bytes]
    position: Position | None
    records: int


class Cut:
    """One consistent cut, as records to write."""

    def __init__(self, positions: Sequence[int], now_ms: int) -> None:
        self.positions = tuple(positions)
        self.now_ms = now_ms
        self.changelog: list[Entry] = []
        self.outputs: list[Output] = []
        self.dead_letters: list[Entry] = []
        self.accounts = 0
        self.events = 0


class Partition(Generic[S]):
    """Partition ``number`` of every source, restored; ``count`` is how many partitions there are."""

    def __init__(
        self,
        number: int,
        count: int,
        restored: Restored,
        positions: Sequence[int],
        *,
        processor: Processor[S],
        reader_name: str,
        settings: EngineSettings,
        hooks: EngineHooks,
    ) -> None:
        self.number = number
        self.positions = list(positions)
        self.queued = 0
        self.due = DueTimes()
        self.parts = restored.parts
        self._count = count
        self._owns = restored.owns
        self._processor = processor
        self._sources = list(processor.sources)
        self._reader_name = reader_name
        self._settings = settings
        self._hooks = hooks
        self._queue: dict[str, list[Item]] = {}
        self._letters: list[Entry] = []
        self._limits = DeadLetterLimits(
            in_row_max=settings.dead_letters_in_row_max,
            ratio_max=settings.dead_letter_ratio_max,
            window=settings.dead_letter_window,
        )
        last = restored.position
        self._flush_number = last.flush if last else 0
        self._now_ms = last.now_ms if last else 0
        self._decided = last.decided if last else ""
        self._decide_for = self._decided
        self._redecide: deque[str] = deque()
        dues = ((key, decode_own(own).next_due_ms) for key, own in restored.owns.items())
        self.due.fill((key, due_ms) for key, due_ms in dues if due_ms is not None)

    @property
    def changed(self) -> bool:
        """Whether events wait for a cut."""
        return bool(self._queue or self._letters)

    @property
    def redeciding(self) -> bool:
        """Whether accounts wait to be decided again."""
        return bool(self._redecide)

    def decide_all(self, reason: str) -> None:
        """Have every account decided again, unless that was already done for this reason."""
        if reason == self._decide_for:
            return
        self._decide_for = reason
        self._redecide = deque(self.parts)

    def take(self, source: int, records: Sequence[Record], now_ms: int) -> None:
        """Decode records of one source, in order, and let them wait for the next cut.

        Raises:
            HaltError: too many of them cannot be processed.
        """
        decode, queue, good = self._processor.decode, self._queue, 0
        position = self.positions[source]
        for record in records:
            offset = record.offset
            if offset < position:
                self._hooks.refolded(1)
                continue
            try:
                key, event = decode(source, record)
                items = queue.get(key)
                if items is None:
                    self._check_key(key)
                    queue[key] = [Item(source, offset, record.timestamp_ms, event)]
                else:
                    items.append(Item(source, offset, record.timestamp_ms, event))
            except (RefusedError, PoisonError) as error:
                self._limits.good(good)
                good = 0
                self._park(record, str(error), now_ms)
            else:
                good += 1
        self._limits.good(good)
        self.queued += len(records)
        self.positions[source] = max(position, records[-1].offset + 1)

    def _check_key(self, key: str) -> None:
        if not key or key[0] == "\x00" or SEPARATOR in key:
            raise PoisonError("the account id is empty or has control characters")
        right = partition_of(key.encode(), self._count)
        if right != self.number:
            raise PoisonError(
                f"account {key!r} belongs to partition {right}: use Kafka's default partitioner (murmur2)"
            )

    def _park(self, record: Record, reason: str, now_ms: int) -> None:
        self._letters.append(Entry(record.key, letter(record, reader=self._reader_name, reason=reason, now_ms=now_ms)))
        self._hooks.dead_letter(record.topic)
        self._limits.dead(f"{record.topic}-{record.partition}", reason)

    async def cut(self, now_ms: int, *, due_until_ms: int, redecide_max: int) -> Cut:
        """Take the cut and work through it, yielding between slices. Nothing may be written meanwhile.

        ``due_until_ms``: accounts due until then may be decided without events.
        """
        queue, self._queue = self._queue, {}
        self.queued = 0
        self._now_ms = max(now_ms, self._now_ms)  # never backwards, whatever this machine's clock says
        cut = Cut(self.positions, self._now_ms)
        cut.dead_letters, self._letters = self._letters, []
        for key in self.due.take(min(due_until_ms, cut.now_ms), self._settings.due_accounts_max):
            queue.setdefault(key, [])
        for _ in range(min(redecide_max, len(self._redecide))):
            queue.setdefault(self._redecide.popleft(), [])
        if not self._redecide:
            self._decided = self._decide_for
        decided = self._decided
        left = self._settings.slice_accounts
        for key, items in queue.items():
            self._turn(key, items, cut)
            left -= 1
            if not left:
                left = self._settings.slice_accounts
                await asyncio.sleep(0)
        self._flush_number += 1
        sources = dict(zip(self._sources, cut.positions, strict=True))
        position = Position(self._flush_number, sources, cut.now_ms, decided)
        cut.changelog.append(Entry(POSITION_KEY, encode_control(position)))
        return cut

    def _turn(self, key: str, items: Sequence[Item], cut: Cut) -> None:
        """One account's turn: load, fold, decide, dump."""
        own_bytes = self._owns.get(key)
        if own_bytes is None:
            if not items:
                return  # forgotten since it was scheduled
            own = Own({}, None)
        else:
            own = decode_own(own_bytes)
        offsets = own.offsets
        fresh = self._fresh(items, offsets) if items else items
        kept = self.parts.get(key, _NOTHING)
        processor = self._processor
        state = processor.load(key, kept)
        if fresh:
            try:
                processor.fold(state, fresh)
            except (RefusedError, PoisonError):
                state = self._fold_apart(key, kept, fresh, cut)
        decision = processor.decide(state, offsets, cut.now_ms)
        cut.outputs.extend(decision.outputs)
        cut.accounts += 1
        cut.events += len(items)
        self._keep(key, kept, processor.dump(state), encode_own(offsets, decision.next_due_ms), cut)
        self.due.put(key, decision.next_due_ms if key in self._owns else None)

    def _fresh(self, items: Sequence[Item], offsets: dict[int, int]) -> Sequence[Item]:
        """Note the items' offsets; without those that the state already holds (there must be none)."""
        stale: set[int] = set()
        for number, (source, offset, _, _) in enumerate(items):
            if offset > offsets.get(source, -1):
                offsets[source] = offset
            else:
                stale.add(number)
        if not stale:
            return items
        self._hooks.refolded(len(stale))
        return [item for number, item in enumerate(items) if number not in stale]

    def _fold_apart(self, key: str, kept: Mapping[str, bytes], items: Sequence[Item], cut: Cut) -> S:
        """Fold item by item, each time from a sound state, and park the ones that cannot be folded."""
        good: list[Item] = []
        for item in items:
            state = self._processor.load(key, kept)
            try:
                self._processor.fold(state, [*good, item])
            except (RefusedError, PoisonError) as error:
                record = Record(
                    self._sources[item.source], self.number, item.offset, key.encode(), None, item.timestamp_ms
                )
                parked = letter(record, reader=self._reader_name, reason=str(error), now_ms=cut.now_ms)
                cut.dead_letters.append(Entry(record.key, parked))
                self._hooks.dead_letter(record.topic)
                self._limits.dead(f"{record.topic}-{record.partition}", str(error))
            else:
                good.append(item)
        state = self._processor.load(key, kept)
        if good:
            self._processor.fold(state, good)
        return state

    def _keep(self, key: str, old: Mapping[str, bytes], new: Mapping[str, bytes], own: bytes, cut: Cut) -> None:
        """Write what changed to the cut and remember it."""
        changelog = cut.changelog
        for part, value in new.items():
            if old.get(part) != value:
                if len(value) > RECORD_BYTES_MAX:
                    raise HaltError(f"part {part!r} of account {key!r} has {len(value)} bytes, too many to be written")
                changelog.append(Entry(entry_key(key, part), value))
        changelog.extend([Entry(entry_key(key, part), None) for part in old if part not in new])
        if new:
            if self._owns.get(key) != own:
                changelog.append(Entry(entry_key(key, OWN_PART), own))
                self._owns[key] = own
            self.parts[key] = dict(new)
        elif key in self._owns:
            changelog.append(Entry(entry_key(key, OWN_PART), None))
            del self._owns[key]
            self.parts.pop(key, None)
