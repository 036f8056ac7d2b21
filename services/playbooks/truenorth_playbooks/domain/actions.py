"""What people, and time, do to tasks and alerts. Doing the same again changes nothing."""

from typing import Final

from truenorth.events.people import AlertDone, TaskAssigned, TaskDone, TaskSnoozed
from truenorth.events.work import TaskStatus, TaskUpdated

from truenorth_playbooks.domain.book import WORKING, Book
from truenorth_playbooks.domain.runs import end_run

Action = TaskDone | TaskSnoozed | TaskAssigned | AlertDone
ACTIONS: Final = (TaskDone, TaskSnoozed, TaskAssigned, AlertDone)
"""The actions that are playbooks' to carry out; others on the topic are not."""


def act(book: Book, action: Action, now_ms: int) -> None:
    """Carry out what a person did; an id that this account does not have is noted and ignored."""
    if isinstance(action, AlertDone):
        _alert_done(book, action, now_ms)
        return
    task = book.tasks.get(action.task_id)
    if task is None:
        book.noted.append(("ignored_unknown", "task"))
        return
    if isinstance(action, TaskAssigned):
        if action.to != task.owner_id:
            book.change_task(task, now_ms, owner_id=action.to)
    elif task.status not in WORKING:
        book.noted.append(("ignored_closed", "task"))
    elif isinstance(action, TaskSnoozed):
        if action.until_ms > now_ms and action.until_ms != task.snoozed_until_ms:
            book.change_task(task, now_ms, snoozed_until_ms=action.until_ms, status="open")
    else:
        _close_task(book, task, action.outcome, action.by, now_ms)
        _settle(book, task.run_id, now_ms)


def overdue_at_ms(task: TaskUpdated) -> int | None:
    """Return when the task turns overdue by itself: its due time or the end of its snooze, whichever is later."""
    if task.status != "open" or task.due_ms is None:
        return None
    return max(task.due_ms, task.snoozed_until_ms or 0)


def turn_overdue(book: Book, task_id: str, now_ms: int) -> None:
    """Mark a task overdue if its time has come and it is still open."""
    task = book.tasks.get(task_id)
    at_ms = overdue_at_ms(task) if task is not None else None
    if task is not None and at_ms is not None and at_ms <= now_ms:
        book.change_task(task, now_ms, status="overdue", snoozed_until_ms=None)
        book.noted.append(("task_overdue", task.playbook))


def _alert_done(book: Book, action: AlertDone, now_ms: int) -> None:
    alert = book.alerts.get(action.alert_id)
    if alert is None:
        book.noted.append(("ignored_unknown", "alert"))
        return
    book.resolve_alert(alert, "done", now_ms)
    task = book.tasks.get(alert.task_id)
    if task is not None and task.status in WORKING:
        _close_task(book, task, "done", action.by, now_ms)
    _settle(book, alert.run_id, now_ms)


def _close_task(book: Book, task: TaskUpdated, status: TaskStatus, by: str, now_ms: int) -> None:
    book.change_task(task, now_ms, status=status, closed_ms=now_ms, closed_by=by, snoozed_until_ms=None)
    book.noted.append((f"task_{status}", task.playbook))
    alert = book.alerts.get(task.alert_id)
    if alert is not None:
        book.resolve_alert(alert, "done", now_ms)


def _settle(book: Book, run_id: str, now_ms: int) -> None:
    """Complete a run when nobody has anything left to do in it.

    A run with tasks is completed with its last task; one that only raised alerts with its last alert.
    """
    run = book.runs.get(run_id)
    if run is None or run.state != "open":
        return
    tasks = book.tasks_of(run_id)
    if any(task.status in WORKING for task in tasks):
        return
    if tasks or all(alert.resolved_ms is not None for alert in book.alerts_of(run_id)):
        end_run(book, run, "completed", now_ms)
