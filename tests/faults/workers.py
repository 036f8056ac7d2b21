"""What happens to workers: killed, killed at a commit, sent away and fetched back, put to sleep."""

import asyncio
import signal

from tests.faults import orders
from tests.faults.ground import send_signal
from tests.faults.scene import Scene

SESSION_S = 10.0
SLEEP_S = SESSION_S + 4.0
AWAKE_S = 3.0
ORDER_TAKEN_S_MAX = 30.0


async def kill(scene: Scene, rounds: int) -> None:
    """kill -9 of one worker at a random moment; it is started again at once."""
    for _ in range(rounds):
        await scene.pause(0.2, 1.5)
        name = scene.random.choice(scene.ground.running())
        mark, since_s = await scene.mark(), scene.clock.monotonic()
        await asyncio.to_thread(scene.ground.worker(name).kill)
        await asyncio.to_thread(scene.ground.stack.revive, name)
        await scene.recovered(mark, since_s)


async def kill_at_commit(scene: Scene, rounds: int) -> None:
    """kill -9 of a worker right before, during or right after a commit of its."""
    order_file = await scene.under_orders()
    for number in range(rounds):
        await scene.pause(0.2, 1.0)
        mark = await scene.mark()
        when = ("before", "during", "after")[number % 3]
        orders.give(order_file, when=when, victim=0, delay_s=scene.random.uniform(0.0, 0.006))
        victim = await _first_dead(scene)
        since_s = scene.clock.monotonic()
        await asyncio.to_thread(scene.ground.stack.revive, victim)
        await scene.recovered(mark, since_s)


async def _first_dead(scene: Scene) -> str:
    """Return which worker has followed the order."""
    names = scene.ground.running()
    async with asyncio.timeout(ORDER_TAKEN_S_MAX):
        while True:
            for name in names:
                if scene.ground.worker(name).poll() is not None:
                    return name
            await asyncio.sleep(0.02)


async def come_and_go(scene: Scene, rounds: int) -> None:
    """A third worker joins two; when it has its share, one of the three leaves (SIGTERM)."""
    for number in range(rounds):
        await scene.pause(0.2, 1.0)
        mark, since_s = await scene.mark(), scene.clock.monotonic()
        guest = f"guest-{number}"
        scene.ground.start_worker(guest, static=False)
        await scene.has_share(guest)
        await scene.recovered(mark, since_s)
        await scene.pause(0.5, 2.0)
        mark, since_s = await scene.mark(), scene.clock.monotonic()
        leaving = scene.random.choice(scene.ground.running())
        await asyncio.to_thread(scene.ground.worker(leaving).stop)
        await scene.recovered(mark, since_s)


async def sleep(scene: Scene, rounds: int) -> None:
    """SIGSTOP for longer than the session, so that another takes over; then SIGCONT."""
    for _ in range(rounds):
        await scene.pause(0.2, 1.0)
        sleeper = scene.ground.worker(scene.random.choice(scene.ground.running()))
        mark, since_s = await scene.mark(), scene.clock.monotonic()
        send_signal(sleeper, signal.SIGSTOP)
        try:
            await scene.recovered(mark, since_s)  # by the other one
            await asyncio.sleep(max(0.0, since_s + SLEEP_S - scene.clock.monotonic()))
        finally:
            send_signal(sleeper, signal.SIGCONT)
        await asyncio.sleep(AWAKE_S)
