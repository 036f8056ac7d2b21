"""Watches where the log ends: for the lag, for the moment up to which all was read, and for a client that is stuck."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeVar

from truenorth.clock import Clock
from truenorth.errors import TransientError
from truenorth.kafka.progress import Progress
from truenorth.stacks import describe_tasks
from truenorth.streams.holding import Holding
from truenorth.streams.log import Place, Reader
from truenorth.streams.pace import Pacer
from truenorth.streams.settings import EngineSettings
from truenorth.streams.share import failure_of

S = TypeVar("S")
_log = logging.getLogger(__name__)


class _Asked(NamedTuple):
    """The ends, and from before they were asked for: the moment, the generation, and which places."""

    moment_ms: int
    generation: int
    ends: Mapping[Place, int]


class Watch(Generic[S]):
    """Asks for the ends beside the polling: behind a fetch that waits for records the answer takes its time.

    ``watched`` are the partition numbers that `progress` is about.
    """

    def __init__(self, holding: Holding[S], pacer: Pacer[S], *, clock: Clock, settings: EngineSettings) -> None:
        self.progress = Progress(clock)
        self._holding = holding
        self._pacer = pacer
        self._clock = clock
        self._settings = settings
        self._asking: asyncio.Task[_Asked] | None = None
        self._asked_at_s = clock.monotonic()
        self.watched: frozenset[int] = frozenset()

    async def look(self, reader: Reader, now_s: float) -> None:
        """Take in an answer that has come, and ask again when it is time.

        Raises:
            TransientError: the ends cannot be had, or the reader makes no step.
        """
        if self._asking is not None and self._asking.done():
            task, self._asking = self._asking, None
            if (error := failure_of(task)) is not None:
                raise error
            if task.result().generation == reader.generation:
                await self._answered(reader, task.result())
        due = now_s - self._asked_at_s >= self._settings.due_check_s
        if due and self._asking is None and self._holding.open:
            self._asked_at_s = now_s
            self._asking = asyncio.create_task(self._ask(reader))

    def stop(self) -> None:
        """Ask no more of this reader."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    async def _ask(self, reader: Reader) -> _Asked:
        moment_ms, generation = self._clock.now_ms(), reader.generation
        places = [place for number in self._holding.open for place in self._pacer.places(number)]
        return _Asked(moment_ms, generation, await reader.ends(places))

    async def _answered(self, reader: Reader, asked: _Asked) -> None:
        ends = asked.ends
        positions = {**dict.fromkeys(ends, 0), **await reader.positions(list(ends))}
        numbers = frozenset(number for _, number in ends)
        if self.watched == numbers:
            self.progress.moved(positions.items())
            self.progress.ends_known(ends)
        else:
            self.watched = numbers
            self.progress.assigned(positions, ends)
        for number, held in self._holding.open.items():
            if number in numbers:
                held.read.aim(asked.moment_ms, {place: ends[place] for place in self._pacer.places(number)})
        if self.progress.stuck_for_s > self._settings.stuck_s_max:
            told = f"no step for {self.progress.stuck_for_s:.0f} s although there is something to read"
            _log.error("%s; the reader is replaced. Where everything stands:\n%s", told, describe_tasks())
            raise TransientError(told)
