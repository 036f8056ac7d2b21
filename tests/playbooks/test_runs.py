"""The life of a run: what opens it, keeps it silent, ends it."""

from datetime import UTC, datetime

import msgspec
import pytest
from truenorth.clock import to_millis
from truenorth.events.people import AlertDone, TaskAssigned, TaskDone, TaskSnoozed
from truenorth.events.work import AlertRaised, AlertResolved, TaskUpdated
from truenorth_playbooks.domain.actions import act, overdue_at_ms, turn_overdue
from truenorth_playbooks.domain.book import Book
from truenorth_playbooks.domain.runs import NEWS_AGE_MS_MAX

from tests.playbooks.makers import (
    DAY,
    HELP,
    NOW,
    RESCUE,
    SILENT,
    SLIPPING,
    band,
    churn,
    finding,
    milestone,
    noted,
    rules,
    seen,
)


def only_task(book: Book) -> TaskUpdated:
    (task,) = book.tasks.values()
    return task


def resolutions(book: Book) -> list[str]:
    return [said.payload.reason for said in book.said if isinstance(said.payload, AlertResolved)]


def test_a_crossing_gives_the_owner_a_task_and_raises_an_alert_that_links_it() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"))
    task, alert = (said.payload for said in book.said)
    assert isinstance(task, TaskUpdated)
    assert isinstance(alert, AlertRaised)
    assert (task.title, task.owner_id, task.status, task.revision) == (
        "Call the sponsor at Acme Freight",
        "dana",
        "open",
        1,
    )
    assert (alert.title, alert.severity, alert.band) == ("Acme Freight turned red: 31", "high", "red")
    assert task.alert_id == alert.alert_id
    assert alert.task_id == task.task_id
    assert alert.due_ms == task.due_ms
    assert alert.run_id == task.run_id


def test_the_same_cause_always_has_the_same_ids() -> None:
    one, two = (seen(Book("acme"), band(5, "green", "red")) for _ in range(2))
    assert [said.event_id for said in one.said] == [said.event_id for said in two.said]
    other = seen(Book("acme"), band(6, "green", "red"))
    assert not {said.event_id for said in one.said} & {said.event_id for said in other.said}


def test_a_repeated_number_changes_nothing() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"), band(2, "red", "green"))
    before = len(book.said)
    seen(book, band(1, "yellow", "red"), band(2, "red", "green"), now=NOW + 30 * DAY)
    assert len(book.said) == before
    assert noted(book, "repeat") == ["changes", "changes"]


def test_only_one_run_is_open_per_playbook_account_and_key() -> None:
    book = seen(Book("acme"), milestone(1, "at_risk"), milestone(2, "at_risk"), milestone(3, "at_risk", "second"))
    assert [run.dedupe for run in book.open_runs()] == ["first-value", "second"]
    assert noted(book, "silent_open") == [HELP.id]


def test_cooldown_counts_from_the_trigger() -> None:
    """A published vector: retrigger delay 7 d, triggered 1 March, closed 3 March: next on 8 March."""

    def march(day: int, hour: int = 0) -> int:
        return to_millis(datetime(2026, 3, day, hour, tzinfo=UTC))

    opened = (band(1, "yellow", "red", at=march(1)), band(2, "red", "yellow", at=march(3)))
    early = seen(Book("acme"), *opened, band(3, "yellow", "red", at=march(7, 23)))
    assert len(early.runs) == 1
    assert noted(early, "silent_cooldown") == [RESCUE.id]
    late = seen(Book("acme"), *opened, band(3, "yellow", "red", at=march(8)))
    assert [run.triggered_ms for run in late.open_runs()] == [march(8)]


@pytest.mark.parametrize(
    ("cause", "age_ms", "word"),
    [
        ("backfill", 0, "silent_old"),
        ("behaviour", NEWS_AGE_MS_MAX + 1, "silent_old"),
        ("definition", 0, "silent_definition"),
        ("silence", NEWS_AGE_MS_MAX, "run_opened"),
        ("override", 0, "run_opened"),
        ("fact", 0, "run_opened"),
    ],
)
def test_old_news_and_model_changes_open_nothing(cause: str, age_ms: int, word: str) -> None:
    book = seen(Book("acme"), band(1, "yellow", "red", cause=cause), now=NOW + age_ms)
    assert noted(book, word) == [RESCUE.id]
    assert bool(book.said) is (word == "run_opened")


def test_old_news_still_ends_a_run() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"))
    seen(book, band(2, "red", "green", at=NOW + 1), now=NOW + 3 * DAY)
    assert resolutions(book) == ["resolved_by_data"]


def test_data_resolves_the_run_and_its_alert_and_leaves_the_task_to_people() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"), band(2, "red", "yellow"))
    (run,) = book.runs.values()
    assert run.state == "resolved"
    assert resolutions(book) == ["resolved_by_data"]
    task = only_task(book)
    assert task.status == "open"
    act(book, TaskDone(by="dana", task_id=task.task_id), NOW + 5)
    assert only_task(book).status == "done"
    assert resolutions(book) == ["resolved_by_data"]


