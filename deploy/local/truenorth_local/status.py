"""The truth about a stack at this moment: what was written down, checked against what answers."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import msgspec

from truenorth_local import answers
from truenorth_local.places import BACKING, SERVICES, Places
from truenorth_local.state import Part, State, read_state

PartState = Literal["ready", "not ready", "not running", "restarting"]


class PartStatus(msgspec.Struct, frozen=True):
    """One part as it is now; ``detail`` says why it is not ready."""

    name: str
    state: PartState
    address: str
    detail: str = ""
    restarts: int = 0


class Status(msgspec.Struct, frozen=True):
    """The whole stack as it is now. ``phase`` is "not running" when no supervisor lives."""

    ready: bool
    phase: str
    doing: str
    error: str
    parts: list[PartStatus]


def inspect(places: Places) -> Status:
    """Ask every part and return what is true now."""
    state = read_state(places)
    if state is None or not state.supervisor.is_alive:
        return _without_supervisor(state)
    with ThreadPoolExecutor(len(state.parts)) as pool:
        parts = list(pool.map(lambda item: _ask(*item), state.parts.items()))
    ready = state.phase == "running" and all(part.state == "ready" for part in parts)
    return Status(ready, state.phase, state.doing, state.error, parts)


def _without_supervisor(state: State | None) -> Status:
    known = state.parts if state else {name: Part(address="") for name in (*BACKING, *SERVICES)}
    parts = []
    for name, part in known.items():
        left = part.identity is not None and part.identity.is_alive
        detail = "left over from a supervisor that was killed; `make up` or `make down` ends it" if left else ""
        parts.append(PartStatus(name, "not running", part.address, detail))
    return Status(ready=False, phase="not running", doing="", error=state.error if state else "", parts=parts)


def _ask(name: str, part: Part) -> PartStatus:
    if not part.foreign and (part.identity is None or not part.identity.is_alive):
        state: PartState = "restarting" if part.last_words else "not running"
        return PartStatus(name, state, part.address, part.last_words, part.restarts)
    why = _why_not_ready(name, part)
    return PartStatus(name, "not ready" if why else "ready", part.address, why, part.restarts)


def _why_not_ready(name: str, part: Part) -> str:
    if part.telemetry:
        return answers.why_not_ready(part.telemetry)
    if name == "kafka":
        return "" if answers.kafka_answers(part.address) else "it does not answer"
    if name == "postgres":
        return "" if answers.postgres_answers(part.address) else "it takes no connections"
    found = re.search(r"//(.+):(\d+)", part.address)
    if name not in {"mail", "webhooks"} or found is None:
        return ""
    ask = answers.smtp_answers if name == "mail" else answers.port_answers
    return "" if ask(found.group(1), int(found.group(2))) else "it does not answer"
