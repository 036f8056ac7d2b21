"""An account's past as sentences: what changed, what was asked of people, and what they did."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from truenorth import words
from truenorth.events.health import HealthChanged, MilestoneChanged
from truenorth.events.payload import PayloadStruct
from truenorth.events.people import (
    AlertAcknowledged,
    AlertDone,
    AlertNotUseful,
    AlertSnoozed,
    NoteAdded,
    OverrideSet,
    PulseSet,
    TaskAssigned,
    TaskSnoozed,
    UsageFitSet,
)
from truenorth.events.work import AlertFeedChanged, AlertRaised, DeliveryChanged, TaskUpdated

from truenorth_console.domain.people import Names
from truenorth_console.domain.wording import Moment, Now, due, until, when

MOMENTS_SHOWN: Final = 60
PULSE: Final = {1: "at risk", 2: "worried", 3: "neutral", 4: "good", 5: "thriving"}

_CAUSES: Final = {
    "definition": "the scorecard changed, not the account",
    "silence": "time passed without a sign",
    "override": "set by a person",
    "fact": "a fact changed",
}
_FINDINGS: Final = {"misfit": "usage does not fit", "champion_gone": "champion left"}
"""Findings that the snapshot calls otherwise than by their id."""
_CHANNELS: Final = {"inapp": "the inbox", "email": "mail", "webhook": "a webhook", "slack": "Slack"}

_VERBS: Final[dict[type, str]] = {
    AlertAcknowledged: "acknowledged the alert",
    AlertDone: "dealt with the alert",
    AlertNotUseful: "found the alert not useful",
}

Runs = list[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Past:
    """One thing that happened, as it is stored."""

    at_ms: int
    rank: int
    said: PayloadStruct


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline; ``dot`` is a band, or empty."""

    when: Moment
    dot: str
    runs: Runs
    detail: str


def timeline(past: Iterable[Past], names: Names, now: Now) -> list[Entry]:
    """Return the newest first, at most `MOMENTS_SHOWN`; what says nothing to a person is left out."""
    entries: list[Entry] = []
    for one in sorted(past, key=lambda moment: (moment.at_ms, moment.rank), reverse=True):
        told = _told(one.said, names, now)
        if told is not None:
            dot, runs, detail = told
            entries.append(Entry(when(one.at_ms, now), dot, runs, detail))
        if len(entries) == MOMENTS_SHOWN:
            break
    return entries


def _told(said: PayloadStruct, names: Names, now: Now) -> tuple[str, Runs, str] | None:
    if isinstance(said, HealthChanged):
        return _change(said, names)
    if isinstance(said, MilestoneChanged):
        return _milestone(said)
    if isinstance(said, TaskUpdated):
        return _task(said, names, now)
    if isinstance(said, AlertRaised | AlertFeedChanged):
        alert = said.alert if isinstance(said, AlertFeedChanged) else said
        return "", [("Alert: ", False), (alert.title, True)], alert.playbook_name
    if isinstance(said, DeliveryChanged):
        return _delivery(said, names)
    return _action(said, names, now)


def _change(said: HealthChanged, names: Names) -> tuple[str, Runs, str] | None:
    why = _CAUSES.get(said.cause, "")
    if said.kind == "band":
        score = "" if said.score is None or said.after == "unknown" else f": {words.shown(said.score)}"
        was = "" if said.score_before is None or not score else f", was {words.shown(said.score_before)}"
        first = f"First scored {said.after}" if not said.before else f"Turned {said.after}"
        return said.after, [(first, True), (f"{score}{was}", False)], why or words.plain(said.sentence)
    if said.kind == "finding":
        dot = {"open": "red", "clear": "green"}.get(said.after, "")
        verb = "Finding opened: " if said.after == "open" else "Finding cleared: "
        return dot, [(verb, False), (_FINDINGS.get(said.subject) or said.subject.replace("_", " "), True)], why
    if said.kind == "churn":
        return "unknown", [("Churned" if said.after in {"churned", "true"} else "Came back", True)], ""
    if not said.before:
        return None
    call = {"segment": names.segments, "phase": names.phases}.get(said.kind, {})
    before, after = call.get(said.before, said.before), call.get(said.after, said.after)
    noun = {"segment": "Segment", "phase": "Phase", "scorecard": "Scorecard"}[said.kind]
    return "", [(f"{noun}: {before} → ", False), (after, True)], why


