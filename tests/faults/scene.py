"""One fault's scene: a fresh platform under load, with what the rounds need to wait and to judge."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from truenorth.clock import Clock
from truenorth.errors import TransientError

from tests.faults import orders
from tests.faults.customers import Customers
from tests.faults.ground import Ground
from tests.faults.judge import Verdict, judge, quiet
from tests.faults.load import Load
from tests.faults.watch import Watcher

ACCOUNTS = 120
RATE = 200
LOOK_S = 0.1
REFOLDS_LOOK_S = 1.0
RECOVERED_S_MAX = 120.0

Ends = Mapping[tuple[str, int], int]


@dataclass
class Scene:
    """A platform with its load, its watcher, and what was measured of the fault so far."""

    ground: Ground
    load: Load
    watcher: Watcher
    clock: Clock
    random: random.Random
    rounds: int = 0
    recovery_s: list[float] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    harm: list[str] = field(default_factory=list)
    refolds: dict[int, int] = field(default_factory=dict)

    async def pause(self, least_s: float, most_s: float) -> None:
        """Let a random time pass under load."""
        await asyncio.sleep(self.random.uniform(least_s, most_s))

    async def mark(self) -> Ends:
        """Return where the sources end: what comes after it comes after the fault."""
        return await self.watcher.ends()

    async def begin(self) -> None:
        """Wait until all partitions fold what comes in now; that is no round."""
        deadline = self.clock.monotonic() + RECOVERED_S_MAX
        while True:
            try:
                mark = await self.mark()
                break
            except TransientError:
                if self.clock.monotonic() > deadline:
                    raise
                await asyncio.sleep(LOOK_S)
        await self._until_recovered(mark)

    async def recovered(self, mark: Ends, since_s: float) -> None:
        """Wait until all partitions fold what came after ``mark`` and lag by less than a second of load.

        Raises:
            TransientError: that did not come to pass in time.
        """
        await self._until_recovered(mark)
        self.recovery_s.append(self.clock.monotonic() - since_s)
        self.rounds += 1

    async def _until_recovered(self, mark: Ends) -> None:
        deadline = self.clock.monotonic() + RECOVERED_S_MAX
        while not await self._is_recovered(mark):
            if dead := self.ground.dead():
                raise TransientError("; ".join(dead))
            if self.clock.monotonic() > deadline:
                raise TransientError(f"not recovered after {RECOVERED_S_MAX:.0f} s: {self.what_is_open(mark)}")
            await asyncio.sleep(LOOK_S)

    async def broker_back(self, mark: Ends) -> None:
        """Start the broker again and wait until all has recovered, counted from its first answer."""
        await asyncio.to_thread(self.ground.start_broker)
        await self.recovered(mark, self.clock.monotonic())

    async def has_share(self, name: str) -> None:
        """Wait until a worker that was just started has opened a partition."""
        async with asyncio.timeout(RECOVERED_S_MAX):
            while "is open" not in self.ground.said(name):
                await asyncio.sleep(LOOK_S)

    async def under_orders(self) -> Path:
        """Have all workers replaced by ones that follow orders, and return the file that these come in."""
        order_file = self.ground.folder / "order"
        for name in self.ground.running():
            await asyncio.to_thread(self.ground.worker(name).stop)
            self.ground.start_worker(name, environment={orders.ORDER_FILE: str(order_file)})
        await self.begin()
        return order_file

    async def _is_recovered(self, mark: Ends) -> bool:
        if not all(self.watcher.passed(number, mark) for number in range(self.ground.partitions)):
            return False
        try:
            return self.watcher.behind(await self.watcher.ends()) <= self.load.rate
        except TransientError:
            return False

    def what_is_open(self, mark: Ends) -> str:
        """Say which partitions have not passed a mark."""
        late = [number for number in range(self.ground.partitions) if not self.watcher.passed(number, mark)]
        return f"partitions {late} have folded nothing new; workers: {', '.join(self.ground.running()) or 'none'}"

    async def until_quiet(self) -> None:
        """Stop sending and wait until everything accepted is folded."""
        await self.load.pause()
        await quiet(self.watcher, self.clock)

    async def verdict(self) -> Verdict:
        """Stop sending and judge all that happened on this scene."""
        await self.until_quiet()
        await self._look_for_refolds()
        verdict = await judge(self.ground, self.watcher, self.load.ledger, refolds=sum(self.refolds.values()))
        verdict.differing += len(self.harm)
        verdict.say(self.harm)
        return verdict

    async def watch_refolds(self) -> None:
        """Ask all workers again and again."""
        while True:
            await self._look_for_refolds()
            await asyncio.sleep(REFOLDS_LOOK_S)

    async def _look_for_refolds(self) -> None:
        for name in self.ground.running():
            pid = self.ground.worker(name).pid
            count = await asyncio.to_thread(self.ground.refolds, name)
            if count is not None:
                self.refolds[pid] = max(count, self.refolds.get(pid, 0))


@contextlib.asynccontextmanager
async def scene_on(ground: Ground, clock: Clock, *, seed: int, workers: Mapping[str, bool]) -> AsyncIterator[Scene]:
    """Put workers (name: static or not) and load on a started ground, and wait until all runs smoothly."""
    customers = Customers(ACCOUNTS, seed=seed, clock=clock)
    load = Load(ground.bootstrap, customers, rate=RATE, clock=clock)
    watcher = Watcher(ground.bootstrap, ground.partitions)
    for name, static in workers.items():
        ground.start_worker(name, static=static)
    async with watcher.running(), load.running():
        scene = Scene(ground, load, watcher, clock, random.Random(seed))
        looking = asyncio.create_task(scene.watch_refolds())
        try:
            await scene.begin()
            yield scene
        finally:
            looking.cancel()
            await asyncio.wait([looking])
