"""The whole job: the health worker with everything on, on one core, beside a faust agent that only counts.

All signals, the example definitions, milestones, findings, outputs to real topics, one transaction per partition and
flush, at three shapes, each on a broker of its own that has the other core. Accounts are known and have four weeks
behind them before the events come that are measured: live traffic, waiting for a worker that starts.
"""

import asyncio
import json
import sys
import threading
from typing import Any, Final

import httpx
from truenorth.clock import SystemClock
from truenorth.kafka.admin import begin_and_end_offsets
from truenorth.topics import BY_NAME, PARTITIONS_DEFAULT, full_name
from truenorth_local.processes import Process
from truenorth_local.stack import LocalStack

from tests.benchmarks.engine import contest
from tests.benchmarks.engine.load import SHAPES, Shape
from tests.benchmarks.figures import labelled, load, metric, pin
from tests.benchmarks.health import FOLDED, Reading, faust, watched
from tests.benchmarks.health_load import fill_events, fill_facts, fill_past
from tests.benchmarks.preload import put_definitions_in_force
from tests.benchmarks.stacks import fresh_stack

EVENTS: Final = {"1000-zipf": 1_800_000, "100000-zipf": 1_500_000, "100000-even": 1_000_000}
"""Enough for twenty seconds of a core and more."""
PAST: Final = {"1000-zipf": 50_000, "100000-zipf": 150_000, "100000-even": 200_000}
ENOUGH_SECONDS: Final = 130.0
"""A slower machine is measured for so long, however much is left."""
GOALS: Final = {"1000-zipf": 18, "100000-zipf": 12, "100000-even": 8}
"""Times what the faust agent does."""
FAUST_EVENTS: Final = 30_000
WRITTEN: Final = ("health-changelog", "health", "health-changes", "health-daily", "milestones", "roll-ups")
SETTLED_SECONDS_MAX: Final = 400.0
SETTLED_LOOK_SECONDS: Final = 3.0
DECIDED: Final = "truenorth_health_accounts_decided_total"
OUTPUTS: Final = "truenorth_health_outputs_total"
STAGES: Final = "truenorth_health_stage_seconds_total"


def measure(stack: LocalStack, events: int | None = None) -> dict[str, Any]:
    """Return the figures at each shape; ``events`` instead of each shape's own number tries it out."""
    clock = SystemClock()
    shapes = [shape for shape in SHAPES if shape.name in EVENTS]
    figures: dict[str, Any] = {}
    for shape in shapes:
        count = events or EVENTS[shape.name]
        if shape is shapes[0]:
            figures[shape.name] = _at_shape(stack, clock, shape, count)
            stack.stop()  # its broker would share the core with the next one's
        else:
            with fresh_stack(clock) as another:
                figures[shape.name] = _at_shape(another, clock, shape, count)
        sys.stderr.write(f"  {shape.name}: {json.dumps(figures[shape.name])}\n")
    return figures


def _at_shape(stack: LocalStack, clock: SystemClock, shape: Shape, events: int) -> dict[str, Any]:
    contest.hold_running(stack.processes["kafka"].pid, contest.BROKER_CORE)
    asyncio.run(put_definitions_in_force(stack.bootstrap, clock))
    known = asyncio.run(fill_facts(stack.bootstrap, clock, shape))
    watched(_worker(stack), _metrics_url(stack), clock, known, DECIDED)
    past = asyncio.run(fill_past(stack.bootstrap, clock, shape, min(events, PAST[shape.name])))
    _settle(stack, clock, known + past)
    stack.stop_service("health")
    asyncio.run(fill_events(stack.bootstrap, clock, shape, events))
    before = _Sizes(stack)
    first, last = watched(_worker(stack), _metrics_url(stack), clock, events, enough_seconds=ENOUGH_SECONDS)
    stack.stop_service("health")
    ours = _figures(first, last) | {"written": _written(before, _Sizes(stack), last.at - first.at)}
    plain = faust(stack, min(FAUST_EVENTS, events // 2))
    times = {which: round(ours[which] / plain[which], 1) for which in contest.FIGURES}
    return {
        "accounts": shape.accounts,
        "zipf": shape.zipf,
        "machine_load_1_min": load(),
        "truenorth_health": ours,
        "faust_agent_that_counts": plain,
        "times_faust": times,
        "goal_times_faust": GOALS[shape.name],
    }


def _settle(stack: LocalStack, clock: SystemClock, events: int) -> None:
    """Wait until so many events are folded and all that follows from them is told."""
    until, pause, before = clock.monotonic() + SETTLED_SECONDS_MAX, threading.Event(), -1.0
    while clock.monotonic() < until:
        pause.wait(SETTLED_LOOK_SECONDS)
        told = httpx.get(_metrics_url(stack), timeout=30).text
        outputs = metric(told, OUTPUTS)
        if metric(told, FOLDED) >= events and outputs == before:
            return
        before = outputs
    raise RuntimeError(f"health did not settle after {events} events")


def _worker(stack: LocalStack) -> Process:
    process = stack.start_service("health", wait_ready=False)
    pin(process.pid, contest.CORE)
    return process


def _metrics_url(stack: LocalStack) -> str:
    return f"{stack.telemetry_url('health')}/metrics"


def _figures(first: Reading, last: Reading) -> dict[str, Any]:
    """Return what the worker did between two readings."""
    seconds, cpu = last.at - first.at, last.cpu - first.cpu
    events, decisions, outputs = (
        metric(last.told, name) - metric(first.told, name) for name in (FOLDED, DECIDED, OUTPUTS)
    )
    stages = labelled(last.told, STAGES, "stage")
    before = labelled(first.told, STAGES, "stage")
    spent = {stage: round(value - before.get(stage, 0.0), 2) for stage, value in stages.items()}
    return {
        "events": round(events),
        "decisions": round(decisions),
        "outputs": round(outputs),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "events_per_second": round(events / seconds),
        "events_per_cpu_second": round(events / cpu),
        "us_per_event": round(cpu / events * 1e6, 1),
        "us_per_decision": round(spent.get("decide", 0.0) / max(1.0, decisions) * 1e6, 1),
        "us_of_all_per_decision": round(cpu / max(1.0, decisions) * 1e6, 1),
        "seconds_in": spent,
    }


class _Sizes:
    """Records and bytes of what health writes, as the broker keeps it."""

    def __init__(self, stack: LocalStack) -> None:
        self.records, self.bytes = dict.fromkeys(WRITTEN, 0), dict.fromkeys(WRITTEN, 0)
        names = {full_name(name): name for name in WRITTEN}
        offsets = asyncio.run(begin_and_end_offsets(stack.bootstrap, list(names)))
        for (topic, _), (_, end) in offsets.items():
            self.records[names[topic]] += end
        for name in WRITTEN:
            for number in range(BY_NAME[name].partitions or PARTITIONS_DEFAULT):
                folder = stack.places.kafka / "log" / f"{full_name(name)}-{number}"
                self.bytes[name] += sum(file.stat().st_size for file in folder.glob("*.log"))


def _written(before: _Sizes, after: _Sizes, seconds: float) -> dict[str, Any]:
    """Return records, bytes per record and MB/s by topic, transaction marks included, and all of it together."""
    told: dict[str, Any] = {}
    total = 0
    for name in WRITTEN:
        records, size = after.records[name] - before.records[name], after.bytes[name] - before.bytes[name]
        total += size
        told[name] = {
            "records": records,
            "bytes_per_record": round(size / max(1, records)),
            "mb_per_second": round(size / 1e6 / seconds, 2),
        }
    return told | {"mb_per_second": round(total / 1e6 / seconds, 2)}
