"""The world of one history: a log in memory, workers that run the engine, and everything that is done to them."""

import asyncio
import contextvars
import itertools
import random
from collections.abc import Callable, Sequence

from truenorth.errors import HaltError
from truenorth.kafka import Record, partition_of
from truenorth.streams.log import Entry, Place
from truenorth.streams.memory import (
    Assignor,
    MemoryBroker,
    by_range,
)

from tests.simulation.loop import SimulatedLoop
from tests.simulation.program import CHANGELOG, OUT, SOURCES, Event, Program, encode, topics
from tests.simulation.worker import GROUP, Counted, ProgramMaker, Worker, WorldClock

SESSION_S = 6.0


class Failed(Exception):  # noqa: N818 - it is what a history ends with
    """The history shows a defect."""


class World:
    """A log, and the workers on it."""

    def __init__(
        self, seed: int, partitions: int, *, make: ProgramMaker = Program, assignor: Assignor = by_range
    ) -> None:
        self.lot = random.Random(seed)
        self.loop = SimulatedLoop()
        self.clock = WorldClock(self.loop)
        self.partitions = partitions
        self.broker = MemoryBroker(self.clock, topics(partitions), assignor=assignor)
        self.hooks = Counted()
        self.make = make
        self.workers: list[Worker] = []
        self.ordinal = self.schema = 1
        self.redelivered = 0
        self.ahead_ms = 0
        self.calm = False
        self.sent: list[tuple[str, Event]] = []
        self.archive: dict[Place, dict[int, Record]] = {}
        self.visible_ms: dict[Place, dict[int, int]] = {}
        self.parked: set[Place] = set()
        self.poison: list[tuple[str, int, int]] = []
        self.noted: list[tuple[float, dict[Place, int]]] = []
        self.holding: dict[str, int] = {}
        self._context = contextvars.copy_context()
        self._numbers = itertools.count(1)

    def of(self, *states: str) -> list[Worker]:
        """Return the workers in one of these states: up, paused, dead, gone."""
        return [worker for worker in self.workers if worker.state in states]

    def run(self, steps: int) -> None:
        """Let everybody go on for so many steps.

        Raises:
            Failed: a worker ended that should not.
        """
        self.loop.run_steps(steps)
        for worker in self.of("up"):
            if worker.task.done():
                worker.state = "gone"
                error = worker.task.exception()
                if error is not None:
                    raise Failed(f"worker {worker.number} ended: {error!r}") from error
        if self.loop.errors:
            raise Failed(f"the loop failed: {self.loop.errors[0]}")

    def run_for(self, seconds: float) -> None:
        """Let everybody go on until so much time has passed."""
        until_s = self.loop.time() + seconds
        while self.loop.time() < until_s:
            self.run(10)

    def start(self, ordinal: int) -> Worker:
        """Start a worker."""
        worker = Worker(self, next(self._numbers), ordinal, random.Random(self.lot.random()), self.make)
        self.workers.append(worker)
        return worker

    def later(self, seconds: float, call: Callable[..., None], *told: object) -> None:
        """Have something happen by itself, whoever asked for it and whatever becomes of that."""
        self.loop.call_later(seconds, call, *told, context=self._context)

    def crash(self, worker: Worker) -> None:
        """End a worker where it is; the group notices when its session ends."""
        worker.state = "dead"
        self.loop.hold(worker.number)
        self.later(SESSION_S, self._session_ended, worker)

    def pause(self, worker: Worker, seconds: float) -> None:
        """Stop a worker, which goes on later as if nothing had been."""
        worker.state = "paused"
        self.loop.hold(worker.number)
        self.later(SESSION_S, self._session_ended, worker)
        self.later(seconds, self.resume, worker)

    def resume(self, worker: Worker) -> None:
        """Let a paused worker go on."""
        if worker.state == "paused":
            worker.state = "up"
            self.loop.release(worker.number)

    def _session_ended(self, worker: Worker) -> None:
        if worker.state in {"dead", "paused"}:
            self.expel(worker)

    def expel(self, worker: Worker) -> None:
        """Have the group think that a worker is dead."""
        if worker.log.reader is not None:
            self.broker.group(GROUP).leave(worker.log.reader)

    def append(self, topic: str, event: Event) -> None:
        """Send an event."""
        place = topic, partition_of(event.account.encode(), self.partitions)
        self.broker.append(place, event.account.encode(), encode(event))

    def hold(self, topic: str, events: Sequence[Event], name: str) -> None:
        """Send events in a transaction that stays open."""
        epoch = self.broker.initialise(name)
        self.holding[name] = epoch
        for event in events:
            place = topic, partition_of(event.account.encode(), self.partitions)
            self.broker.write(name, epoch, place, [Entry(event.account.encode(), encode(event))])

    def look(self) -> None:
        """Note which source records have become readable by now, and keep what retention may take."""
        now_ms = self.clock.now_ms()
        for topic in SOURCES:
            for number in range(self.partitions):
                place = topic, number
                known = self.archive.setdefault(place, {})
                visible = self.visible_ms.setdefault(place, {})
                stable = self.broker.stable(place)
                for record in self.broker.records[place]:
                    if record.offset < stable and record.offset not in visible:
                        known[record.offset] = record
                        visible[record.offset] = now_ms

    def all_records(self, topic: str) -> list[Record]:
        """Return what can be read of a topic."""
        return [record for number in range(self.partitions) for record in self.broker.records[topic, number]]

    def outputs(self) -> list[Record]:
        """Return what was published."""
        return self.all_records(OUT)

    def changelog(self) -> list[Record]:
        """Return what the state is restored from."""
        return self.all_records(CHANGELOG)

    def calm_down(self) -> None:
        """End all trouble: everybody goes on, the dead are known to be dead, late commits land, clocks are right."""
        self.calm = True
        self.broker.land()
        for name in list(self.holding):
            self.broker.initialise(name)
        for worker in self.of("paused"):
            self.resume(worker)
        for worker in self.of("up"):
            if worker.program.schema < self.schema:  # the upgrade goes through in the end
                self.crash(worker)
        for worker in self.of("dead"):
            self.expel(worker)
        for worker in self.of("up"):
            worker.traps.clear()
            worker.away_until_s = worker.flaky_until_s = 0.0
            worker.clock.offset_ms = 0
            worker.learn(self.ordinal)
        if not [worker for worker in self.of("up") if not worker.stopping]:
            self.start(self.ordinal)

    def expect_halt(self, seconds: float) -> None:
        """Go on until a worker halts.

        Raises:
            Failed: none does.
        """
        until_s = self.loop.time() + seconds
        while self.loop.time() < until_s:
            try:
                self.run(20)
            except Failed as failed:
                if isinstance(failed.__cause__, HaltError):
                    return
                raise
        raise Failed("nobody halted although unread records were deleted")

    def end(self) -> None:
        """Let everything run out, so that nothing is left behind."""
        self.calm = True
        for worker in self.workers:
            worker.traps.clear()
            worker.away_until_s = worker.flaky_until_s = 0.0
            self.loop.release(worker.number)
        for _ in range(50):
            tasks = [task for task in asyncio.all_tasks(self.loop.loop) if not task.done()]
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            self.loop.run_steps(300)
        for worker in self.workers:
            if worker.task.done() and not worker.task.cancelled():
                worker.task.exception()
