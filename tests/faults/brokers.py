"""What happens to the broker: stopped, killed, killed at a commit, away while workers start, out of disk."""

import asyncio
import errno
import os
import subprocess
from pathlib import Path

from truenorth.errors import TransientError

from tests.faults import orders
from tests.faults.ground import Ground, NotRunError
from tests.faults.scene import Scene

DISK = "256m"
BALLAST = "ballast"
CHUNK_BYTES = 1024 * 1024
ENDS_S_MAX = 60.0


async def stop(scene: Scene, rounds: int) -> None:
    """SIGTERM, away for some seconds, started again."""
    for _ in range(rounds):
        await scene.pause(0.5, 2.0)
        mark = await scene.mark()
        await asyncio.to_thread(scene.ground.stop_broker)
        await scene.pause(0.0, 4.0)
        await scene.broker_back(mark)


async def kill(scene: Scene, rounds: int) -> None:
    """kill -9 at a random moment, started again."""
    for _ in range(rounds):
        await scene.pause(0.5, 2.0)
        mark = await scene.mark()
        await asyncio.to_thread(scene.ground.broker.kill)
        await scene.pause(0.0, 2.0)
        await scene.broker_back(mark)


async def away_at_start(scene: Scene, rounds: int) -> None:
    """A worker is killed while the broker is away, and starts before the broker does; in turn the broker goes later."""
    for number in range(rounds):
        await scene.pause(0.5, 2.0)
        name = scene.random.choice(scene.ground.running())
        mark = await scene.mark()
        if number % 2 == 0:
            await asyncio.to_thread(scene.ground.stop_broker)
            await asyncio.to_thread(scene.ground.worker(name).kill)
            await asyncio.to_thread(scene.ground.stack.revive, name)
            await scene.pause(2.0, 5.0)
        else:
            await asyncio.to_thread(scene.ground.worker(name).kill)
            await asyncio.to_thread(scene.ground.stack.revive, name)
            await scene.pause(0.5, 9.0)  # in the middle of its start: joining, fencing, restoring
            await asyncio.to_thread(scene.ground.broker.kill)
        await scene.broker_back(mark)


async def kill_at_commit(scene: Scene, rounds: int) -> None:
    """kill -9 right before a worker sends its commit, while it is under way, or when it was just answered."""
    order_file = await scene.under_orders()
    for number in range(rounds):
        await scene.pause(0.5, 1.5)
        mark = await scene.mark()
        broker = scene.ground.broker
        when = ("before", "during", "after")[number % 3]
        orders.give(order_file, when=when, victim=broker.pid, delay_s=scene.random.uniform(0.0, 0.006))
        await ended(scene)
        await scene.broker_back(mark)


async def ended(scene: Scene) -> None:
    """Wait for the broker's end; `TransientError` when it lives on."""
    deadline = scene.clock.monotonic() + ENDS_S_MAX
    while scene.ground.broker.poll() is None:
        if scene.clock.monotonic() > deadline:
            raise TransientError(f"the broker still runs after {ENDS_S_MAX:.0f} s")
        await asyncio.sleep(0.02)


async def full_disk(scene: Scene, rounds: int) -> None:
    """The disk under the broker's data fills up until the broker gives up; then there is room again."""
    ballast = scene.ground.stack.places.kafka / BALLAST
    for _ in range(rounds):
        await scene.pause(0.5, 2.0)
        mark = await scene.mark()
        await asyncio.to_thread(_fill, ballast)
        await ended(scene)
        code = scene.ground.broker.poll()
        scene.remarks.append(f"the broker gave up with code {code}")
        await scene.pause(1.0, 3.0)
        ballast.unlink()
        await scene.broker_back(mark)


def _fill(ballast: Path) -> None:
    """Write until there is no room left, and once more for what was given back meanwhile."""
    with ballast.open("wb", buffering=0) as file:
        for size in (CHUNK_BYTES, 4096, 1):
            try:
                while True:
                    file.write(b"\x01" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def small_disk(ground: Ground) -> None:
    """Put the broker's data on a disk of its own that is small enough to be filled.

    Raises:
        NotRunError: this user may not mount.
    """
    if os.geteuid() != 0:
        raise NotRunError("needs the right to mount")
    place = ground.stack.places.kafka
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        raise NotRunError("needs the right to mount")
    ground.mounted = place
