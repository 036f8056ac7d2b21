"""The engine: joins the group, keeps its share of partitions open, takes events in and has them flushed.

One loop polls, hands records to partitions and starts flushes, which run beside it. Partitions change hands only
between two polls. See `truenorth.streams` for what holds, and `opening` and `partition` for why.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from truenorth.clock import Clock
from truenorth.errors import HaltError, TransientError
from truenorth.kafka.progress import Progress
from truenorth.kafka.records import Record, partition_of
from truenorth.streams import collector
from truenorth.streams.holding import Holding
from truenorth.streams.hooks import EngineFigures, EngineHooks, NoHooks
from truenorth.streams.log import Log, Place, Reader
from truenorth.streams.pace import Pacer
from truenorth.streams.processor import Processor
from truenorth.streams.settings import EngineSettings
from truenorth.streams.share import Opener, failure_of
from truenorth.streams.watch import Watch

S = TypeVar("S")
_log = logging.getLogger(__name__)


class Engine(Generic[S]):
    """Folds the processor's sources, partition by partition, exactly once. One per process."""

    def __init__(
        self,
        log: Log,
        processor: Processor[S],
        *,
        group: str,
        clock: Clock,
        settings: EngineSettings | None = None,
        hooks: EngineHooks | None = None,
        owner: str = "",
    ) -> None:
        self._log = log
        self._processor = processor
        self._group = group
        self._clock = clock
        self._settings = settings or EngineSettings()
        self._hooks = hooks or NoHooks()
        self._opener = Opener(
            log,
            processor,
            group=group,
            owner=owner or group,
            clock=clock,
            settings=self._settings,
            hooks=self._hooks,
        )
        self._pacer = Pacer(self._opener, list(processor.sources), clock=clock, settings=self._settings)
        self._source_of = {topic: number for number, topic in enumerate(processor.sources)}
        self._holding = Holding(self._opener, clock=clock, settings=self._settings, hooks=self._hooks)
        self._decide_for = ""
        self._stopping = False
        self._done = asyncio.Event()
        self._done.set()
        self._shown_at_s = clock.monotonic()
        self._watch = Watch(self._holding, self._pacer, clock=clock, settings=self._settings)

    @property
    def owned(self) -> frozenset[int]:
        """The partition numbers that are open here."""
        return frozenset(self._holding.open)

    @property
    def opening(self) -> frozenset[int]:
        """The partition numbers that belong here but are not open yet."""
        return self._holding.missing

    @property
    def refused(self) -> Mapping[int, str]:
        """Why partitions that belong here could not be opened when that was tried last."""
        return self._holding.refused

    @property
    def progress(self) -> Progress:
        """How far the open partitions are read."""
        return self._watch.progress

    @property
    def caught_up(self) -> bool:
        """Whether all partitions of the share are open and read up to the end they had when they were opened."""
        return not self.opening and self._watch.watched == self.owned and self.progress.caught_up

    @property
    def figures(self) -> EngineFigures:
        """What this worker holds, in numbers."""
        return self._holding.figures

    def state_parts(self, key: str) -> Mapping[str, bytes] | None:
        """Return the parts of an account as of its last turn; None when it is not here."""
        count = self._holding.count
        held = self._holding.open.get(partition_of(key.encode(), count)) if count else None
        if held is None:
            return None
        kept = held.partition.kept
        own = kept.own(key)
        return kept.load(key, own) if own else None

    def cores(self, number: int, *, size: int) -> Iterator[list[bytes]]:
        """Yield the core parts of a partition's accounts, ``size`` at a time; nothing when it is not open here.

        It may be let go in between: what comes then is as of that moment.
        """
        held = self._holding.open.get(number)
        if held is not None:
            yield from held.partition.kept.cores(schema=self._processor.schema, size=size)

    @property
    def partition_count(self) -> int:
        """How many partitions there are; 0 before the broker said so."""
        return self._holding.count

    def request_decision(self, reason: str) -> None:
        """Have all accounts decided again, spread out, once per ``reason`` (the hash of the definitions, say).

        What was done for a reason is remembered in the changelog: a worker that takes over in the middle does it all.
        """
        self._decide_for = reason
        for held in self._holding.open.values():
            held.partition.decide_all(reason)

    async def start(self) -> None:
        """Make ready to run; the broker is looked for in `run`."""
        self._stopping = False

    async def stop(self) -> None:
        """Flush what is in hand, for a bounded time, leave the group, and let `run` return."""
        self._stopping = True
        await self._done.wait()

    async def run(self) -> None:
        """Work until `stop`.

        Raises:
            HaltError: going on would lose or invent data.
        """
        wait_s = self._settings.reopen_after_s
        self._done.clear()
        collector.tune()
        try:
            while not self._stopping:
                began_s = self._clock.monotonic()
                try:
                    await self._session()
                except TransientError as error:
                    _log.warning("the group is joined anew in %.1f s: %s", wait_s, error)
                    await self._clock.sleep(wait_s)
                    longest_s = self._settings.reopen_after_s_max
                    lasted = self._clock.monotonic() - began_s > 4 * longest_s
                    wait_s = self._settings.reopen_after_s if lasted else min(2 * wait_s, longest_s)
        finally:
            await self._holding.close()
            self._done.set()

    async def _session(self) -> None:
        """One membership in the group."""
        self._holding.count = await self._partition_count()
        reader = await self._log.join(self._group, list(self._processor.sources), self._settings.group_instance_id)
        try:
            seen: int | None = None
            while not self._stopping:
                if seen != reader.generation and reader.assignment is not None:
                    seen = reader.generation
                    self._take_over(reader, reader.assignment)
                began_s = self._clock.monotonic()
                polled = await reader.poll(self._settings.poll_s, self._settings.poll_records_max)
                polled_s = self._clock.monotonic()
                self._hooks.spent("poll" if polled else "idle", polled_s - began_s)
                if reader.generation == seen:  # else all places are begun anew: nothing is lost
                    self._take(polled)
                    self._hooks.spent("decode", self._clock.monotonic() - polled_s)
                    await self._tend(reader)
            await self._pacer.finish(list(self._holding.open.values()))
        finally:
            self._watch.stop()
            await reader.close()

    def _take(self, polled: Mapping[Place, Sequence[Record]]) -> None:
        for (topic, number), records in polled.items():
            if number in self._holding.open:
                self._holding.open[number].partition.take(self._source_of[topic], records)
                self._hooks.polled(len(records))

    async def _partition_count(self) -> int:
        topics = [*self._processor.sources, self._processor.changelog]
        counts = await self._log.partition_counts(topics)
        if missing := [topic for topic in topics if not counts.get(topic)]:
            raise TransientError(f"topics are not there: {', '.join(missing)}")
        if len({counts[topic] for topic in topics}) != 1:
            told = ", ".join(f"{topic} {counts[topic]}" for topic in topics)
            raise HaltError(f"sources and changelog must have the same number of partitions: {told}")
        if (count := self._holding.count) and counts[topics[0]] != count:
            raise HaltError(f"there were {count} partitions, now there are {counts[topics[0]]}")
        return counts[topics[0]]

    def _take_over(self, reader: Reader, assignment: frozenset[Place]) -> None:
        """Let go what is not ours any more, begin again what still is, and note what is to be opened."""
        numbers = frozenset(number for _, number in assignment)
        for number in numbers:
            if missing := [topic for topic in self._source_of if (topic, number) not in assignment]:
                raise HaltError(
                    f"partition {number} of {', '.join(missing)} went to another worker than its other sources: "
                    "all workers of the group must read the same topics"
                )
        self._holding.want(numbers)
        for number in self._holding.open:
            self._begin(reader, number)

    def _begin(self, reader: Reader, number: int) -> None:
        held = self._holding.open[number]
        held.paused = False
        for topic, source in self._source_of.items():
            reader.begin((topic, number), held.partition.positions[source])

    async def _tend(self, reader: Reader) -> None:
        """Between two polls: open, drop, flush, pace."""
        now_s = self._clock.monotonic()
        if self._processor.ready():
            self._holding.open_missing(now_s)
        self._admit(reader, now_s)
        await self._pacer.see_read(reader, list(self._holding.open.values()), now_s)
        for number, held in list(self._holding.open.items()):
            if held.flushing is not None and held.flushing.done():
                task, held.flushing = held.flushing, None
                if (error := failure_of(task)) is not None:
                    reader.pause(self._pacer.places(number))
                    self._holding.drop(number, error, now_s)
                    continue
                self._holding.flushed(number)
            self._pacer.maybe_flush(held, now_s, len(self._holding.open))
            self._pacer.pace(reader, held)
        await self._watch.look(reader, now_s)
        if now_s - self._shown_at_s >= self._settings.show_every_s:
            self._shown_at_s = now_s
            await reader.show(await reader.positions(self._places()))

    def _places(self) -> list[Place]:
        return [place for number in self._holding.open for place in self._pacer.places(number)]

    def _admit(self, reader: Reader, now_s: float) -> None:
        """Begin partitions whose opening is done."""
        admitted = self._holding.admit(now_s)
        for number in admitted:
            if self._decide_for:
                self._holding.open[number].partition.decide_all(self._decide_for)
            self._begin(reader, number)
        if admitted and not self.opening:
            collector.settle()
