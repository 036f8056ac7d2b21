"""``python -m tests.benchmarks [PART...]`` measures and prints one JSON document; `PARTS` are the parts.

``--events N`` gives the whole job so few events that it only shows whether it runs.
"""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from truenorth.clock import SystemClock
from truenorth.codec import rfc3339
from truenorth_local.stack import LocalStack

from tests.benchmarks import health, health_whole, ingest, latency
from tests.benchmarks.engine import measure as engine
from tests.benchmarks.engine import memory
from tests.benchmarks.figures import load, machine
from tests.benchmarks.stacks import fresh_stack

Part = Callable[[LocalStack], dict[str, Any]]
PARTS: dict[str, Part] = {
    "ingest": ingest.measure,
    "health": health.measure,
    "latency": latency.measure,
    "engine": engine.measure,
    "whole": health_whole.measure,
    "memory": memory.measure,
}
UNLESS_CHOSEN = ("memory", "whole")
"""Take too long to be run with everything else."""


def main(arguments: list[str]) -> int:
    """Measure the chosen parts, or all; 2 for an unknown part."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}")
    parser.add_argument("--events", type=int, help="so few for each shape of the whole job, to try it out")
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - set(PARTS):
        print(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    parts = PARTS | {"whole": partial(health_whole.measure, events=given.events)}
    clock = SystemClock()
    document: dict[str, Any] = {"measured_on": rfc3339(clock.now_ms()), "machine": machine()}
    began = clock.monotonic()
    for name in given.parts or [name for name in PARTS if name not in UNLESS_CHOSEN]:
        print(f"measuring {name} ...", file=sys.stderr)
        before = load()
        with fresh_stack(clock) as stack:
            document[name] = {**parts[name](stack), "machine_load_1_min": {"before": before, "after": load()}}
    document["took_seconds"] = round(clock.monotonic() - began)
    print(json.dumps(document, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
