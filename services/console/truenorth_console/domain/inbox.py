"""The inbox: alerts of one person or their team, and what each line says."""

from dataclasses import dataclass
from typing import Final, Literal

from truenorth.events.work import AlertFeedChanged

from truenorth_console.domain.people import Names
from truenorth_console.domain.wording import Moment, Now, due, until, when

Tab = Literal["mine", "team", "snoozed", "done"]
STATES: Final[dict[Tab, tuple[str, ...]]] = {
    "mine": ("open", "acknowledged"),
    "team": ("open", "acknowledged"),
    "snoozed": ("snoozed",),
    "done": ("done", "resolved"),
}


@dataclass(frozen=True, slots=True)
class TabCounts:
    """How many entries each tab holds. ``unread``: mine that nobody has acknowledged."""

    mine: int
    unread: int
    team: int
    snoozed: int
    done: int
    next_wake_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One alert as the inbox shows it. ``acts`` are the buttons that still do something."""

    alert: str
    account: str
    band: str
    title: str
    why: list[tuple[str, bool]]
    raised: Moment
    notes: list[str]
    state: str
    acts: tuple[str, ...]
    mark: str


def line(entry: AlertFeedChanged, names: Names, now: Now, *, viewer: str) -> Line:
    """Return the line of a feed entry as ``viewer`` sees it."""
    alert = entry.alert
    notes = [alert.playbook_name]
    if entry.recipient != viewer:
        notes.append(names.person(entry.recipient))
    closed = entry.state in {"done", "resolved"}
    if not closed and alert.due_ms is not None:
        notes.append(due(alert.due_ms, now))
    if entry.state != "open":
        notes.append(_stands(entry, names, now, viewer))
    if entry.not_useful:
        notes.append("marked not useful")
    return Line(
        alert=alert.alert_id,
        account=alert.account,
        band=alert.band,
        title=alert.title,
        why=alert.sentence.runs,
        raised=when(alert.raised_ms, now),
        notes=[note for note in notes if note],
        state=entry.state,
        acts=_acts(entry),
        mark=f"{entry.revision}",
    )


def _stands(entry: AlertFeedChanged, names: Names, now: Now, viewer: str) -> str:
    at = when(entry.changed_ms, now).text
    if entry.state == "resolved":
        return f"over by itself, {at}"
    if entry.state == "snoozed":
        return f"snoozed {until(entry.until_ms, now)}"
    by = "" if entry.by in {"", "data", viewer} else f" by {names.person(entry.by)}"
    return f"{entry.state}{by}, {at}"


def _acts(entry: AlertFeedChanged) -> tuple[str, ...]:
    useful = () if entry.not_useful else ("not_useful",)
    if entry.state in {"done", "resolved"}:
        return useful
    first = ("acknowledge",) if entry.state in {"open", "snoozed"} else ()
    return (*first, "snooze", "done", *useful)


def heading(counts: TabCounts) -> str:
    """Return the sentence under the title: what waits, and what sleeps until when."""
    parts = [f"{counts.unread} open"]
    if counts.mine > counts.unread:
        parts.append(f"{counts.mine - counts.unread} acknowledged")
    if counts.snoozed:
        parts.append(f"{counts.snoozed} snoozed")
    return " · ".join(parts)


def empty(tab: Tab, counts: TabCounts, now: Now) -> str:
    """Return what an empty tab says."""
    if tab == "mine":
        asleep = f" {counts.snoozed} snoozed {until(counts.next_wake_ms, now)}." if counts.snoozed else ""
        return f"No alerts.{asleep}"
    return {
        "team": "Nothing waits for anybody on your team.",
        "snoozed": "Nothing is snoozed.",
        "done": "Nothing was finished in the last 30 days.",
    }[tab]
