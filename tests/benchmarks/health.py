"""Events a second through the health worker on one core, beside a faust agent with one table write per event."""

import asyncio
import json
import subprocess
import sys
import threading
from typing import Any, NamedTuple

import httpx
from truenorth.clock import SystemClock
from truenorth_local.processes import Process
from truenorth_local.stack import LocalStack

from tests.benchmarks.figures import cpu_seconds, metric, pin
from tests.benchmarks.preload import fill, put_definitions_in_force

ACCOUNTS = 5_000
USAGE_EVENTS = 300_000
FAUST_EVENTS = 50_000
SECONDS_MAX = 300.0
CORE = 0
POLL_SECONDS = 0.1
FOLDED = "truenorth_health_events_folded_total"
BEGUN = "truenorth_health_records_polled_total"


class Reading(NamedTuple):
    """The worker at one moment: clock and processor seconds, the counter waited for, and all of its metrics."""

    at: float
    cpu: float
    counted: float
    told: str


def measure(stack: LocalStack) -> dict[str, Any]:
    """Return the figures of both, one after the other on the same topic."""
    clock = SystemClock()
    asyncio.run(put_definitions_in_force(stack.bootstrap, clock))
    records = asyncio.run(fill(stack.bootstrap, clock, accounts=ACCOUNTS, usage_events=USAGE_EVENTS))
    ours = _health(stack, clock, records)
    plain = faust(stack)
    times = round(ours["events_per_cpu_second"] / plain["events_per_cpu_second"], 1)
    return {"truenorth_health": ours, "faust_agent_with_table": plain, "times_plain": times}


def _health(stack: LocalStack, clock: SystemClock, records: int) -> dict[str, Any]:
    process = stack.start_service("health", wait_ready=False)
    pin(process.pid, CORE)
    try:
        first, last = watched(process, f"{stack.telemetry_url('health')}/metrics", clock, records)
    finally:
        stack.stop_service("health")
    seconds, cpu, events = last.at - first.at, last.cpu - first.cpu, last.counted - first.counted
    return {
        "accounts": ACCOUNTS,
        "records_in_topics": records,
        "events": round(events),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "events_per_second": round(events / seconds),
        "events_per_cpu_second": round(events / cpu),
        "outputs": round(metric(last.told, "truenorth_health_outputs_total")),
    }


def watched(
    process: Process,
    url: str,
    clock: SystemClock,
    wanted: int,
    counter: str = FOLDED,
    *,
    enough_seconds: float = SECONDS_MAX,
) -> tuple[Reading, Reading]:
    """Return the first reading after it began to read, and the one by which the counter was where it should be.

    After ``enough_seconds`` of work it is the one at that moment.

    Raises:
        RuntimeError: it ended, or did not get so far in time.
    """
    until = clock.monotonic() + SECONDS_MAX
    pause = threading.Event()
    first: Reading | None = None
    while True:
        if process.poll() is not None or clock.monotonic() > until:
            raise RuntimeError(f"health did not get {counter} to {wanted}: {process.log.last_lines(2)}")
        told = _told(url)
        now = Reading(clock.monotonic(), cpu_seconds(process.pid), metric(told, counter), told)
        if first is None and metric(told, BEGUN) > 0:
            first = now
        if first is not None and (now.counted >= wanted or now.at - first.at >= enough_seconds):
            return first, now
        pause.wait(POLL_SECONDS)


def _told(url: str) -> str:
    try:
        return httpx.get(url, timeout=10).text
    except httpx.TransportError:
        return ""  # not up yet


def faust(stack: LocalStack, events: int = FAUST_EVENTS) -> dict[str, Any]:
    """Return the figures of the faust agent on so many of the same usage events, on the same core."""
    command = [sys.executable, "-m", "tests.benchmarks.faust_agent", stack.bootstrap, str(events)]
    errors = stack.places.logs / "faust.log"
    with (
        errors.open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=stack.environment) as agent,
    ):
        pin(agent.pid, CORE)
        limit = threading.Timer(SECONDS_MAX, agent.kill)
        limit.start()
        assert agent.stdout is not None
        told = next((line for line in agent.stdout if line.startswith("{")), "")  # behind faust's banner
        limit.cancel()
        agent.kill()
    if not told:
        raise RuntimeError(f"the faust agent did not finish: {errors.read_text()[-500:]}")
    figures: dict[str, Any] = json.loads(told)
    return figures
