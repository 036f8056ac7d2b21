"""One account as playbooks knows it: runs, tasks, alerts, and what has changed since it was loaded."""

from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec
from truenorth.events.payload import PayloadStruct
from truenorth.events.work import AlertRaised, AlertResolved, TaskStatus, TaskUpdated
from truenorth.ids import derived_id

RunState = Literal["open", "completed", "resolved", "cancelled"]
Resolution = Literal["resolved_by_data", "done", "cancelled"]

WORKING: Final[frozenset[TaskStatus]] = frozenset({"open", "overdue"})
"""The statuses in which a task still waits for somebody."""


class Run(msgspec.Struct, frozen=True):
    """One execution of a playbook for one account.

    ``version`` names the playbook's content the run keeps to; ``triggered_ms`` is the clock of the decision
    that opened it, from which the cooldown counts; a ``shadow`` run gives nobody anything.
    """

    run_id: str
    account: str
    playbook: str
    version: str
    dedupe: str
    trigger_number: int
    triggered_ms: int
    opened_ms: int
    state: RunState = "open"
    shadow: bool = False
    closed_ms: int | None = None


class Alert(msgspec.Struct, frozen=True):
    """An alert that was raised, and whether it still stands."""

    alert_id: str
    account: str
    run_id: str
    title: str
    raised_ms: int
    task_id: str = ""
    resolved_ms: int | None = None


class Said(msgspec.Struct, frozen=True):
    """One event to publish, under an id that the same cause always has."""

    event_id: str
    topic: str
    payload: PayloadStruct
    time_ms: int


@dataclass(slots=True)
class Book:
    """The working copy of one account. Everything that changes it also writes down that it did.

    ``changes_number`` and ``milestones_number`` are the latest transitions seen on each topic;
    ``churn_number`` is the one that last changed ``churned``. ``erased_ms`` is the record time of its last erasure.
    """

    account: str
    changes_number: int = 0
    milestones_number: int = 0
    churned: bool = False
    churn_number: int = 0
    erased_ms: int | None = None
    runs: dict[str, Run] = field(default_factory=dict)
    tasks: dict[str, TaskUpdated] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    changed_account: bool = False
    changed_runs: set[str] = field(default_factory=set)
    changed_tasks: set[str] = field(default_factory=set)
    changed_alerts: set[str] = field(default_factory=set)
    said: list[Said] = field(default_factory=list)
    noted: list[tuple[str, str]] = field(default_factory=list)
    """What happened, for the metrics: (what, playbook or reason)."""

    def latest_run(self, playbook: str, dedupe: str) -> Run | None:
        """Return the newest run of this playbook and key that was loaded."""
        runs = [run for run in self.runs.values() if run.playbook == playbook and run.dedupe == dedupe]
        return max(runs, key=lambda run: run.trigger_number, default=None)

    def open_runs(self) -> list[Run]:
        """Return the runs that are open, oldest trigger first."""
        return sorted((run for run in self.runs.values() if run.state == "open"), key=lambda run: run.trigger_number)

    def put_run(self, run: Run) -> None:
        """Keep a new or changed run."""
        self.runs[run.run_id] = run
        self.changed_runs.add(run.run_id)

    def put_task(self, task: TaskUpdated, now_ms: int) -> None:
        """Keep a new or changed task and publish it; its revision must already be the new one."""
        self.tasks[task.task_id] = task
        self.changed_tasks.add(task.task_id)
        event_id = derived_id("task.updated", task.task_id, str(task.revision))
        self.said.append(Said(event_id, "tasks", task, now_ms))

    def raise_alert(self, alert: AlertRaised) -> None:
        """Keep a new alert and publish it."""
        self.alerts[alert.alert_id] = Alert(
            alert.alert_id, alert.account, alert.run_id, alert.title, alert.raised_ms, alert.task_id
        )
        self.changed_alerts.add(alert.alert_id)
        self.said.append(Said(derived_id("alert.raised", alert.alert_id), "alerts", alert, alert.raised_ms))
        self.noted.append(("alert_raised", alert.playbook))

    def resolve_alert(self, alert: Alert, reason: Resolution, now_ms: int) -> None:
        """Resolve an alert that still stands and publish that; one that is resolved stays as it is."""
        if alert.resolved_ms is not None:
            return
        self.alerts[alert.alert_id] = msgspec.structs.replace(alert, resolved_ms=now_ms)
        self.changed_alerts.add(alert.alert_id)
        resolved = AlertResolved(
            alert_id=alert.alert_id,
            account=alert.account,
            run_id=alert.run_id,
            resolved_ms=now_ms,
            reason=reason,
            title=alert.title,
        )
        self.said.append(Said(derived_id("alert.resolved", alert.alert_id), "alerts", resolved, now_ms))

    def change_task(self, task: TaskUpdated, now_ms: int, **changes: object) -> TaskUpdated:
        """Publish the task with these fields changed, under its next revision, and return it."""
        changed = msgspec.structs.replace(task, revision=task.revision + 1, **changes)
        self.put_task(changed, now_ms)
        return changed

    def tasks_of(self, run_id: str) -> list[TaskUpdated]:
        """Return the loaded tasks of a run; all that still wait for somebody are among them."""
        return [task for task in self.tasks.values() if task.run_id == run_id]

    def alerts_of(self, run_id: str) -> list[Alert]:
        """Return the loaded alerts of a run; all that still stand are among them."""
        return [alert for alert in self.alerts.values() if alert.run_id == run_id]