def _milestone(said: MilestoneChanged) -> tuple[str, Runs, str]:
    dot = {"reached": "green", "at_risk": "yellow", "missed": "red", "pending": ""}[said.after]
    progress = said.milestone
    verb = {"reached": "reached", "at_risk": "at risk", "missed": "missed", "pending": "started"}[said.after]
    detail = f"{progress.have} of {progress.need}"
    if said.after in {"at_risk", "missed"} and progress.missing:
        detail += f"; missing {', '.join(progress.missing[:4])}"
    return dot, [("True North ", False), (verb, True), (f": {progress.name}", False)], detail


def _task(said: TaskUpdated, names: Names, now: Now) -> tuple[str, Runs, str]:
    if said.status in {"done", "skipped"}:
        by = f" by {names.person(said.closed_by)}" if said.closed_by else ""
        return "", [(f"Task {said.status}{by}: ", False), (said.title, True)], said.playbook_name
    late = due(said.due_ms, now)
    detail = " · ".join(part for part in (said.playbook_name, names.person(said.owner_id), late) if part)
    return "", [("Task: ", False), (said.title, True)], detail


def _delivery(said: DeliveryChanged, names: Names) -> tuple[str, Runs, str] | None:
    if said.channel == "inapp" or said.status == "pending":
        return None
    to = names.person(said.recipient)
    channel = _CHANNELS[said.channel]
    if said.status == "delivered":
        return "", [(f"Told {to} by {channel}", False)], ""
    if said.status == "failed":
        return "red", [(f"Could not tell {to} by {channel}", True)], said.reason
    return "", [(f"Did not tell {to} by {channel}", False)], said.reason.replace("_", " ")


def _action(said: PayloadStruct, names: Names, now: Now) -> tuple[str, Runs, str] | None:
    """Tell what a person did; a finished task tells itself, with its title."""
    if isinstance(said, NoteAdded):
        return "", [(said.text, False)], f"note by {names.person(said.by)}"
    if isinstance(said, PulseSet):
        dot = "red" if said.rating <= 2 else "yellow" if said.rating == 3 else "green"
        rating = f"{said.rating}, {PULSE[said.rating]}"
        return dot, [("Pulse: ", False), (rating, True)], _by(said.reason, said.by, names)
    if isinstance(said, OverrideSet):
        value = "cleared" if said.value is None else f"set to {words.shown(said.value)}"
        return "", [("Override ", False), (value, True)], _by(said.reason, said.by, names)
    if isinstance(said, UsageFitSet):
        fit = {"yes": "fits", "no": "does not fit", "needs_a_look": "needs a look"}[said.fit]
        return "", [("Usage ", False), (fit, True)], _by(said.reason, said.by, names)
    did = _did(said, names, now)
    return ("", [(did, False)], "") if did else None


def _did(said: PayloadStruct, names: Names, now: Now) -> str:
    if isinstance(said, AlertSnoozed):
        return f"{names.person(said.by)} snoozed the alert {until(said.until_ms, now)}"
    if isinstance(said, TaskSnoozed):
        return f"{names.person(said.by)} put a task off {until(said.until_ms, now)}"
    if isinstance(said, TaskAssigned):
        return f"{names.person(said.by)} gave a task to {names.person(said.to)}"
    verb = _VERBS.get(type(said))
    by = getattr(said, "by", "")
    return f"{names.person(by)} {verb}" if verb else ""


def _by(reason: str, by: str, names: Names) -> str:
    return f"{reason} ({names.person(by)})" if reason else names.person(by)