def test_an_unknown_band_resolves_nothing() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"), band(2, "red", "unknown"))
    assert book.open_runs()


def test_a_run_keeps_the_version_it_started_with() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"), under=rules(RESCUE))
    edited = msgspec.structs.replace(RESCUE, until=None, name="Edited", mode="off")
    seen(book, band(2, "red", "yellow"), under=rules(edited))
    assert resolutions(book) == ["resolved_by_data"]


def test_a_shadow_run_gives_nobody_anything() -> None:
    shadow = msgspec.structs.replace(RESCUE, mode="shadow")
    book = seen(Book("acme"), band(1, "yellow", "red"), under=rules(shadow))
    assert [run.shadow for run in book.open_runs()] == [True]
    assert book.said == []


def test_a_playbook_that_is_off_opens_nothing() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"), under=rules(msgspec.structs.replace(RESCUE, mode="off")))
    assert book.runs == {}


def test_a_manager_gets_what_is_for_managers() -> None:
    assert only_task(seen(Book("acme"), finding(1, "open"))).owner_id == "ingrid"
    assert only_task(seen(Book("acme"), finding(1, "open", owner_id="nobody-known"))).owner_id == "nobody-known"


def test_churn_cancels_runs_skips_tasks_and_opens_nothing_more() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"), churn(3))
    (run,) = book.runs.values()
    assert run.state == "cancelled"
    assert only_task(book).status == "skipped"
    assert resolutions(book) == ["cancelled"]
    seen(book, milestone(2, "at_risk"), finding(4, "open"))
    assert len(book.runs) == 1
    assert noted(book, "silent_churned") == [HELP.id, SILENT.id]
    seen(book, churn(5, "active"), finding(6, "open"))
    assert [run.playbook for run in book.open_runs()] == [SILENT.id]


def test_the_last_task_done_completes_the_run_and_its_alert() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"))
    act(book, TaskDone(by="dana", task_id=only_task(book).task_id), NOW + 9)
    task = only_task(book)
    assert (task.status, task.revision, task.closed_by, task.closed_ms) == ("done", 2, "dana", NOW + 9)
    assert [run.state for run in book.runs.values()] == ["completed"]
    assert resolutions(book) == ["done"]


def test_doing_it_twice_is_doing_it_once() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"))
    task_id, (alert_id,) = only_task(book).task_id, book.alerts
    act(book, TaskDone(by="dana", task_id=task_id, outcome="skipped"), NOW)
    before = len(book.said)
    act(book, TaskDone(by="dana", task_id=task_id), NOW)
    act(book, AlertDone(by="dana", alert_id=alert_id), NOW)
    act(book, TaskSnoozed(by="dana", task_id=task_id, until_ms=NOW + DAY), NOW)
    assert len(book.said) == before
    assert only_task(book).status == "skipped"


def test_an_alert_done_does_its_task() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"))
    (alert_id,) = book.alerts
    act(book, AlertDone(by="dana", alert_id=alert_id), NOW)
    assert only_task(book).status == "done"
    assert [run.state for run in book.runs.values()] == ["completed"]


def test_an_alert_alone_completes_its_run_when_done() -> None:
    book = seen(Book("acme"), band(1, "green", "yellow"))
    (alert_id,) = book.alerts
    assert [run.playbook for run in book.open_runs()] == [SLIPPING.id]
    act(book, AlertDone(by="dana", alert_id=alert_id), NOW)
    assert book.open_runs() == []


def test_a_task_is_handed_over_once() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"))
    for _ in range(2):
        act(book, TaskAssigned(by="dana", task_id=only_task(book).task_id, to="kenji"), NOW)
    assert (only_task(book).owner_id, only_task(book).revision) == ("kenji", 2)


def test_unknown_ids_are_ignored_and_noted() -> None:
    book = Book("acme")
    act(book, TaskDone(by="dana", task_id="nope"), NOW)
    act(book, AlertDone(by="dana", alert_id="nope"), NOW)
    assert noted(book, "ignored_unknown") == ["task", "alert"]
    assert book.said == []


def test_an_open_task_turns_overdue_when_its_time_has_come() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"))
    task = only_task(book)
    assert task.due_ms is not None
    turn_overdue(book, task.task_id, task.due_ms - 1)
    assert only_task(book).status == "open"
    turn_overdue(book, task.task_id, task.due_ms)
    assert (only_task(book).status, only_task(book).revision) == ("overdue", 2)
    turn_overdue(book, task.task_id, task.due_ms + 1)
    assert only_task(book).revision == 2


def test_a_snooze_puts_off_the_overdue() -> None:
    book = seen(Book("acme"), band(1, "yellow", "red"))
    task = only_task(book)
    assert task.due_ms is not None
    turn_overdue(book, task.task_id, task.due_ms)
    act(book, TaskSnoozed(by="dana", task_id=task.task_id, until_ms=task.due_ms + DAY), task.due_ms + 1)
    assert only_task(book).status == "open"
    assert overdue_at_ms(only_task(book)) == task.due_ms + DAY
    turn_overdue(book, task.task_id, task.due_ms + DAY)
    assert (only_task(book).status, only_task(book).snoozed_until_ms) == ("overdue", None)
