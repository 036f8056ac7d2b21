"""``python -m tests.benchmarks [PART...]`` measures and prints one JSON document; `PARTS` are the parts."""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from truenorth.clock import SystemClock
from truenorth.codec import rfc3339
from truenorth_local.places import Ports
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.benchmarks import health, ingest, latency
from tests.benchmarks.engine import measure as engine
from tests.benchmarks.engine import memory
from tests.benchmarks.figures import load, machine

PARTS = {
    "ingest": ingest.measure,
    "health": health.measure,
    "latency": latency.measure,
    "engine": engine.measure,
    "memory": memory.measure,
}
UNLESS_CHOSEN = ("memory",)
"""Takes too long to be run with everything else."""


def main(chosen: list[str]) -> int:
    """Measure the chosen parts, or all; 2 for an unknown part."""
    if unknown := set(chosen) - set(PARTS):
        print(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    clock = SystemClock()
    document: dict[str, Any] = {"measured_on": rfc3339(clock.now_ms()), "machine": machine()}
    began = clock.monotonic()
    for name in chosen or [name for name in PARTS if name not in UNLESS_CHOSEN]:
        print(f"measuring {name} ...", file=sys.stderr)
        before = load()
        document[name] = {**_on_a_stack(name, clock), "machine_load_1_min": {"before": before, "after": load()}}
    document["took_seconds"] = round(clock.monotonic() - began)
    print(json.dumps(document, indent=2))
    return 0


def _on_a_stack(name: str, clock: SystemClock) -> dict[str, Any]:
    """Measure one part on a fresh stack of its own, beside whatever runs on the usual ports."""
    folder = Path(tempfile.mkdtemp(prefix="truenorth-bench-"))
    stack = LocalStack(folder, ports=Ports.free(), environment=clean_environment(), clock=clock)
    try:
        stack.start_backing()
        stack.create_topics()
        return PARTS[name](stack)
    finally:
        stack.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
