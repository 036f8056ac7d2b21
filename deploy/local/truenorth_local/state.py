"""What the supervisor tells the command line: one JSON file, written whole each time something changes."""

import os
from pathlib import Path
from typing import Literal

import msgspec

from truenorth_local.leftovers import Identity
from truenorth_local.places import Places

Phase = Literal["starting", "running", "stopping", "failed", "stopped"]


class Part(msgspec.Struct):
    """One part as the supervisor knows it.

    ``restarts`` counts how often it was started again after it died; ``foreign`` parts are the user's own.
    ``telemetry`` is the URL of a service's probes, empty for others.
    """

    address: str
    identity: Identity | None = None
    restarts: int = 0
    last_words: str = ""
    foreign: bool = False
    telemetry: str = ""


class State(msgspec.Struct):
    """The stack as the supervisor sees it; ``doing`` is the step it is at, ``error`` why it gave up."""

    supervisor: Identity
    phase: Phase = "starting"
    doing: str = ""
    error: str = ""
    parts: dict[str, Part] = {}


def write_state(places: Places, state: State) -> None:
    """Replace the state file; it is never seen half-written."""
    draft = places.state_file.with_suffix(".draft")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
    draft.replace(places.state_file)


def read_state(places: Places) -> State | None:
    """Return what the last supervisor wrote, None when there never was one."""
    try:
        return msgspec.json.decode(places.state_file.read_bytes(), type=State)
    except FileNotFoundError:
        return None


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
