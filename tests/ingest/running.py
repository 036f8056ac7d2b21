"""A real ingest process over the real parts of a stack, with a database and a key of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from truenorth_local.places import free_ports
from truenorth_local.processes import Process
from truenorth_local.stack import LocalStack

from tests.ingest.doubles import PSEUDONYM_SECRET


@dataclass(frozen=True)
class RunningIngest:
    url: str
    telemetry: str
    key: str
    environment: dict[str, str]
    process: Process

    def post(self, body: Any, **headers: str) -> httpx.Response:
        sent = {"authorization": f"Bearer {self.key}"} | {n.replace("_", "-"): value for n, value in headers.items()}
        return httpx.post(f"{self.url}/v1/events", json=body, headers=sent, timeout=30)


def keys_command(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from truenorth_ingest.commands import keys; keys()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def running_ingest(stack: LocalStack, folder: Path, **more: str) -> Iterator[RunningIngest]:
    """Start an ingest beside whatever else runs on the stack; it is gone afterwards."""
    port, telemetry = free_ports(2)
    own = {
        "DATABASE_URL": stack.new_database(),
        "TRUENORTH_INGEST_PORT": str(port),
        "TRUENORTH_TELEMETRY_PORT": str(telemetry),
        "TRUENORTH_PSEUDONYM_SECRET": PSEUDONYM_SECRET,
        **more,
    }
    environment = stack.settings_of("ingest") | own
    stack.run("ingest", "truenorth_ingest", "migrate", environment=own)
    made = keys_command(environment, "create", "--name", "tests", "--write-to", str(folder / "key"))
    assert made.returncode == 0, made.stderr
    label = f"ingest-{port}"
    process = stack.start_service("ingest", own, label=label)
    key = (folder / "key").read_text().strip()
    try:
        yield RunningIngest(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{telemetry}", key, environment, process)
    finally:
        if label in stack.processes:
            stack.stop_service(label)
