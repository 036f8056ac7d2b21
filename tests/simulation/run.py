"""Runs a history and judges it; shrinks one that fails."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from unittest.mock import patch

from truenorth.streams import collector
from truenorth.streams.memory import Assignor, by_range

from tests.simulation import oracle
from tests.simulation.apply import apply, committed
from tests.simulation.deeds import History
from tests.simulation.program import SOURCES, Event, Program
from tests.simulation.worker import ProgramMaker
from tests.simulation.world import Failed, World

CALM_S_MAX = 150.0
CHECK_STEPS = 150
SHRINK_RUNS_MAX = 400


class Verdict(NamedTuple):
    """What came of a history: ``wrong`` is empty when all is well; ``trace`` tells two runs apart."""

    wrong: Sequence[str]
    steps: int
    seconds: float
    trace: int


def play(history: History, *, make: ProgramMaker = Program, assignor: Assignor = by_range) -> Verdict:
    """Run one history."""
    with patch.object(collector, "tune"), patch.object(collector, "settle"):  # they are about the whole process
        world = World(history.seed, history.partitions, make=make, assignor=assignor)
        try:
            wrong = _play(world, history)
        finally:
            world.end()
    trace = hash(tuple((r.topic, r.partition, r.offset, r.key, r.value) for r in world.outputs() + world.changelog()))
    return Verdict(wrong, world.loop.steps, world.loop.time(), trace)


def _play(world: World, history: History) -> list[str]:
    try:
        for deed in history.deeds:
            world.loop.lot.seed(deed.seed)
            world.run(deed.after)
            apply(world, deed)
        wrong = _settle(world)
        if not wrong and history.ending:
            _trim(world, asleep="asleep" in history.ending)
            wrong = oracle.wrong_outputs(world, whole=False)
    except Failed as failed:
        wrong = [str(failed)]
    return wrong


def _settle(world: World) -> list[str]:
    """End all trouble and wait until nothing is outstanding; return what is wrong then."""
    world.calm_down()
    world.look()
    until_s = world.loop.time() + CALM_S_MAX
    while world.loop.time() < until_s and (not oracle.is_read(world) or oracle.differences(world)):
        world.run(CHECK_STEPS)
    wrong = oracle.differences(world)
    if not oracle.is_read(world):
        wrong.append("not everything was read")
    wrong += oracle.wrong_outputs(world) + oracle.wrong_letters(world)
    refolds = world.hooks.refolds
    if refolds > world.redelivered:
        wrong.append(f"{refolds} refolds, {world.redelivered} records were delivered again")
    return wrong


def _trim(world: World, *, asleep: bool) -> None:
    """Delete records that nobody has read, while the workers are away: somebody must halt."""
    topic, number = SOURCES[0], 0
    place = topic, number
    for worker in world.of("up"):
        if asleep:
            world.pause(worker, 3.0)
        else:
            world.crash(worker)
            world.expel(worker)
    for count in range(50):
        world.append(topic, Event(f"account-{count}", f"trimmed-{count}", world.clock.now_ms(), 1))
    world.look()
    if committed(world, number).get(topic, 0) + 2 >= world.broker.ends[place]:
        raise AssertionError("nothing was sent there")
    world.broker.trim(place, world.broker.ends[place])
    if not asleep:
        world.start(world.ordinal)
    world.expect_halt(30.0)


def shrink(history: History, fails: Callable[[History], bool]) -> History:
    """Leave out deeds while it still fails."""
    deeds, runs = list(history.deeds), 0
    size = max(1, len(deeds) // 2)
    while runs < SHRINK_RUNS_MAX:
        smaller, at = False, 0
        while at < len(deeds) and runs < SHRINK_RUNS_MAX:
            tried = deeds[:at] + deeds[at + size :]
            runs += 1
            if fails(history._replace(deeds=tried)):
                deeds, smaller = tried, True
            else:
                at += size
        if size == 1 and not smaller:
            break
        size = max(1, size // 2)
    return history._replace(deeds=deeds)


def report(history: History, verdict: Verdict, small: History | None = None) -> str:
    """Return what a person needs to go on from a failure."""
    lines = [f"seed {history.seed} fails:", *[f"  {line}" for line in verdict.wrong[:12]]]
    if small is not None:
        lines += [f"shrunk from {len(history.deeds)} to {len(small.deeds)} deeds:"]
        lines += [f"  {deed}" for deed in small.deeds]
        lines += ["reproduce the shrunk one: python -m tests.simulation --script - <<'E'", small.to_json(), "E"]
    lines.append(f"reproduce: python -m tests.simulation {history.seed}")
    return "\n".join(lines)
