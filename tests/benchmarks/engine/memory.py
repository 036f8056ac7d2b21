"""What a million cold accounts cost two health workers: after they were folded, and after a restart restored them."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
from truenorth.clock import SystemClock
from truenorth_local.places import HOST, free_ports
from truenorth_local.stack import LocalStack

from tests.benchmarks.engine import cold
from tests.benchmarks.figures import metric
from tests.benchmarks.preload import put_definitions_in_force

ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000000"))
PARTITIONS = 8
SECONDS_MAX = 3_600.0
POLL_SECONDS = 1.0
BUDGET_BYTES = 4 * 2**30


def measure(stack: LocalStack) -> dict[str, Any]:
    """Return the memory of both workers after the load and after a restart, in bytes."""
    clock = SystemClock()
    asyncio.run(put_definitions_in_force(stack.bootstrap, clock))
    asyncio.run(cold.fill(stack.bootstrap, ACCOUNTS, now_ms=clock.now_ms()))
    workers = Workers(stack)
    workers.start()
    loaded = {"seconds": workers.until(workers.all_folded), **workers.told()}
    workers.stop()
    workers.start()
    restored = {"seconds": workers.until(workers.all_open), **workers.told()}
    workers.stop()
    highest = max(loaded["peak_rss_bytes"], restored["peak_rss_bytes"])
    return {
        "accounts": ACCOUNTS,
        "events_per_account": cold.EVENTS,
        "after_load": loaded,
        "after_restart": restored,
        "within_4_gib": highest <= BUDGET_BYTES,
    }


class Workers:
    """Two health workers of one group."""

    def __init__(self, stack: LocalStack) -> None:
        (port,) = free_ports(1)
        self._stack = stack
        self._clock = SystemClock()
        self._labels = ("health", "health-2")
        second = f"http://{HOST}:{port}"
        self._urls = {"health": stack.telemetry_url("health"), "health-2": second}
        self._settings: Mapping[str, dict[str, str]] = {
            "health": {},
            "health-2": {"TRUENORTH_TELEMETRY_PORT": str(port)},
        }
        self._began_s = 0.0

    def start(self) -> None:
        self._began_s = self._clock.monotonic()
        for label in self._labels:
            self._stack.start_service("health", self._settings[label], wait_ready=False, label=label)

    def stop(self) -> None:
        for label in self._labels:
            self._stack.stop_service(label)

    def until(self, reached: Callable[[], bool]) -> float:
        """Wait and return the seconds since the start."""
        pause = threading.Event()
        while not reached():
            if self._clock.monotonic() - self._began_s > SECONDS_MAX:
                raise RuntimeError(f"not reached in {SECONDS_MAX:.0f} s: {self.told()}")
            for label in self._labels:
                process = self._stack.processes[label]
                if process.poll() is not None:
                    raise RuntimeError(f"{label} ended: {process.log.last_lines(3)}")
            pause.wait(POLL_SECONDS)
        return round(self._clock.monotonic() - self._began_s, 1)

    def all_folded(self) -> bool:
        return self._sum("events_folded_total") >= ACCOUNTS * cold.EVENTS and self.all_open()

    def all_open(self) -> bool:
        accounts = self._sum("accounts")
        return self._sum("partitions_owned") == PARTITIONS and accounts >= ACCOUNTS

    def told(self) -> dict[str, Any]:
        processes = [psutil.Process(self._stack.processes[label].pid) for label in self._labels]
        rss = [process.memory_info().rss for process in processes]
        state, seen = self._sum("state_bytes"), self._sum("seen_ids_bytes")
        return {
            "rss_bytes": rss,
            "pss_bytes": [process.memory_full_info().pss for process in processes],
            "peak_rss_bytes": sum(_peak(process.pid) for process in processes),
            "rss_bytes_per_account": round(sum(rss) / ACCOUNTS),
            "state_bytes_per_account": round(state / ACCOUNTS),
            "seen_ids_bytes_per_account": round(seen / ACCOUNTS),
            "accounts": round(self._sum("accounts")),
            "ids_left_early": round(self._sum("seen_ids_left_early_total")),
        }

    def _sum(self, name: str) -> float:
        return sum(_metric(url, f"truenorth_health_{name}") for url in self._urls.values())


def _peak(pid: int) -> int:
    """Return the most memory a process ever held, where Linux tells it; else what it holds now."""
    try:
        with Path(f"/proc/{pid}/status").open() as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return int(psutil.Process(pid).memory_info().rss)


def _metric(url: str, name: str) -> float:
    try:
        return metric(httpx.get(f"{url}/metrics", timeout=30).text, name)
    except httpx.TransportError:
        return 0.0  # not up yet
