"""What happens to events: sent again, delivered again, and all of them found to be poison."""

import asyncio

from aiokafka import TopicPartition
from truenorth.errors import TransientError
from truenorth.kafka.clients import new_consumer, stop_consumer

from tests.faults import orders
from tests.faults.ground import last_error
from tests.faults.scene import Scene
from tests.faults.watch import SOURCES

GROUP = "truenorth-health"
BACKLOG = 3_000
HALTS_S_MAX = 60.0
SENTENCE = "this deploy cannot read a thing"


async def sent_again(scene: Scene, rounds: int) -> None:
    """Every event is sent twice, some customers' whole past is sent again, and a worker dies meanwhile."""
    scene.load.duplicates = 1.0
    for _ in range(rounds):
        await scene.load.past_again(30)
        await scene.pause(0.5, 1.5)
        name = scene.random.choice(scene.ground.running())
        mark, since_s = await scene.mark(), scene.clock.monotonic()
        await asyncio.to_thread(scene.ground.worker(name).kill)
        await asyncio.to_thread(scene.ground.stack.revive, name)
        await scene.load.past_again(30)
        await scene.recovered(mark, since_s)


async def delivered_again(scene: Scene, rounds: int) -> None:
    """While no worker runs, the group's offsets are set back to the beginning: the broker offers all events again."""
    for _ in range(rounds):
        await scene.pause(5.5, 7.0)  # the workers show their positions every five seconds
        mark = await scene.mark()
        names = scene.ground.running()
        for name in names:
            await asyncio.to_thread(scene.ground.worker(name).stop)
        await _set_back(scene.ground.bootstrap, scene.ground.partitions)
        since_s = scene.clock.monotonic()
        for name in names:
            await asyncio.to_thread(scene.ground.stack.revive, name)
        await scene.recovered(mark, since_s)


async def _set_back(bootstrap: str, partitions: int) -> None:
    consumer = await new_consumer(bootstrap, client_id="faults-set-back", group=GROUP)
    try:
        places = [TopicPartition(topic, number) for topic in SOURCES for number in range(partitions)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    finally:
        await stop_consumer(consumer)


async def poison(scene: Scene, rounds: int) -> None:
    """A deploy that cannot read anything meets a backlog: it has to halt with a sentence, and to drain nothing."""
    for _ in range(rounds):
        names = scene.ground.running()
        for name in names:
            await asyncio.to_thread(scene.ground.worker(name).stop)
        await scene.load.send(BACKLOG)
        mark, letters = await scene.mark(), scene.watcher.letters
        before = {number: dict(position) for number, position in scene.watcher.positions.items()}
        for name in names:
            scene.ground.start_worker(name, environment={orders.POISON: SENTENCE})
        scene.remarks.append(f"the worker said: {await _halted(scene, names)}")
        await scene.pause(1.0, 1.5)  # what it may have written has come round
        if drained := scene.watcher.letters - letters:
            scene.harm.append(f"{drained} sound events went to the dead letters")
        if before != {number: dict(position) for number, position in scene.watcher.positions.items()}:
            scene.harm.append("a worker that could read nothing moved the positions")
        since_s = scene.clock.monotonic()
        for name in names:
            scene.ground.start_worker(name)
        await scene.recovered(mark, since_s)


async def _halted(scene: Scene, names: list[str]) -> str:
    """Return the sentence with which all of these workers ended by themselves."""
    deadline = scene.clock.monotonic() + HALTS_S_MAX
    while any(scene.ground.worker(name).poll() is None for name in names):
        if scene.clock.monotonic() > deadline:
            raise TransientError(f"not halted after {HALTS_S_MAX:.0f} s")
        await asyncio.sleep(0.1)
    said = last_error(scene.ground.said(names[0]))
    if SENTENCE not in said:
        raise TransientError(f"it ended without saying why: {said!r}")
    return said
