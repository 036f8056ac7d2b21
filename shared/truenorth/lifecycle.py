"""Ordered start, reverse stop, deadlines: how every service lives and ends.

A `Part` has a start (until it can be used), a run (until it is stopped) and a stop, each optional. A part
that ends before it was asked to ends the process: a service with a dead half must not look alive.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from truenorth.errors import TruenorthError
from truenorth.stacks import BlockedLoopAlarm

log = logging.getLogger(__name__)

EXIT_FINE: Final = 0
EXIT_FAILED: Final = 1
BLOCKED_LOOP_S_MAX: Final = 20.0
"""When the loop has not turned for so long, the stacks of all threads are written to standard error."""
TURN_EVERY_S: Final = 1.0

Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a service, each step optional.

    ``start`` must come back within ``start_within_s``, ``stop`` and the end of ``run`` together within
    ``stop_within_s``; what takes longer is cancelled.
    """

    name: str
    start: Step | None = None
    run: Step | None = None
    stop: Step | None = None
    start_within_s: float = 60.0
    stop_within_s: float = 10.0

    @classmethod
    def of(cls, name: str, thing: object, *, start_within_s: float = 60.0, stop_within_s: float = 10.0) -> "Part":
        """Return a part of whatever ``start``, ``run`` and ``stop`` methods ``thing`` has."""
        return cls(
            name,
            start=getattr(thing, "start", None),
            run=getattr(thing, "run", None),
            stop=getattr(thing, "stop", None),
            start_within_s=start_within_s,
            stop_within_s=stop_within_s,
        )


async def run_service(*parts: Part, stopping: asyncio.Event | None = None) -> int:
    """Start the parts in order, run until SIGTERM, SIGINT or ``stopping``, stop them in reverse.

    Returns the exit code: 0 after an asked-for stop, 1 when a part failed to start, or ended by itself.
    """
    stop_asked = stopping or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_asked.set)
    life = _Life(stop_asked)
    turning = asyncio.create_task(_keep_turning())
    try:
        await life.begin(parts)
        if not life.failed:
            await life.last()
    finally:
        await life.end()
        await _cancelled(turning)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    return EXIT_FAILED if life.failed else EXIT_FINE


async def _keep_turning() -> None:
    """Put off the alarm for as long as the loop turns."""
    alarm = BlockedLoopAlarm(BLOCKED_LOOP_S_MAX)
    try:
        while True:
            alarm.still_turning()
            await asyncio.sleep(TURN_EVERY_S)
    finally:
        alarm.stop()


class _Life:
    """One run of a service: which parts are up, and whether one failed."""

    def __init__(self, stop_asked: asyncio.Event) -> None:
        self.failed = False
        self._stop_asked = stop_asked
        self._up: list[tuple[Part, asyncio.Task[None] | None]] = []

    async def begin(self, parts: Sequence[Part]) -> None:
        for part in parts:
            if self.failed or self._stop_asked.is_set():
                return
            running = None
            if part.start is not None and not await self._start(part, part.start):
                return
            if part.run is not None:
                running = asyncio.create_task(_awaited(part.run), name=part.name)
            self._up.append((part, running))

    async def last(self) -> None:
        """Wait until a stop is asked for or a part ends."""
        asked = asyncio.create_task(self._stop_asked.wait())
        runs = [task for _, task in self._up if task is not None]
        try:
            await asyncio.wait([asked, *runs], return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
        if self._stop_asked.is_set():
            return
        for part, task in self._up:
            if task is not None and task.done():
                self._say_ended(part, task)

    async def end(self) -> None:
        for part, task in reversed(self._up):
            try:
                async with asyncio.timeout(part.stop_within_s):
                    await self._stop(part, task)
            except TimeoutError:
                log.warning("part did not stop in time", extra={"part": part.name, "seconds": part.stop_within_s})
            except Exception:  # said with its trace, and the exit code tells; the other parts must still be stopped
                self.failed = True
                log.exception("part failed while stopping", extra={"part": part.name})
            await _cancelled(task)

    async def _start(self, part: Part, start: Step) -> bool:
        starting = asyncio.create_task(_awaited(start), name=f"start {part.name}")
        asked = asyncio.create_task(self._stop_asked.wait())
        await asyncio.wait([starting, asked], timeout=part.start_within_s, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not starting.done():
            await _cancelled(starting)
            if not self._stop_asked.is_set():
                self.failed = True
                log.error("part did not start in time", extra={"part": part.name, "seconds": part.start_within_s})
        elif (error := starting.exception()) is not None:
            self.failed = True
            log.error("%s failed to start: %s", part.name, _words(error), exc_info=_trace(error))
        else:
            return True
        if part.stop is not None:  # half started: it may hold a socket or a task
            self._up.append((part, None))
        return False

    async def _stop(self, part: Part, task: asyncio.Task[None] | None) -> None:
        if part.stop is not None:
            await part.stop()
        elif task is not None:
            task.cancel()
        if task is not None:
            await asyncio.wait([task])
            if not task.cancelled() and task.exception() is not None and not self.failed:
                self._say_ended(part, task)

    def _say_ended(self, part: Part, task: asyncio.Task[None]) -> None:
        self.failed = True
        error = None if task.cancelled() else task.exception()
        reason = "it returned" if error is None else _words(error)
        log.error("%s ended unexpectedly: %s", part.name, reason, exc_info=_trace(error))


def _words(error: BaseException) -> str:
    """Say ours by their sentence alone, anything else by its type too."""
    return str(error) if isinstance(error, TruenorthError) else f"{type(error).__name__}: {error}"


def _trace(error: BaseException | None) -> BaseException | None:
    """Return what a traceback helps with: errors that nobody raised on purpose."""
    return None if isinstance(error, TruenorthError) else error


async def _awaited(step: Step) -> None:
    await step()


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait for its end; its error, if any, has been said already."""
    if task is None or task.done():
        return
    task.cancel()
    await asyncio.wait([task], timeout=1.0)
