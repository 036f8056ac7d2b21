import pytest
from truenorth.events.people import AlertAcknowledged, AlertDone, AlertNotUseful, AlertSnoozed, TaskDone
from truenorth.events.work import AlertResolved
from truenorth_notify.domain.feed import (
    Action,
    FeedEntry,
    after_action,
    after_resolution,
    after_snooze,
    opened,
    published,
)

from tests.notify.builders import NOW_MS, alert

LATER_MS = NOW_MS + 1000
ACK = AlertAcknowledged(by="ana", alert_id="alert-1")
DONE = AlertDone(by="ana", alert_id="alert-1")
SNOOZE = AlertSnoozed(by="ana", alert_id="alert-1", until_ms=NOW_MS + 86_400_000)
USELESS = AlertNotUseful(by="ana", alert_id="alert-1")
TASK = TaskDone(by="ana", task_id="task-1")


def entry(*actions: Action) -> FeedEntry:
    current = opened(alert(), "ana", now_ms=NOW_MS)
    for action in actions:
        current = after_action(current, action, now_ms=LATER_MS) or current
    return current


def over(reason: str = "resolved_by_data") -> AlertResolved:
    return AlertResolved(alert_id="alert-1", account="halden", run_id="run-1", resolved_ms=LATER_MS, reason=reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        ([ACK], "acknowledged"),
        ([SNOOZE], "snoozed"),
        ([DONE], "done"),
        ([TASK], "done"),
        ([SNOOZE, ACK], "acknowledged"),
        ([ACK, SNOOZE], "snoozed"),
        ([ACK, DONE], "done"),
        ([DONE, ACK], "done"),
        ([DONE, SNOOZE], "done"),
        ([USELESS], "open"),
    ],
)
def test_what_people_do_moves_an_entry(actions: list[Action], state: str) -> None:
    assert entry(*actions).state == state


def test_each_change_raises_the_revision_by_one_and_a_repeat_changes_nothing() -> None:
    moved = entry(ACK, ACK, SNOOZE, SNOOZE, DONE, DONE, TASK, USELESS, USELESS)
    assert moved.revision == 5
    assert (moved.state, moved.by, moved.not_useful, moved.until_ms) == ("done", "ana", True, None)


def test_a_snooze_into_the_past_changes_nothing() -> None:
    assert entry(AlertSnoozed(by="ana", alert_id="alert-1", until_ms=LATER_MS)).state == "open"


def test_a_snoozed_entry_opens_again_when_its_time_has_come_and_not_before() -> None:
    snoozed = entry(SNOOZE)
    assert after_snooze(snoozed, now_ms=SNOOZE.until_ms - 1) is None
    woken = after_snooze(snoozed, now_ms=SNOOZE.until_ms)
    assert woken is not None
    assert (woken.state, woken.until_ms, woken.revision) == ("open", None, 3)
    assert after_snooze(entry(SNOOZE, ACK), now_ms=SNOOZE.until_ms) is None


def test_the_end_of_a_condition_closes_what_is_still_open() -> None:
    resolved = after_resolution(entry(SNOOZE), over(), now_ms=LATER_MS)
    assert resolved is not None
    assert (resolved.state, resolved.by, resolved.until_ms) == ("resolved", "data", None)
    done = after_resolution(entry(), over("done"), now_ms=LATER_MS)
    assert done is not None
    assert done.state == "done"
    assert after_resolution(entry(DONE), over(), now_ms=LATER_MS) is None
    assert after_resolution(resolved, over(), now_ms=LATER_MS) is None
    put_away = after_action(resolved, DONE, now_ms=LATER_MS)
    assert put_away is not None
    assert put_away.state == "done"


def test_readers_are_told_the_whole_alert_and_how_it_stands() -> None:
    told = published(entry(SNOOZE, USELESS), alert())
    assert (told.alert, told.recipient, told.state, told.revision) == (alert(), "ana", "snoozed", 3)
    assert (told.until_ms, told.not_useful, told.by, told.changed_ms) == (SNOOZE.until_ms, True, "ana", LATER_MS)
