"""Numbers as benches report them."""

import math
import os
import platform
from collections.abc import Sequence
from typing import Any

import psutil


def percentiles(seconds: Sequence[float]) -> dict[str, float | int]:
    """Return n, p50, p95, p99 and the largest in milliseconds (nearest rank)."""
    ordered = sorted(seconds)
    if not ordered:
        return {"n": 0}

    def at(share: float) -> float:
        return round(ordered[math.ceil(share * len(ordered)) - 1] * 1000, 2)

    return {"n": len(ordered), "p50": at(0.50), "p95": at(0.95), "p99": at(0.99), "max": at(1.0)}


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def load() -> float:
    """Return how many processes wanted a core over the last minute: a busy machine explains odd figures."""
    return round(os.getloadavg()[0], 2)


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process has used so far, its children included."""
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in [process, *process.children(recursive=True)]]
    return float(sum(time.user + time.system for time in times))


def pin(pid: int, core: int) -> bool:
    """Hold a process on one core; False where the system cannot."""
    process = psutil.Process(pid)
    if not hasattr(process, "cpu_affinity") or (os.cpu_count() or 1) < 2:
        return False
    process.cpu_affinity([core])
    return True


def metric(exposition: str, name: str) -> float:
    """Return the value of a metric without labels from Prometheus' text; 0 when it is not there."""
    for line in exposition.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    return 0.0


def labelled(exposition: str, name: str, label: str) -> dict[str, float]:
    """Return label value -> value of a metric with this one label from Prometheus' text."""
    start = f'{name}{{{label}="'
    lines = [line for line in exposition.splitlines() if line.startswith(start)]
    return {line[len(start) :].partition('"')[0]: float(line.rpartition(" ")[2]) for line in lines}
