"""One open partition: what is kept, what waits, and the cut that a flush writes.

State is bytes. Decoded events wait per source and account; at a cut each touched account is taken once. What waits is
swapped out together with the positions in one synchronous step, so the cut is consistent although events keep
arriving while it is worked through.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Generic, TypeVar

from truenorth.clock import Clock
from truenorth.errors import PoisonError, RefusedError
from truenorth.kafka.dead_letters import letter
from truenorth.kafka.records import Record, partition_of
from truenorth.streams.dead_letters import DeadLetterLimits
from truenorth.streams.due import DueTimes
from truenorth.streams.hooks import EngineHooks
from truenorth.streams.kept import Kept
from truenorth.streams.log import Entry
from truenorth.streams.processor import Item, Processor
from truenorth.streams.records import POSITION_KEY, SEPARATOR, Position, encode_control, entry_key
from truenorth.streams.settings import EngineSettings
from truenorth.streams.turns import Cut, Run, Turns

S = TypeVar("S")

_new = tuple.__new__  # a named tuple's own constructor is a Python function, and this is done for every event


class Partition(Generic[S]):
    """Partition ``number`` of every source, restored; ``count`` is how many partitions there are."""

    def __init__(
        self,
        number: int,
        count: int,
        kept: Kept,
        positions: Sequence[int],
        *,
        processor: Processor[S],
        reader_name: str,
        clock: Clock,
        settings: EngineSettings,
        hooks: EngineHooks,
    ) -> None:
        self.number = number
        self.positions = list(positions)
        self.queued = 0
        self.queued_bytes = 0
        self.due = DueTimes()
        self.kept = kept
        self._count = count
        self._processor = processor
        self._sources = list(processor.sources)
        self._reader_name = reader_name
        self._clock = clock
        self._settings = settings
        self._hooks = hooks
        self._queues: list[dict[str, list[Item]]] = [{} for _ in self._sources]
        self._letters: list[Entry] = []
        self._limits = DeadLetterLimits(
            in_row_max=settings.dead_letters_in_row_max,
            ratio_max=settings.dead_letter_ratio_max,
            window=settings.dead_letter_window,
            in_row=kept.position.dead_in_row if kept.position else 0,
        )
        last = kept.position
        self._flush_number = last.flush if last else 0
        self._now_ms = last.now_ms if last else 0
        self._decided = last.decided if last else ""
        self._decide_for = self._decided
        self._redecide: deque[str] = deque()
        self._turns = Turns(kept, processor, hooks=hooks, parked=self._parked, seconds=clock.monotonic)
        self.due.fill(kept.dues())

    @property
    def changed(self) -> bool:
        """Whether events wait for a cut."""
        return self.queued > 0

    @property
    def dirty(self) -> int:
        """Accounts with events that wait; one that waits in two sources counts twice."""
        return sum(map(len, self._queues))

    @property
    def redeciding(self) -> bool:
        """Whether accounts wait to be decided again."""
        return bool(self._redecide)

    def decide_all(self, reason: str) -> None:
        """Have every account decided again, unless that was already done for this reason."""
        if reason == self._decide_for:
            return
        self._decide_for = reason
        self._redecide = deque(self.kept.owns)

    def take(self, source: int, records: Sequence[Record]) -> None:
        """Decode records of one source, in order, and let them wait for the next cut.

        Raises:
            HaltError: too many of them cannot be processed.
        """
        decode, queue, good = self._processor.decode, self._queues[source], 0
        position = self.positions[source]
        for record in records:
            if record.offset < position:
                self._hooks.refolded(1)
                continue
            try:
                key, identity, event = decode(source, record)
                items = queue.get(key)
                if items is None:
                    self._check_key(key)
                    queue[key] = items = []
            except (RefusedError, PoisonError) as error:
                self._limits.good(good)
                good = 0
                self._letters.append(self._parked(record, str(error)))
            else:
                items.append(_new(Item, (record, identity, event)))
                good += 1
        self._limits.good(good)
        self.queued += len(records)
        self.queued_bytes += sum([len(record.value or b"") for record in records])
        self.positions[source] = max(position, records[-1].offset + 1)

    def _check_key(self, key: str) -> None:
        if not key or key[0] == "\x00" or SEPARATOR in key:
            raise PoisonError("the account id is empty or has control characters")
        right = partition_of(key.encode(), self._count)
        if right != self.number:
            raise PoisonError(
                f"account {key!r} belongs to partition {right}: use Kafka's default partitioner (murmur2)"
            )

    def _parked(self, record: Record, reason: str) -> Entry:
        """Return the dead letter of a record, counted."""
        self._hooks.dead_letter(record.topic)
        self._limits.dead(f"{record.topic}-{record.partition}", reason)
        value = letter(record, reader=self._reader_name, reason=reason, now_ms=self._clock.now_ms())
        return Entry(record.key, value)

    async def cut(
        self, *, read_until_ms: int, due_max: int, redecide_max: int, silent_s_max: float, seen_bytes_max: int
    ) -> Cut:
        """Take the cut and work through it, yielding between slices. Nothing may be written meanwhile.

        ``read_until_ms``: everything that the broker took in until then has been read; decisions are made as of then.
        After the accounts with events, up to ``due_max`` accounts due until then are decided, and up to
        ``redecide_max`` of those to decide again, for ``silent_s_max`` seconds. ``seen_bytes_max``: this partition's
        share of the memory for seen ids.
        """
        cut, queue = self._begin(read_until_ms)
        in_row = self._limits.in_row
        left, began_s = self._settings.slice_accounts, self._clock.monotonic()
        for key, runs in chain(queue.items(), self._silent(cut.now_ms, due_max, redecide_max, silent_s_max)):
            turned = self._turns.turn(key, runs, cut)
            self.due.put(key, turned.next_due_ms if turned.kept else None)
            left -= 1
            if not left or self._clock.monotonic() - began_s > self._settings.slice_s:
                await asyncio.sleep(0)
                left, began_s = self._settings.slice_accounts, self._clock.monotonic()
        if not self._redecide:
            self._decided = self._decide_for
        seen = self.kept.seen
        if early := seen.tidy(read_until_ms=read_until_ms, limit_bytes=seen_bytes_max):
            self._hooks.left_early(early)
        cut.changelog.extend([Entry(entry_key(key, part), value) for key, part, value in seen.changes()])
        self._flush_number += 1
        sources = dict(zip(self._sources, cut.positions, strict=True))
        schema = self._processor.schema
        position = Position(self._flush_number, sources, cut.now_ms, self._decided, schema, in_row)
        cut.changelog.append(Entry(POSITION_KEY, encode_control(position)))
        return cut

    def _begin(self, read_until_ms: int) -> tuple[Cut, dict[str, list[Run]]]:
        """Swap out what waits together with the positions, in one step."""
        queues, self._queues = self._queues, [{} for _ in self._sources]
        self.queued = self.queued_bytes = 0
        # never ahead of what was read: that would be silence made of unread events; and never backwards
        self._now_ms = max(self._now_ms, min(read_until_ms, self._clock.now_ms()))
        cut = Cut(self.positions, self._now_ms)
        cut.dead_letters, self._letters = self._letters, []
        queue: dict[str, list[Run]] = {}
        for source, items_of in enumerate(queues):
            for key, items in items_of.items():
                queue.setdefault(key, []).append((source, items))
        return cut, queue

    def _silent(
        self, now_ms: int, due_max: int, redecide_max: int, silent_s_max: float
    ) -> Iterator[tuple[str, Sequence[Run]]]:
        """Yield who is to be decided without an event, each when the one before is done, while there is time."""
        until_s = self._clock.monotonic() + silent_s_max
        for _ in range(due_max):
            taken = self.due.take(now_ms, 1)
            if not taken:
                break
            yield taken[0], ()
            if self._clock.monotonic() > until_s:
                return
        for _ in range(redecide_max):
            if not self._redecide:  # looked at anew each time: meanwhile all may have to be decided once more
                return
            yield self._redecide.popleft(), ()
            if self._clock.monotonic() > until_s:
                return
