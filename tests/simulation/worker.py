"""A worker: one process that runs the engine on its own handle of the log, with its own clock."""

import asyncio
import contextvars
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from truenorth.errors import TransientError
from truenorth.streams.engine import Engine
from truenorth.streams.hooks import NoHooks
from truenorth.streams.memory import (
    CommitLateError,
    MemoryLog,
    MemoryReader,
    UndeliveredError,
)
from truenorth.streams.settings import EngineSettings

from tests.simulation.deeds import COMMIT_POINTS, OPENING_POINTS
from tests.simulation.loop import OWNER, SimulatedLoop
from tests.simulation.program import Program

if TYPE_CHECKING:
    from tests.simulation.world import World

START_MS = 1_760_000_000_000
GROUP = "group"
PAUSE_S = 8.0
FLAKY_POINTS = (*COMMIT_POINTS, "read")
SLOW_POINTS = ("before end", *OPENING_POINTS)

ProgramMaker = Callable[[int], Program]


class WorldClock:
    """The loop's time; ``offset_ms`` is how wrong the wall clock is."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self.offset_ms = 0

    def now_ms(self) -> int:
        return START_MS + int(self._loop.time() * 1000) + self.offset_ms

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Counted(NoHooks):
    """Counts refolds."""

    def __init__(self) -> None:
        self.refolds = 0

    def refolded(self, count: int) -> None:
        self.refolds += count


class WorkerLog(MemoryLog):
    """A worker's handle of the log; knows the reader that the worker has."""

    reader: MemoryReader | None = None

    async def join(self, group: str, topics: Sequence[str], member: str | None) -> MemoryReader:
        self.reader = await super().join(group, topics, member)
        return self.reader


class Worker:
    """One process that runs the engine."""

    def __init__(self, world: "World", number: int, ordinal: int, lot: random.Random, make: ProgramMaker) -> None:
        self.number = number
        self.world = world
        self.lot = lot
        self.state = "up"
        self.stopping = False
        self.away_until_s = 0.0
        self.flaky_until_s = 0.0
        self.traps: list[tuple[str, str, int]] = []
        self.clock = WorldClock(world.loop)
        self.program = make(ordinal)
        self.program.schema = world.schema
        self.log = WorkerLog(world.broker, reach=self.reach, read_records_max=lot.choice([3, 20, 1000]))
        self.engine = Engine(
            self.log, self.program, group=GROUP, clock=self.clock, settings=settings(lot), hooks=world.hooks
        )
        self.engine.request_decision(str(ordinal))
        self.context = contextvars.copy_context()
        self.context.run(OWNER.set, number)
        self.task = world.loop.create_task(self.engine.run(), context=self.context)

    def learn(self, ordinal: int) -> None:
        """Get to know definitions."""
        self.program.ordinal = ordinal
        self.engine.request_decision(str(ordinal))

    async def reach(self, point: str, what: str) -> None:
        """Wait at a point of the log, and meet there what was prepared."""
        for _ in range(self.lot.choice((0, 1, 1, 2, 4))):
            await asyncio.sleep(0)
        if point in SLOW_POINTS and self.lot.random() < 0.3:
            await asyncio.sleep(self.lot.random() * 0.2)
        for number, (where, act, left) in enumerate(self.traps):
            if where == point:
                if left:
                    self.traps[number] = where, act, left - 1
                else:
                    del self.traps[number]
                    await self._meet(act, point)
                break
        if self.flaky_until_s > self.world.loop.time() and point in FLAKY_POINTS and self.lot.random() < 0.2:
            await self._meet(self.lot.choice(("fail", "late", "undelivered")), point)
        if self.away_until_s > self.world.loop.time():
            await asyncio.sleep(0.1)
            raise TransientError("the broker is away")
        del what

    async def _meet(self, act: str, point: str) -> None:
        world = self.world
        if act == "crash":
            world.crash(self)
        elif act == "pause":
            world.pause(self, PAUSE_S)
        elif act == "expel":
            world.expel(self)
        elif act == "stall":  # the group gives its share away, and it wakes in the middle of that
            world.expel(self)
            world.pause(self, self.lot.random())
        elif act == "rebalance":
            world.broker.group(GROUP).rebalance()
        elif act == "away":
            self.away_until_s = world.loop.time() + 2.0
        elif act == "late" and point in COMMIT_POINTS[:3]:
            world.later(self.lot.random(), world.broker.land)
            raise CommitLateError("no answer")
        elif act == "undelivered" and point == "send":
            raise UndeliveredError("not delivered")
        else:
            raise TransientError(f"failed at {point}")
        await asyncio.sleep(0)  # a worker that was stopped goes no further than here


def settings(lot: random.Random) -> EngineSettings:
    """How this worker paces itself."""
    return EngineSettings(
        slice_accounts=lot.choice([1, 1, 2, 200]),
        poll_s=lot.choice([0.01, 0.05, 0.2]),
        poll_records_max=lot.choice([2, 5, 1000]),
        queued_events_max=lot.choice([4, 20_000]),
        flush_after_s=lot.choice([0.0, 0.05, 0.3]),
        due_check_s=lot.choice([0.1, 0.5, 1.0]),
        redecide_accounts_per_s=lot.choice([2, 2000]),
        show_every_s=0.2,
        due_accounts_max=lot.choice([1, 5000]),
        opening_at_once_max=lot.choice([1, 8]),
    )
