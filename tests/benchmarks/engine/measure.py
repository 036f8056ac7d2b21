"""All of the engine's figures but memory, in one run on one broker."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from truenorth_local.stack import LocalStack

from tests.benchmarks.engine import contest, delay, restoring, workers
from tests.benchmarks.engine.load import SHAPES, fill_now, make_topics
from tests.benchmarks.engine.ours import DEAD_LETTERS

EVENTS_IN_TOPIC = 500_000
EVENTS = {
    "truenorth": EVENTS_IN_TOPIC,
    "bare": EVENTS_IN_TOPIC,
    "faust": 8_000,
    "quix": 100_000,
    "kafka_streams": 400_000,
}
ROUNDS = {"5000-zipf": 2}
"""Of the shape that the goals are for; the others get one."""
WORKERS_SHAPE = SHAPES[0]


def measure(stack: LocalStack) -> dict[str, Any]:
    """Return throughput beside the others, restore, latency, and one worker beside two."""
    contest.hold_running(stack.processes["kafka"].pid, contest.BROKER_CORE)
    folder = Path(tempfile.mkdtemp(prefix="truenorth-bench-engine-"))
    asyncio.run(make_topics(stack.bootstrap, DEAD_LETTERS))

    def prepare(name: str) -> None:
        asyncio.run(make_topics(stack.bootstrap, name, compacted=True))

    try:
        figures: dict[str, Any] = {"throughput": {}, "cores": os.cpu_count(), "event_bytes": 198}
        found = contest.contestants(stack, folder, EVENTS)
        for shape in SHAPES:
            _say(f"filling {shape.name}")
            fill_now(stack.bootstrap, shape, EVENTS_IN_TOPIC)
            told = contest.rounds(stack, shape, found, ROUNDS.get(shape.name, 1), folder, prepare)
            figures["throughput"][shape.name] = told
            _say(f"{shape.name}: {json.dumps(told)}")

        figures["restore"] = restoring.measure(stack)
        _say(f"restore: {json.dumps(figures['restore'])}")
        figures["latency"] = delay.measure(stack)
        _say(f"latency: {json.dumps(figures['latency'])}")
        figures["workers"] = workers.measure(stack, WORKERS_SHAPE, EVENTS_IN_TOPIC)
        return figures
    finally:
        shutil.rmtree(folder)


def _say(what: str) -> None:
    sys.stderr.write(f"  {what}\n")
    sys.stderr.flush()
