"""One worker and two of one group on the same events."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from typing import Any

from truenorth.clock import SystemClock
from truenorth_local.stack import LocalStack

from tests.benchmarks.engine import contest
from tests.benchmarks.engine.load import Shape, make_topics

SECONDS_MAX = 240.0
CORES_NEEDED = 3


def measure(stack: LocalStack, shape: Shape, events: int) -> dict[str, Any]:
    """Return events/s by the clock, and whether there were cores for the comparison to mean anything."""
    one, two = (_run(stack, shape, events, count) for count in (1, 2))
    cores = os.cpu_count() or 1
    told: dict[str, Any] = {"one": one, "two": two, "times": round(two / one, 2), "cores": cores}
    if cores < CORES_NEEDED:
        told["note"] = f"the broker needs a core too, and there are {cores}: this says nothing about two workers"
    return told


def _run(stack: LocalStack, shape: Shape, events: int, count: int) -> int:
    group = f"bench-workers-{count}"
    asyncio.run(make_topics(stack.bootstrap, group, compacted=True))
    words = [sys.executable, "-m", "tests.benchmarks.engine.ours", stack.bootstrap, shape.topic, group, "-", "0", "-"]
    log = stack.places.logs / "workers.log"
    clock = SystemClock()
    moments: list[float] = []
    folded = [0] * count
    done = threading.Event()

    def follow(number: int, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"folded"'):
                folded[number] = json.loads(line)["folded"]
                moments.append(clock.monotonic())
                if sum(folded) >= events:
                    done.set()

    cores = [contest.CORE, contest.BROKER_CORE]
    processes = [contest.start(words, stack.environment, log, core) for core in cores[:count]]
    threads = [threading.Thread(target=follow, args=one) for one in enumerate(processes)]
    for thread in threads:
        thread.start()
    in_time = done.wait(SECONDS_MAX)
    for process in processes:
        process.kill()
        process.wait()
    for thread in threads:
        thread.join()
    if not in_time:
        raise RuntimeError(f"{count} workers folded {sum(folded)} of {events} events in {SECONDS_MAX:.0f} s")
    return round(events / (max(moments) - min(moments)))
