"""An event loop whose time and order of events come from a seed, and in which workers can be stopped at every step.

Every callback belongs to the worker in whose context it was made. The loop runs one callback at a time, of a worker
chosen by lot; a held worker's callbacks wait. Time moves a little with each step, and to the next timer when nothing
else is to be done. Nothing here touches the machine's clock, threads or sockets.
"""

import asyncio
import heapq
import random
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

OWNER: ContextVar[int] = ContextVar("owner", default=0)
"""The worker that what runs belongs to; 0 is the world itself."""

STEP_S = 0.0002


class SimulatedLoop:
    """See the module. Drive it with `run_steps`. It has of an event loop what the engine and asyncio's tasks need."""

    def __init__(self) -> None:
        self.loop: Any = self  # as what asyncio takes it for
        self.lot = random.Random(0)
        self.steps = 0
        self.errors: list[str] = []
        self._now = 0.0
        self._ready: dict[int, deque[asyncio.Handle]] = defaultdict(deque)
        self._held: set[int] = set()
        self._timers: list[tuple[float, int, int, asyncio.TimerHandle]] = []
        self._count = 0

    def hold(self, owner: int) -> None:
        """Run nothing of this worker any more, until it is released."""
        self._held.add(owner)

    def release(self, owner: int) -> None:
        """Let a held worker go on."""
        self._held.discard(owner)

    def run_steps(self, count: int) -> None:
        """Run so many callbacks."""
        asyncio._set_running_loop(self.loop)
        try:
            for _ in range(count):
                self._step()
        finally:
            asyncio._set_running_loop(None)

    def _step(self) -> None:
        timers = self._timers
        owners = [owner for owner, ready in self._ready.items() if ready and owner not in self._held]
        self._now += STEP_S
        if not owners and timers:
            self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            _, _, owner, timer = heapq.heappop(timers)
            if not timer.cancelled():
                self._ready[owner].append(timer)
        if not owners:
            return
        self.steps += 1
        owner = owners[0] if len(owners) == 1 else owners[int(self.lot.random() * len(owners))]
        handle = self._ready[owner].popleft()
        if not handle.cancelled():
            handle._run()

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self.loop, context)
        owner = OWNER.get() if context is None else context.get(OWNER, 0)
        self._ready[owner].append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self.loop, context)
        owner = OWNER.get() if context is None else context.get(OWNER, 0)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, owner, timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is passed over at its time."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self.loop)

    def create_task(
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        return asyncio.Task(coro, loop=self.loop, name=name, context=context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if "handle" in context:  # a callback raised; a task's own failure is for who waits for it
            self.errors.append(f"{context.get('message')}: {context.get('exception')!r}")
