"""What a stack that was killed leaves running: written down while it lives, ended by the next one."""

import os
import shutil
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from truenorth_local.processes import Process, created_of, end_leftover, is_alive

STOP_SIGNALS: Final = {"postgres": signal.SIGINT}
"""What a part ends well on when SIGTERM is not it: PostgreSQL would wait until every client has gone."""
FILE_NAME: Final = "processes.json"


class Identity(msgspec.Struct, frozen=True):
    """A process id and when it was created (epoch seconds): together they name one process for good."""

    pid: int
    created: float

    @property
    def is_alive(self) -> bool:
        """Whether this very process runs."""
        return is_alive(self.pid, self.created)


class Family(msgspec.Struct, frozen=True):
    """The process that drives a stack, and the parts it started."""

    driver: Identity
    parts: dict[str, Identity]


def myself() -> Identity:
    """Return the identity of this process."""
    return Identity(os.getpid(), created_of(os.getpid()))


def write_leftovers(root: Path, processes: Mapping[str, Process]) -> None:
    """Write down what would be left if this process were killed now."""
    # A copy: other threads start parts meanwhile.
    parts = {name: Identity(process.pid, process.created) for name, process in dict(processes).items()}
    draft = root / f"{FILE_NAME}.{threading.get_ident()}"
    draft.write_bytes(msgspec.json.encode(Family(myself(), parts)))
    draft.replace(root / FILE_NAME)


def read_leftovers(root: Path) -> Family | None:
    """Return who runs, or ran last, a stack in this folder."""
    try:
        return msgspec.json.decode((root / FILE_NAME).read_bytes(), type=Family)
    except FileNotFoundError:
        return None


def end_leftovers(root: Path) -> list[str]:
    """End what a driver that is gone left running in this folder, and return the names of those parts."""
    family = read_leftovers(root)
    if family is None or family.driver.is_alive:
        return []
    running = {name: part for name, part in family.parts.items() if part.is_alive}
    if running:
        with ThreadPoolExecutor(len(running)) as pool:
            list(pool.map(lambda item: _end(*item), running.items()))
    return list(running)


def _end(name: str, part: Identity) -> None:
    end_leftover(part.pid, part.created, stop_signal=STOP_SIGNALS.get(name, signal.SIGTERM))


def end_abandoned(folder: Path, prefix: str) -> None:
    """End and remove the stacks under ``folder`` whose driver is gone; only those of one's own."""
    for root in folder.glob(f"{prefix}*"):
        try:
            owner = root.stat().st_uid
        except FileNotFoundError:  # another session was quicker
            continue
        if owner != os.geteuid():
            continue
        family = read_leftovers(root)
        if family is not None and not family.driver.is_alive:
            end_leftovers(root)
            shutil.rmtree(root, ignore_errors=True)  # another session may be at it too
