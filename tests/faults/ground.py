"""A platform of its own to do terrible things to: a broker, and health workers as processes."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from truenorth.clock import Clock
from truenorth.errors import MissingError
from truenorth_local import answers
from truenorth_local.places import Ports, free_ports
from truenorth_local.processes import Process
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

REPOSITORY = Path(__file__).parents[2]
PARTITIONS = 6
PREFIX = "truenorth-faults-"
VERIFY_SECONDS_MAX = 120


class NotRunError(Exception):
    """This fault cannot be done here; the message says what it needs."""


class Ground:
    """Starts and ends everything; blocking, so that the load's event loop calls it from threads."""

    def __init__(self, clock: Clock, *, folder: Path | None = None, partitions: int = PARTITIONS) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix=PREFIX))
        self.partitions = partitions
        self.stack = LocalStack(
            self.folder, ports=Ports.free(), environment=clean_environment(), clock=clock, durable=False
        )
        self.bootstrap = self.stack.bootstrap
        self.mounted: Path | None = None
        self._ports: dict[str, int] = {}

    def start(self) -> None:
        """Bring up the broker with its topics and the example definitions."""
        self.stack.start_backing()
        self.stack.create_topics(partitions=self.partitions)
        self.stack.run("ingest", "truenorth.commands.main", "apply", str(REPOSITORY / "config"), "--yes")

    def end(self, *, keep: bool = False) -> None:
        """Stop everything and remove its data, unless it is to be looked at."""
        for name in self._ports:
            if name in self.stack.processes:
                self.worker(name).kill()
        self.stack.stop()
        if self.mounted is not None:
            subprocess.run(["umount", str(self.mounted)], check=True)
        if not keep:
            shutil.rmtree(self.folder)

    def start_worker(self, name: str, *, static: bool = True, environment: Mapping[str, str] | None = None) -> Process:
        """Start a health worker; ``static`` ones keep their share over a restart.

        ``environment`` with an order of `tests.faults.orders` starts a worker that follows it.
        """
        port = self._ports.get(name) or self._ports.setdefault(name, free_ports(1)[0])
        settings = self.stack.settings_of("health") | {
            "TRUENORTH_TELEMETRY_PORT": str(port),
            "TRUENORTH_HEALTH_INSTANCE": name if static else "",
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]),
            **(environment or {}),
        }
        module = "tests.faults.orders" if environment else "truenorth_health"
        command = [sys.executable, "-m", module]
        stack = self.stack
        return stack.launch(
            name, lambda: Process(name, command, settings, log=stack.log(name), common=stack.common_log)
        )

    def worker(self, name: str) -> Process:
        """Return a worker that was started."""
        return self.stack.processes[name]

    def said(self, name: str) -> str:
        """Return all that a worker ever said."""
        return (self.stack.places.logs / f"{name}.log").read_text("utf-8", "replace")

    def running(self) -> list[str]:
        """Return the names of the workers that live."""
        return [name for name in self._ports if name in self.stack.processes and self.worker(name).poll() is None]

    def dead(self) -> list[str]:
        """Say of each worker that ended although nobody ended it, with its last words."""
        return [
            f"{name} ended with code {self.worker(name).poll()}: {last_error(self.said(name))}"
            for name in self._ports
            if name in self.stack.processes and self.worker(name).poll() not in {None, 0, -signal.SIGKILL}
        ]

    def refolds(self, name: str) -> int | None:
        """Return a worker's count of events met again; None when it does not answer."""
        metric = "truenorth_health_refolds_total"
        try:
            text = httpx.get(f"http://127.0.0.1:{self._ports[name]}/metrics", timeout=1.0).text
        except httpx.HTTPError:
            return None
        return next((round(float(line.split()[-1])) for line in text.splitlines() if line.startswith(f"{metric} ")), 0)

    @property
    def broker(self) -> Process:
        """The broker's process."""
        return self.stack.processes["kafka"]

    def start_broker(self) -> None:
        """Start the broker again and return when it answers."""
        self.stack.revive("kafka")
        self.stack.wait_until("kafka", lambda: answers.kafka_answers(self.bootstrap))

    def stop_broker(self) -> None:
        """End it with SIGTERM."""
        self.broker.stop()

    def verify(self) -> dict[str, Any]:
        """Run ``truenorth verify --json`` and return what it printed; `MissingError` when it could not judge."""
        said = subprocess.run(
            [sys.executable, "-m", "truenorth.commands.main", "verify", "--json"],
            env=self.stack.settings_of("health"),
            capture_output=True,
            text=True,
            timeout=VERIFY_SECONDS_MAX,
            check=False,
        )
        if said.returncode not in {0, 1} or not said.stdout:
            raise MissingError(f"verify could not judge: {said.stderr.strip()[-400:]}")
        document: dict[str, Any] = json.loads(said.stdout)
        return document


def last_error(said: str) -> str:
    """Return the message of the last line that a worker logged as an error; empty when there is none."""
    for line in reversed(said.splitlines()):
        with contextlib.suppress(json.JSONDecodeError):
            entry = json.loads(line)
            if entry.get("level") in {"ERROR", "CRITICAL"} and entry.get("logger") == "truenorth.lifecycle":
                return str(entry["message"])
    return ""


def send_signal(process: Process, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone already."""
    if process.poll() is None:
        os.kill(process.pid, number)
