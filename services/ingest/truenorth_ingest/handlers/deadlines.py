"""Ending what takes too long, without a timer for each: a timer costs more than judging an event."""

import asyncio
from types import TracebackType


class Deadlines:
    """Ends work that takes longer than ``seconds_max``, a quarter of it later at most.

    All work under one of these has the same time, so it falls due in the order in which it began. Used as
    ``with deadlines.within():``; what is inside is cancelled, and comes out as `TimeoutError`.
    """

    def __init__(self, seconds_max: float) -> None:
        self.seconds_max = seconds_max
        self._until: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self) -> "_Within":
        """Return the context for the task that runs now; a task has one at a time."""
        return _Within(self)

    def begin(self, task: "asyncio.Task[object]") -> None:
        """Let the task's time run."""
        loop = asyncio.get_running_loop()
        self._until[task] = loop.time() + self.seconds_max
        if self._timer is None:
            self._timer = loop.call_later(self.seconds_max / 4, self._look)

    def end(self, task: "asyncio.Task[object]") -> bool:
        """Stop it; tell whether it had run out."""
        self._until.pop(task, None)
        if task not in self._late:
            return False
        self._late.discard(task)
        return True

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task, until in self._until.items():
            if until > now:
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        self._timer = loop.call_later(self.seconds_max / 4, self._look) if self._until else None


class _Within:
    __slots__ = ("_deadlines", "_task")

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("there is no task to end")
        self._task: asyncio.Task[object] = task
        self._deadlines.begin(task)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        late = self._deadlines.end(self._task)
        if late and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from None
