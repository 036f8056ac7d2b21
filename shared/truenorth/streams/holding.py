"""What a worker holds: which partitions belong to it, are being opened, are open, or wait to be tried again."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Generic, TypeVar

from truenorth.clock import Clock
from truenorth.errors import TransientError
from truenorth.streams.hooks import EngineFigures, EngineHooks
from truenorth.streams.settings import EngineSettings
from truenorth.streams.share import Open, Opener, failure_of

S = TypeVar("S")
_log = logging.getLogger(__name__)


class Holding(Generic[S]):
    """The partitions of one worker by number. ``wanted`` are its share, ``open`` those it works on."""

    def __init__(
        self, opener: Opener[S], *, clock: Clock, settings: EngineSettings, hooks: EngineHooks, count: int = 0
    ) -> None:
        self.wanted: frozenset[int] = frozenset()
        self.open: dict[int, Open[S]] = {}
        self.count = count
        self.refused: dict[int, str] = {}
        self._opener = opener
        self._clock = clock
        self._settings = settings
        self._hooks = hooks
        self._opening: dict[int, asyncio.Task[Open[S]]] = {}
        self._reopen_at_s: dict[int, tuple[float, float]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._read_ms: dict[int, int] = {}

    @property
    def missing(self) -> frozenset[int]:
        """Partitions of the share that are not open."""
        return self.wanted - self.open.keys()

    def want(self, numbers: Iterable[int]) -> None:
        """Take a new share: let go what is not in it."""
        self.wanted = frozenset(numbers)
        for number in set(self.open) - self.wanted:
            self.let_go(number)
        for number in set(self._opening) - self.wanted:
            self._opening.pop(number).cancel()
        self._reopen_at_s = {number: at for number, at in self._reopen_at_s.items() if number in self.wanted}
        self.refused = {number: reason for number, reason in self.refused.items() if number in self.wanted}
        now_ms = self._clock.now_ms()
        self._read_ms = {number: self._read_ms.get(number, now_ms) for number in self.wanted}

    def open_missing(self, now_s: float) -> None:
        """Begin to open what is missing and may be tried now."""
        for number in self.missing - set(self._opening):
            if now_s >= self._reopen_at_s.get(number, (0.0, 0.0))[0]:
                self._opening[number] = asyncio.create_task(self._opener.open(number, self.count))

    def admit(self, now_s: float) -> list[int]:
        """Take in what was opened meanwhile, and return the numbers.

        Raises:
            HaltError: a partition can never be opened.
        """
        admitted = []
        for number, task in list(self._opening.items()):
            if not task.done():
                continue
            del self._opening[number]
            error = failure_of(task)
            if error is None:
                self.open[number] = task.result()
                self.refused.pop(number, None)
                admitted.append(number)
            elif isinstance(error, TransientError):
                self.later(number, error, now_s)
            else:
                raise error
        return admitted

    def later(self, number: int, error: BaseException, now_s: float) -> None:
        """Try to open a partition again after a pause that grows each time."""
        _, wait_s = self._reopen_at_s.get(number, (0.0, self._settings.reopen_after_s))
        _log.warning("partition %d is opened again in %.1f s: %s", number, wait_s, error)
        self.refused[number] = str(error)
        self._reopen_at_s[number] = now_s + wait_s, min(2 * wait_s, self._settings.reopen_after_s_max)

    def flushed(self, number: int) -> None:
        """Note that a flush of a partition was committed: what went wrong before is over."""
        self._reopen_at_s.pop(number, None)

    def drop(self, number: int, error: BaseException, now_s: float) -> None:
        """Forget a partition whose flush failed: nothing in memory may be trusted.

        Raises:
            HaltError: ``error`` is nothing that passes.
        """
        self.let_go(number)
        if not isinstance(error, TransientError):
            raise error
        self._hooks.dropped(number, str(error))
        self.later(number, error, now_s)

    def let_go(self, number: int) -> None:
        """Close a partition at once; what was not committed is somebody's work again."""
        held = self.open.pop(number)
        self._read_ms[number] = max(held.read.ms, self._read_ms.get(number, -1))
        if held.flushing is not None:
            held.flushing.cancel()
        closing = asyncio.create_task(held.writer.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Let go everything, for a bounded time."""
        openings = list(self._opening.values())
        for task in openings:
            task.cancel()
        self._opening.clear()
        self.wanted = frozenset()
        for number in list(self.open):
            self.let_go(number)
        if waiting := [*openings, *self._closing]:
            await asyncio.wait(waiting, timeout=self._settings.stop_s_max)
        for task in openings:
            if task.done() and not task.cancelled() and task.exception() is None:
                await task.result().writer.close()

    @property
    def figures(self) -> EngineFigures:
        """What is held, in numbers."""
        held = list(self.open.values())
        kept = [one.partition.kept for one in held]
        return EngineFigures(
            accounts=sum(len(one.owns) for one in kept),
            state_bytes=sum(one.bytes for one in kept),
            seen_bytes=sum(one.seen.bytes for one in kept),
            waiting_events=sum(one.partition.queued for one in held),
            dirty_accounts=sum(one.partition.dirty for one in held),
            lag_s=self._lag_s(),
        )

    def _lag_s(self) -> float:
        """Age of the moment up to which the whole share was read, also while a partition is not open."""
        now_ms = self._clock.now_ms()
        moments = [
            max(self._read_ms.get(number, now_ms), self.open[number].read.ms if number in self.open else -1)
            for number in self.wanted
        ]
        return max(0.0, (now_ms - min(moments, default=now_ms)) / 1000)
