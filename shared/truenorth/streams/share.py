"""A worker's share: the partitions that are open or being opened, each with its writer and its flush under way."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from truenorth.clock import Clock
from truenorth.errors import TransientError
from truenorth.kafka.records import partition_of
from truenorth.streams.hooks import EngineHooks
from truenorth.streams.log import Entry, Log, Place, Writer
from truenorth.streams.opening import open_changelog, start_positions
from truenorth.streams.partition import Cut, Partition
from truenorth.streams.processor import Processor
from truenorth.streams.settings import EngineSettings

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
        self.due_aim: tuple[int, Mapping[Place, int]] | None = None
        self.due_until_ms = -1


class Opener(Generic[S]):
    """Opens partitions and flushes them; knows the log, and nothing of groups."""

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
        self._counts: dict[str, int] = {}
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
            writer, restored = await open_changelog(
                self._log, place, transactional_id=f"{self._group}-{number}", owner=self._owner, clock=self._clock
            )
            try:
                sources = list(self._processor.sources)
                spans = await self._log.spans([(topic, number) for topic in sources])
                positions = start_positions(sources, number, restored.position, spans)
            except BaseException:
                await writer.close()
                raise
            partition = Partition(
                number,
                count,
                restored,
                positions,
                processor=self._processor,
                reader_name=self._group,
                settings=self._settings,
                hooks=self._hooks,
            )
            now_s = self._clock.monotonic()
            self._hooks.restored(number, restored.records, now_s - began_s)
            _log.info("partition %d is open: %d changelog records", number, restored.records)
            return Open(partition, writer, now_s)

    async def flush(self, held: Open[S], redecide_max: int) -> None:
        """Take a cut and commit it; after any exception the partition must be dropped.

        Raises:
            TransientError: it is not known whether it was committed.
        """
        began_s = self._clock.monotonic()
        held.changed_at_s = None
        cut = await held.partition.cut(self._clock.now_ms(), due_until_ms=held.due_until_ms, redecide_max=redecide_max)
        await held.writer.commit(await self._placed(held.partition.number, cut))
        held.last_flush_s = self._clock.monotonic() - began_s
        self._hooks.flushed(cut.accounts, cut.events, len(cut.outputs), held.last_flush_s)

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
