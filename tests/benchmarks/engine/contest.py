"""One contestant after the other on the same topic, each a process of its own held on one core."""

import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truenorth_local.stack import LocalStack

from tests.benchmarks.engine import kafka_streams
from tests.benchmarks.engine.load import Shape
from tests.benchmarks.figures import load

ROOT = Path(__file__).parents[3]
BENCH_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
CORE = 0
BROKER_CORE = 1
SECONDS_MAX = 300.0
FIGURES = ("events_per_second", "events_per_cpu_second")


@dataclass(frozen=True)
class Contestant:
    """``command`` makes the command line from a fresh name and a fresh folder."""

    name: str
    command: Callable[[Shape, str, Path], list[str]]


@contextmanager
def held(core: int | None) -> Iterator[None]:
    """Have what is started meanwhile run on this core alone, where that can be done."""
    if core is None or not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def hold_running(pid: int, core: int) -> None:
    """Hold a running process with all of its threads on one core, where that can be done."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        return
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def start(
    command: Sequence[str], environment: Mapping[str, str], log: Path, core: int | None = CORE
) -> "subprocess.Popen[str]":
    """Start a process that tells in lines of JSON."""
    with log.open("a") as errors, held(core):
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=ROOT)


def run(command: Sequence[str], environment: Mapping[str, str], log: Path) -> dict[str, Any]:
    """Run one contestant until it tells its figures, and end it."""
    with start(command, environment, log) as process:
        limit = threading.Timer(SECONDS_MAX, process.kill)
        limit.start()
        assert process.stdout is not None
        told = next((line for line in process.stdout if line.startswith('{"events"')), "")
        limit.cancel()
        process.kill()
    if not told:
        raise RuntimeError(f"{command} did not finish: {log.read_text()[-500:]}")
    figures: dict[str, Any] = json.loads(told)
    return figures


def contestants(stack: LocalStack, folder: Path, events: Mapping[str, int]) -> list[Contestant]:
    """Return who takes part on this machine; ``events`` says how many each of them gets."""
    broker, python, here = stack.bootstrap, sys.executable, Path(__file__).parent

    def ours(ids: str, out: str, count: int) -> Callable[[Shape, str, Path], list[str]]:
        words = [python, "-m", "tests.benchmarks.engine.ours", broker]
        return lambda shape, name, _: [*words, shape.topic, name, out, str(count), ids]

    def module(name_of: str, count: int, *more: str) -> Callable[[Shape, str, Path], list[str]]:
        words = [python, "-m", f"tests.benchmarks.engine.{name_of}", broker]
        return lambda shape, name, place: [*words, shape.topic, name, str(count), str(place), *more]

    def bare(shape: Shape, _name: str, _place: Path) -> list[str]:
        return [python, "-m", "tests.benchmarks.engine.bare", broker, shape.topic, str(events["bare"])]

    def quix(shape: Shape, name: str, place: Path) -> list[str]:
        return [str(BENCH_PYTHON), str(here / "quix.py"), broker, shape.topic, name, str(events["quix"]), str(place)]

    found = [
        Contestant("truenorth", ours("-", "-", events["truenorth"])),
        Contestant("truenorth_without_duplicates", ours("ids", "-", events["truenorth"])),
        Contestant("bare_consumer", bare),
        Contestant("faust_table", module("faust_table", events["faust"], "fold")),
        Contestant("faust_table_count_only", module("faust_table", events["faust"], "count")),
        Contestant("quix_streams", quix),
    ]
    if kafka_streams.is_there():
        classes = kafka_streams.class_path(stack.environment, folder / "classes")
        found += [
            Contestant(f"kafka_streams_{guarantee}", _java(classes, broker, events["kafka_streams"], guarantee))
            for guarantee in ("at_least_once", "exactly_once_v2")
        ]
    return found


def _java(classes: str, broker: str, events: int, guarantee: str) -> Callable[[Shape, str, Path], list[str]]:
    return lambda shape, name, place: kafka_streams.command(
        classes, broker, shape.topic, name, events, place, guarantee
    )


def rounds(
    stack: LocalStack,
    shape: Shape,
    found: Sequence[Contestant],
    count: int,
    folder: Path,
    prepare: Callable[[str], None],
) -> dict[str, Any]:
    """Let all of them run ``count`` times in turns, so that a busy minute hits all, and return medians and ratios."""
    log = stack.places.logs / "contest.log"
    told: dict[str, list[dict[str, Any]]] = {one.name: [] for one in found}
    loads: list[float] = []
    for number, one in itertools.product(range(count), found):
        name = f"bench-{shape.name}-{one.name.replace('_', '-')}-{number}"
        prepare(name)
        place = folder / name
        place.mkdir(parents=True)
        told[one.name].append(run(one.command(shape, name, place), stack.environment, log))
        loads.append(load())
    medians = {name: _median(runs) for name, runs in told.items()}
    return {
        "accounts": shape.accounts,
        "zipf": shape.zipf,
        "machine_load_1_min_median": statistics.median(loads),
        "contestants": medians,
        "times": {which: _times(medians, which) for which in FIGURES},
    }


def _median(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure, with its runs, so that the spread can be seen."""
    told: dict[str, Any] = {"events": runs[0]["events"], "runs": len(runs)}
    for name in FIGURES:
        told[name] = round(statistics.median(run[name] for run in runs))
        told[f"{name}_of_runs"] = [run[name] for run in runs]
    if "second_half" in runs[0]:
        halves = [run["second_half"] for run in runs]
        told |= {f"{name}_when_warm": round(statistics.median(half[name] for half in halves)) for name in FIGURES}
    if "seconds_in" in runs[-1]:
        told["seconds_in"] = runs[-1]["seconds_in"]
    return told


def _times(medians: Mapping[str, Mapping[str, Any]], which: str) -> dict[str, float]:
    """Return how many times as much as each other one the engine does; as Java's, the figure when it is warm."""
    ours: float = medians["truenorth"][which]
    return {
        name: round(ours / told.get(f"{which}_when_warm", told[which]), 2)
        for name, told in medians.items()
        if name != "truenorth"
    }
