"""The one long-running process of a local stack: starts the parts in order, keeps them running, stops them.

``python -m truenorth_local.supervisor STATE_DIRECTORY``; ``truenorth up`` starts it detached.
"""

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from truenorth.clock import Clock, SystemClock
from truenorth.errors import MissingError, TruenorthError

from truenorth_local import jars
from truenorth_local.leftovers import Identity, end_leftovers, myself
from truenorth_local.places import HOST, SERVICES, Places, Ports, checkout
from truenorth_local.processes import Process
from truenorth_local.services import WITH_DATABASE
from truenorth_local.stack import LocalStack
from truenorth_local.state import Part, State, write_private, write_state

LOOK_SECONDS: Final = 0.5
BACKOFF_SECONDS_MAX: Final = 30.0
CALM_SECONDS: Final = 60.0
TRAFFIC: Final = "traffic"
KEY_SCOPES: Final = ("ingest:write", "accounts:write", "erasures:write", "quarantine:replay")
"""What the local stack's own key may do: everything."""
BOOK: Final = ("--accounts", "60", "--days", "120", "--seed", "7", "--contacts")


class Supervisor:
    """Runs a `LocalStack` with all its services until it is told to stop."""

    def __init__(self, stack: LocalStack, clock: Clock, *, definitions: Path) -> None:
        self._stack = stack
        self._clock = clock
        self._definitions = definitions
        self._stopping = threading.Event()
        self._next_start: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._last_start: dict[str, float] = {}
        self._state = State(supervisor=myself(), parts=_parts(stack))

    def ask_to_stop(self) -> None:
        """Make `run` return soon; safe to call from a signal handler."""
        self._stopping.set()
        self._stack.give_up()

    def run(self) -> int:
        """Start everything, keep it running, and return the exit code after everything has stopped."""
        code = 0
        try:
            self._start()
            self._tell(phase="running")
            while not self._stopping.wait(LOOK_SECONDS):
                self._look()
        except (TruenorthError, OSError) as error:
            if not self._stopping.is_set():
                code = 3
                self._state.error = str(error if isinstance(error, TruenorthError) else self._of_disk(error))
        self._tell(phase="stopping")
        self._stack.stop()
        for part in self._state.parts.values():
            part.identity = None
        self._tell(phase="failed" if code else "stopped")
        return code

    def _of_disk(self, error: OSError) -> MissingError:
        return jars.disk_sentence(self._stack.places.root, error)

    def _start(self) -> None:
        stack = self._stack
        self._tell(doing="starting Kafka, PostgreSQL and mail")
        stack.start_backing()
        stack.start_webhooks()
        write_private(stack.places.database_url, stack.database_url)
        self._step("creating topics", stack.create_topics)
        self._step("migrating the databases and applying definitions", self._migrate_and_apply)
        self._step("making the local write key", self._make_key)
        for name in SERVICES:
            self._step(f"starting {name}", lambda name=name: self._start_service(name))  # type: ignore[misc]

    def _step(self, doing: str, work: Callable[[], object]) -> None:
        if self._stopping.is_set():
            raise MissingError("It was stopped while starting.")
        self._tell(doing=doing)
        work()

    def _migrate_and_apply(self) -> None:
        with ThreadPoolExecutor(len(WITH_DATABASE) + 1) as pool:
            done = [pool.submit(self._stack.migrate, name) for name in WITH_DATABASE]
            done.append(pool.submit(self._apply))
            for one in done:
                one.result()

    def _apply(self) -> None:
        self._stack.run("console", "truenorth.commands.main", "apply", str(self._definitions), "--yes")

    def _make_key(self) -> None:
        path = str(self._stack.places.write_key)
        scopes = [word for scope in KEY_SCOPES for word in ("--scope", scope)]
        arguments = ("keys", "create", "--name", "local", *scopes, "--write-to", path)
        self._stack.run("ingest", "truenorth.commands.main", *arguments)

    def _start_service(self, name: str) -> None:
        self._stack.require_port(name, self._stack.ports.telemetry[name])
        if name in {"ingest", "console"}:
            self._stack.require_port(name, getattr(self._stack.ports, name))
        self._stack.start_service(name, wait_ready=False)

    def _look(self) -> None:
        """Start again what died, after a pause that doubles, and the demo's traffic when it is wanted."""
        now = self._clock.monotonic()
        if self._stack.places.wants_traffic.exists() and TRAFFIC not in self._stack.processes:
            self._state.parts[TRAFFIC] = Part(address=f"to http://{HOST}:{self._stack.ports.ingest}")
            self._stack.start_command(TRAFFIC, "simulate", *BOOK, "--live")
            self._tell()
        for name, process in list(self._stack.processes.items()):
            if process.poll() is not None:
                self._revive(name, process, now)

    def _revive(self, name: str, process: Process, now: float) -> None:
        part = self._state.parts[name]
        if name not in self._next_start:
            part.last_words = f"ended with code {process.poll()}: {process.log.last_lines(1)}"
            lived = now - self._last_start.get(name, 0.0)
            self._failures[name] = 0 if lived > CALM_SECONDS else self._failures.get(name, 0) + 1
            self._next_start[name] = now + min(BACKOFF_SECONDS_MAX, 0.5 * 2.0 ** self._failures[name])
            self._tell()
        elif now >= self._next_start[name]:
            del self._next_start[name]
            self._last_start[name] = now
            part.restarts += 1
            self._stack.revive(name)
            self._tell()

    def _tell(self, *, phase: str = "", doing: str = "") -> None:
        state = self._state
        if phase:
            state.phase = phase  # type: ignore[assignment]
        state.doing = doing
        for name, process in dict(self._stack.processes).items():
            alive = process.poll() is None
            state.parts[name].identity = Identity(process.pid, process.created) if alive else None
        write_state(self._stack.places, state)


def _parts(stack: LocalStack) -> dict[str, Part]:
    ports = stack.ports
    at = stack.database_url.rpartition("@")[2]
    parts = {
        "kafka": Part(address=stack.bootstrap, foreign=not stack.own_kafka),
        "postgres": Part(address=f"postgresql://{at}", foreign=not stack.own_postgres),
        "mail": Part(address=stack.smtp_url),
        "webhooks": Part(address=f"http://{HOST}:{ports.webhooks}"),
    }
    public = {"ingest": f"http://{HOST}:{ports.ingest}", "console": f"http://{HOST}:{ports.console}"}
    for name in SERVICES:
        telemetry = stack.telemetry_url(name)
        parts[name] = Part(address=public.get(name, telemetry), telemetry=telemetry)
    return parts


def _only_one(places: Places) -> IO[bytes] | None:
    """Take the folder's lock for as long as this process lives; None when another supervisor holds it."""
    held = places.lock.open("wb")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        return None
    return held


def main(arguments: list[str]) -> int:
    """Supervise the stack of the state directory on the command line."""
    places = Places(Path(arguments[0]).resolve())
    held = _only_one(places)
    if held is None:
        return 0
    end_leftovers(places.root)
    clock = SystemClock()
    stack = LocalStack(places.root, ports=Ports.from_environment(os.environ), environment=os.environ, clock=clock)
    supervisor = Supervisor(stack, clock, definitions=checkout() / "config")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: supervisor.ask_to_stop())
    with held, suppress(KeyboardInterrupt):
        return supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
