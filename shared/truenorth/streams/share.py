"""A worker's share: the partitions that are open or being opened, each with its writer and its flush under way."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from truenorth.clock import Clock
from truenorth.errors import TransientError
from truenorth.kafka.records import partition_of
from truenorth.streams.hooks import EngineHooks, Flushed
from truenorth.streams.kept import Kept
from truenorth.streams.log import Entry, Log, Place, Writer
from truenorth.streams.opening import check_schema, open_changelog, start_positions
from truenorth.streams.partition import Partition
from truenorth.streams.processor import Processor
from truenorth.streams.read_until import ReadUntil
from truenorth.streams.settings import EngineSettings
from truenorth.streams.turns import Cut

S = TypeVar("S")
_log = logging.getLogger(__name__)


def failure_of(task: "asyncio.Task[Any]") -> BaseException | None:
    """Return why a task that is done failed; ours are cancelled only after they were dropped."""
    return TransientError("it was given up") if task.cancelled() else task.exception()


class Open(Generic[S]):
    """One open partition with what belongs to the running of it."""

    def __init__(self, partition: Partition[S], writer: Writer, now_s: float) -> None:
        self.partition = partition
        self.writer = writer
        self.flushing: asyncio.Task[None] | None = None
        self.changed_at_s: float | None = None
        self.redecided_at_s = now_s
        self.last_flush_s = 0.0
        self.paused = False
        self.read = ReadUntil()


class Opener(Generic[S]):
    """Opens partitions and flushes them; knows the log, and nothing of groups.

    ``dirty_accounts_max`` is how many accounts may wait in a partition, as the commits so far let it be.
    """

    def __init__(
        self,
        log: Log,
        processor: Processor[S],
        *,
        group: str,
        owner: str,
        clock: Clock,
        settings: EngineSettings,
        hooks: EngineHooks,
    ) -> None:
        self._log = log
        self._processor = processor
        self._group = group
        self._owner = owner
        self._clock = clock
        self._settings = settings
        self._hooks = hooks
        self.dirty_accounts_max = settings.dirty_accounts_max
        self._counts: dict[str, int] = {}
        self._cutting = asyncio.Lock()
        self._at_once = asyncio.Semaphore(settings.opening_at_once_max)

    async def open(self, number: int, count: int) -> Open[S]:
        """Open partition ``number`` of ``count``.

        Raises:
            TransientError: try again.
            HaltError: the state and the log do not fit together.
        """
        async with self._at_once:
            began_s = self._clock.monotonic()
            place = self._processor.changelog, number
            sources = list(self._processor.sources)
            kept = Kept(core=self._processor.core, sources=len(sources))
            writer = await open_changelog(
                self._log,
                place,
                kept,
                transactional_id=f"{self._group}-{number}",
                owner=self._owner,
                clock=self._clock,
                restoring=self._hooks.restoring,
            )
            try:
                check_schema(kept.position, self._processor.schema)
                spans = await self._log.spans([(topic, number) for topic in sources])
                positions = start_positions(sources, number, kept.position, spans)
            except BaseException:
                await writer.close()
                raise
            partition = Partition(
                number,
                count,
                kept,
                positions,
                processor=self._processor,
                reader_name=self._group,
                clock=self._clock,
                settings=self._settings,
                hooks=self._hooks,
            )
            now_s = self._clock.monotonic()
            self._hooks.restored(number, kept.records, now_s - began_s)
            _log.info("partition %d is open: %d changelog records", number, kept.records)
            return Open(partition, writer, now_s)

    async def flush(self, held: Open[S], *, redecide_max: int = 0, share: int = 1) -> None:
        """Take a cut and commit it; after any exception the partition must be dropped.

        ``redecide_max``: accounts to decide again in it; ``share``: partitions that are open here.

        Raises:
            TransientError: it is not known whether it was committed.
        """
        began_s = self._clock.monotonic()
        held.changed_at_s = None
        async with self._cutting:  # one after the other: the first goes out while the next is worked through
            cut = await held.partition.cut(
                read_until_ms=held.read.ms,
                due_max=max(1, self._settings.due_accounts_max // max(1, share)),
                redecide_max=redecide_max,
                silent_s_max=self._settings.silent_s_max / max(1, share),
                seen_bytes_max=self._settings.seen_bytes_max // max(1, share),
            )
        placed = await self._placed(held.partition.number, cut)
        committing_s = self._clock.monotonic()
        try:
            await held.writer.commit(placed)
        finally:
            now_s = self._clock.monotonic()
            self._learn(now_s - committing_s)
        held.last_flush_s = now_s - began_s
        self._hooks.spent("fold", cut.fold_s)
        self._hooks.spent("decide", cut.decide_s)
        self._hooks.spent("encode", cut.encode_s)
        self._hooks.spent("commit", now_s - committing_s)
        self._hooks.flushed(
            Flushed(cut.accounts, cut.events, cut.duplicates, len(cut.outputs), len(cut.changelog), held.last_flush_s)
        )

    def _learn(self, commit_s: float) -> None:
        """Let flushes grow while commits are quick, and shrink before one takes longer than a broker may."""
        settings = self._settings
        if commit_s > settings.commit_s_slow:
            self.dirty_accounts_max = max(settings.dirty_accounts_least, self.dirty_accounts_max // 2)
        elif commit_s < settings.commit_s_fine:
            self.dirty_accounts_max = min(settings.dirty_accounts_max, self.dirty_accounts_max * 5 // 4)

    async def _placed(self, number: int, cut: Cut) -> Mapping[Place, Sequence[Entry]]:
        """Give every record of a cut its partition."""
        placed: dict[Place, list[Entry]] = {(self._processor.changelog, number): cut.changelog}
        for topic, key, value in cut.outputs:
            count = self._counts.get(topic) or await self._count(topic)
            placed.setdefault((topic, partition_of(key, count)), []).append(Entry(key, value))
        if cut.dead_letters:
            topic = self._processor.dead_letters
            count = self._counts.get(topic) or await self._count(topic)
            placed[topic, number % count] = cut.dead_letters
        return placed

    async def _count(self, topic: str) -> int:
        self._counts |= await self._log.partition_counts([topic])
        if not self._counts.get(topic):
            raise TransientError(f"topic {topic} is not there")
        return self._counts[topic]
