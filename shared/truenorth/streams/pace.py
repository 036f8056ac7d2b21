"""When a partition is flushed, paused, and when its silent accounts may be decided."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Generic, TypeVar

from truenorth.clock import Clock
from truenorth.streams.log import Place, Reader
from truenorth.streams.partition import Partition
from truenorth.streams.settings import EngineSettings
from truenorth.streams.share import Open, Opener, failure_of

S = TypeVar("S")
_log = logging.getLogger(__name__)


class Pacer(Generic[S]):
    """Looks at one open partition between two polls."""

    def __init__(self, opener: Opener[S], sources: list[str], *, clock: Clock, settings: EngineSettings) -> None:
        self._opener = opener
        self._sources = sources
        self._clock = clock
        self._settings = settings
        self._seen_at_s = clock.monotonic()

    def places(self, number: int) -> list[Place]:
        """Return the places of all sources of a partition number."""
        return [(topic, number) for topic in self._sources]

    async def see_read(self, reader: Reader, share: Sequence[Open[S]], now_s: float) -> None:
        """Note up to which moment everything has been read, in partitions that wait for it."""
        if now_s - self._seen_at_s < self._settings.due_check_s / 2:
            return
        waiting = [held for held in share if held.read.waiting]
        if waiting:
            self._seen_at_s = now_s
            places = [place for held in waiting for place in self.places(held.partition.number)]
            positions = await reader.positions(places)
            for held in waiting:
                held.read.see(positions)

    def maybe_flush(self, held: Open[S], now_s: float, share: int) -> None:
        """Start a flush when it is time; at most one per partition runs. ``share``: partitions open here."""
        if held.flushing is not None:
            return
        partition, settings = held.partition, self._settings
        if held.changed_at_s is None and partition.changed:
            held.changed_at_s = now_s
        wait_s = min(settings.flush_after_s_max, max(settings.flush_after_s, 2 * held.last_flush_s))
        first_due_ms = partition.due.first_ms
        due = first_due_ms is not None and first_due_ms <= held.read.ms
        ripe = held.changed_at_s is not None and now_s - held.changed_at_s >= wait_s
        full = self._is_full(partition)
        since_s = now_s - held.redecided_at_s
        again = partition.redeciding and since_s >= settings.flush_after_s
        if not (ripe or full or due or again):
            return
        redecide_max = 0
        if partition.redeciding:
            redecide_max = max(1, int(min(1.0, since_s) * settings.redecide_accounts_per_s / max(1, share)))
            held.redecided_at_s = now_s
        held.flushing = asyncio.create_task(self._opener.flush(held, redecide_max=redecide_max, share=share))

    def pace(self, reader: Reader, held: Open[S]) -> None:
        """Pause a partition whose queue is full, and let it go on when the queue is half empty."""
        partition = held.partition
        if not held.paused and self._is_full(partition):
            held.paused = True
            reader.pause(self.places(partition.number))
        elif held.paused and not self._is_full(partition, part=2):
            held.paused = False
            reader.resume(self.places(partition.number))

    def _is_full(self, partition: Partition[S], part: int = 1) -> bool:
        """Whether the queue holds a whole (or a ``part``-th) of what it may."""
        settings = self._settings
        return (
            part * partition.queued >= settings.queued_events_max
            or part * partition.queued_bytes >= settings.queued_bytes_max
            or part * partition.dirty >= self._opener.dirty_accounts_max
        )

    async def finish(self, share: Sequence[Open[S]]) -> None:
        """At the end: flush what is in hand, as far as that goes in a bounded time; the rest is read again."""
        flushes = [asyncio.create_task(self._finish_one(held)) for held in share]
        if not flushes:
            return
        await asyncio.wait(flushes, timeout=self._settings.stop_s_max)
        for flush in flushes:
            if not flush.done():
                flush.cancel()
            elif (error := failure_of(flush)) is not None:
                _log.warning("a partition was not flushed at the end: %s", error)

    async def _finish_one(self, held: Open[S]) -> None:
        if held.flushing is not None:
            await held.flushing
        if held.partition.changed:
            await self._opener.flush(held)
