"""Start and stop the supervisor from outside, and wait for what it does."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

import psutil
from truenorth.clock import Clock
from truenorth.errors import MissingError, RefusedError

from truenorth_local.jars import check_room
from truenorth_local.leftovers import Identity, end_leftovers
from truenorth_local.places import MARKER, Places, Ports, port_is_free
from truenorth_local.processes import end_leftover
from truenorth_local.state import State, read_state
from truenorth_local.status import Status, inspect

START_SECONDS_MAX = 300.0
STOP_SECONDS_MAX = 90.0
LOOK_SECONDS = 0.3
DEATHS_MAX = 3


def running(places: Places) -> State | None:
    """Return the state of a living supervisor, None when there is none."""
    state = read_state(places)
    return state if state is not None and state.supervisor.is_alive else None


def wait_stopped(places: Places, clock: Clock) -> None:
    """Wait for a supervisor that is on its way out."""
    state = running(places)
    if state is not None and state.phase in {"stopping", "failed", "stopped"}:
        _wait_gone(state.supervisor, clock)


def check_start(places: Places, ports: Ports, environment: Mapping[str, str]) -> None:
    """Raise `MissingError` with the remedy for what would keep a stack from starting."""
    places.make()
    check_room(places.root)
    end_leftovers(places.root)
    own = {"kafka": "KAFKA_BOOTSTRAP_SERVERS", "postgres": "DATABASE_URL"}
    foreign = {part for part, setting in own.items() if environment.get(setting)}
    foreign |= {"kafka's controller"} if "kafka" in foreign else set()
    for part, port in ports.of_parts().items():
        if part not in foreign and not port_is_free(port):
            raise MissingError(
                f"Port {port}, which {part} needs, is taken by another program: stop that, or set"
                f" {ports.setting_of(port)} to a free port."
            )


def start(places: Places, environment: Mapping[str, str]) -> Identity:
    """Start the supervisor detached from this terminal and return its identity."""
    places.state_file.unlink(missing_ok=True)
    with (places.logs / "supervisor.log").open("wb") as log:
        child = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "truenorth_local.supervisor", str(places.root)],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return Identity(child.pid, psutil.Process(child.pid).create_time())


def wait_ready(places: Places, supervisor: Identity, clock: Clock, say: Callable[[str], None]) -> Status:
    """Wait until every part is ready; `MissingError` when the supervisor gives up or a service keeps dying."""
    deadline = clock.monotonic() + START_SECONDS_MAX
    pause = threading.Event()
    while not (status := inspect(places)).ready:
        state = read_state(places)
        if state is not None and state.supervisor.pid == supervisor.pid and state.error:
            _wait_gone(supervisor, clock)
            raise MissingError(state.error)
        if not supervisor.is_alive:
            raise MissingError(f"The supervisor ended; {places.logs / 'supervisor.log'} says why.")
        _give_up_on_a_dying_service(places, status)
        waiting = [part.name for part in status.parts if part.state != "ready"]
        say(_said(status, waiting))
        if clock.monotonic() > deadline:
            raise MissingError(f"{', '.join(waiting)} did not get ready; see the logs in {places.logs}.")
        pause.wait(LOOK_SECONDS)
    return status


def _said(status: Status, waiting: list[str]) -> str:
    if status.phase != "running":
        return status.doing or "starting"
    return f"waiting for {', '.join(waiting)}"


def _wait_gone(supervisor: Identity, clock: Clock) -> None:
    deadline = clock.monotonic() + STOP_SECONDS_MAX
    pause = threading.Event()
    while supervisor.is_alive and clock.monotonic() < deadline:
        pause.wait(LOOK_SECONDS)


def _give_up_on_a_dying_service(places: Places, status: Status) -> None:
    for part in status.parts:
        if part.restarts >= DEATHS_MAX and part.state != "ready":
            raise MissingError(
                f"{part.name} {part.detail or 'keeps ending'} ({part.restarts + 1} times; its log is"
                f" {places.logs / part.name}.log); the rest runs, and `make down` stops it."
            )


def stop(places: Places, clock: Clock) -> bool:
    """Stop the stack of this folder, and what a killed supervisor left; say whether anything ran."""
    state = running(places)
    if state is None:
        return bool(end_leftovers(places.root))
    os.kill(state.supervisor.pid, signal.SIGTERM)
    _wait_gone(state.supervisor, clock)
    if state.supervisor.is_alive:
        end_leftover(state.supervisor.pid, state.supervisor.created)
    end_leftovers(places.root)
    return True


def wipe(places: Places) -> None:
    """Remove a stopped stack's folder with all its data; `RefusedError` when it is not a stack's."""
    if not places.root.exists():
        return
    if not places.is_made:
        raise RefusedError("state.foreign", f"{places.root} was not made by `truenorth up`; nothing was removed.")
    for entry in places.root.iterdir():
        if entry.name != MARKER:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.rmtree(places.root)
