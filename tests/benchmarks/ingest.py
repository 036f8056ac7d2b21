"""Events a second through the edge on one core, beside a plain FastAPI + pydantic + `send` endpoint."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
from truenorth.clock import SystemClock
from truenorth_local.places import free_ports
from truenorth_local.processes import Process
from truenorth_local.stack import LocalStack

from tests.benchmarks.figures import cpu_seconds, metric, pin
from tests.benchmarks.samples import ACCOUNTS, group_call
from tests.ingest.running import RunningIngest, running_ingest

SECONDS = 6.0
CONNECTIONS = 32
MANY_CONNECTIONS = 64
TOO_MANY_CONNECTIONS = 256
WAITING_BYTES_MAX = 4 * 1024 * 1024
SERVER_CORE = 0

SHAPES = (
    ("/v1/track", 1),
    ("/v1/batch", 15),
    ("/v1/batch", 100),
    ("/v1/events", 1),
    ("/v1/events", 15),
    ("/v1/events", 100),
)
NO_CEILING = {
    "TRUENORTH_INGEST_KEY_EVENTS_PER_SECOND_MAX": "1000000",
    "TRUENORTH_INGEST_ACCOUNT_EVENTS_PER_SECOND_MAX": "100000",
}
"""Limits are on and counted; they only must not be what is measured."""


def measure(stack: LocalStack, *, seconds: float = SECONDS) -> dict[str, Any]:
    """Return the figures of both endpoints, taken in turns so that a busy minute hits both."""
    figures: dict[str, Any] = {"truenorth_ingest": {}, "fastapi_pydantic_send": {}}
    with tempfile.TemporaryDirectory() as folder, running_ingest(stack, Path(folder), **NO_CEILING) as ours:
        _teach(ours)
        plain, port = _start_plain(stack)
        try:
            servers = {
                "truenorth_ingest": (ours.process, int(ours.url.rpartition(":")[2]), ours.key),
                "fastapi_pydantic_send": (plain, port, "any"),
            }
            for process, _, _ in servers.values():
                pin(process.pid, SERVER_CORE)
            for path, per_request in SHAPES:
                for name, (process, at, key) in servers.items():
                    found = _run(process, at, path, key, per_request, seconds)
                    figures[name][f"{path} {per_request} per request"] = found
        finally:
            stack.stop_service("plain")
        at = int(ours.url.rpartition(":")[2])
        figures[f"{MANY_CONNECTIONS}_senders"] = {
            f"{path} {per_request} per request": _run(
                ours.process, at, path, ours.key, per_request, seconds, connections=MANY_CONNECTIONS
            )
            for path, per_request in SHAPES[:3]
        }
    figures["overload"] = _overload(stack, seconds=seconds)
    figures["times_plain"] = {
        name: round(
            figures["truenorth_ingest"][name]["events_per_cpu_second"]
            / figures["fastapi_pydantic_send"][name]["events_per_cpu_second"],
            1,
        )
        for name in figures["truenorth_ingest"]
    }
    return figures


def _overload(stack: LocalStack, *, seconds: float) -> dict[str, Any]:
    """Return how much memory it takes when several times more comes than may wait, and what the others are told."""
    bounded = NO_CEILING | {"TRUENORTH_INGEST_WAITING_BYTES_MAX": str(WAITING_BYTES_MAX)}
    with tempfile.TemporaryDirectory() as folder, running_ingest(stack, Path(folder), **bounded) as ours:
        _teach(ours)
        process = psutil.Process(ours.process.pid)
        at = int(ours.url.rpartition(":")[2])
        taken = []
        resident_mib = [round(process.memory_info().rss / 2**20)]
        for _ in range(3):
            found = _run(ours.process, at, "/v1/batch", ours.key, 100, seconds, connections=TOO_MANY_CONNECTIONS)
            taken.append({name: found[name] for name in ("events_per_second", "requests", "not_200", "answer_ms")})
            resident_mib.append(round(process.memory_info().rss / 2**20))
    return {"waiting_bytes_max": WAITING_BYTES_MAX, "resident_mib_before_and_after_each": resident_mib, "rounds": taken}


def _teach(ours: RunningIngest) -> None:
    """Tell ingest whose each actor is, as ``group`` calls do: half of the calls leave it out.

    Then each actor calls once, so that what is measured is a process that has run for a while.
    """
    now_ms = SystemClock().now_ms()
    for made in (group_call, _unnamed_call):
        for first in range(0, ACCOUNTS, 500):
            calls = [made(actor, now_ms=now_ms) for actor in range(first, min(first + 500, ACCOUNTS))]
            headers = {"authorization": f"Bearer {ours.key}"}
            httpx.post(f"{ours.url}/v1/batch", json={"batch": calls}, headers=headers, timeout=30).raise_for_status()
        _wait_until_read(ours)


def _unnamed_call(actor: int, *, now_ms: int) -> dict[str, Any]:
    return {"type": "track", "event": "warm-up", "userId": f"user-{actor}", "messageId": f"warm-{actor}"}


def _wait_until_read(ours: RunningIngest) -> None:
    clock = SystemClock()
    until = clock.monotonic() + 60
    while clock.monotonic() < until:
        time.sleep(1)
        if metric(httpx.get(f"{ours.telemetry}/metrics").text, "truenorth_ingest_lag_records") == 0:
            return
    raise TimeoutError("ingest has not read what it learned within a minute")


def _run(
    process: Process,
    port: int,
    path: str,
    key: str,
    per_request: int,
    seconds: float,
    *,
    connections: int = CONNECTIONS,
) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.http_load", str(port), path, key]
    command += [str(per_request), str(seconds), str(connections)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as load:
        assert load.stderr is not None
        load.stderr.readline()  # it begins; the warm-up's processor time counts, and so do its events below
        before = cpu_seconds(process.pid)
        out, err = load.communicate(timeout=seconds * 4 + 60)
        used = cpu_seconds(process.pid) - before
    if load.returncode:
        raise RuntimeError(err)
    told: dict[str, Any] = json.loads(out)
    told["events_per_second"] = round(told["events"] / told["seconds"])
    told["server_cpu_seconds"] = round(used, 2)
    told["events_per_cpu_second"] = round(told["events_with_warmup"] / used)
    return told


def _start_plain(stack: LocalStack) -> tuple[Process, int]:
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "tests.benchmarks.plain_endpoint", stack.bootstrap, str(port)]
    log = stack.log("plain")
    process = stack.launch("plain", lambda: Process("plain", command, stack.environment, log=log))
    clock = SystemClock()
    until = clock.monotonic() + 30
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/openapi.json").raise_for_status()
        except httpx.TransportError:
            if clock.monotonic() > until:
                raise
        else:
            return process, port
