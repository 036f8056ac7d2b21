"""One alert in one person's in-app feed, and how what people do and what the data says move it."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from truenorth.events.people import AlertAcknowledged, AlertDone, AlertNotUseful, AlertSnoozed, TaskDone
from truenorth.events.work import AlertFeedChanged, AlertRaised, AlertResolved

State = Literal["open", "acknowledged", "snoozed", "done", "resolved"]
Action = AlertAcknowledged | AlertSnoozed | AlertDone | AlertNotUseful | TaskDone

CLOSED: Final[frozenset[State]] = frozenset({"done", "resolved"})
DATA: Final = "data"
"""The author of a change that no person made."""


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """How an alert stands for one recipient. ``revision`` rises by one with every change."""

    alert_id: str
    recipient: str
    state: State
    revision: int
    changed_ms: int
    by: str = ""
    until_ms: int | None = None
    not_useful: bool = False


def opened(alert: AlertRaised, recipient: str, *, now_ms: int) -> FeedEntry:
    """Return the first state of an entry."""
    return FeedEntry(alert.alert_id, recipient, "open", 1, now_ms)


def after_action(entry: FeedEntry, action: Action, *, now_ms: int) -> FeedEntry | None:
    """Return the entry after what a person did, or None when it changes nothing.

    A closed entry stays closed; ``not useful`` can be said of it at any time; a resolved one can be put away.
    """
    if isinstance(action, AlertNotUseful):
        return None if entry.not_useful else _moved(replace(entry, not_useful=True), action.by, now_ms)
    if isinstance(action, AlertDone | TaskDone):
        return None if entry.state == "done" else _to(entry, "done", action.by, now_ms)
    if entry.state in CLOSED:
        return None
    if isinstance(action, AlertAcknowledged):
        return None if entry.state == "acknowledged" else _to(entry, "acknowledged", action.by, now_ms)
    if action.until_ms <= now_ms or action.until_ms == entry.until_ms:
        return None
    return replace(_to(entry, "snoozed", action.by, now_ms), until_ms=action.until_ms)


def after_resolution(entry: FeedEntry, resolved: AlertResolved, *, now_ms: int) -> FeedEntry | None:
    """Return the entry once the alert is over, or None when it was closed already."""
    if entry.state in CLOSED:
        return None
    return _to(entry, "done" if resolved.reason == "done" else "resolved", DATA, now_ms)


def after_snooze(entry: FeedEntry, *, now_ms: int) -> FeedEntry | None:
    """Return the entry open again once its snooze has ended, or None."""
    if entry.state != "snoozed" or entry.until_ms is None or entry.until_ms > now_ms:
        return None
    return _to(entry, "open", DATA, now_ms)


def published(entry: FeedEntry, alert: AlertRaised) -> AlertFeedChanged:
    """Return the event that tells readers how the entry stands."""
    return AlertFeedChanged(
        alert=alert,
        recipient=entry.recipient,
        revision=entry.revision,
        state=entry.state,
        changed_ms=entry.changed_ms,
        by=entry.by,
        until_ms=entry.until_ms,
        not_useful=entry.not_useful,
    )


def _to(entry: FeedEntry, state: State, by: str, now_ms: int) -> FeedEntry:
    return _moved(replace(entry, state=state, until_ms=None), by, now_ms)


def _moved(entry: FeedEntry, by: str, now_ms: int) -> FeedEntry:
    return replace(entry, revision=entry.revision + 1, changed_ms=now_ms, by=by)
