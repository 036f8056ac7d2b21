"""What playbooks and notify publish: tasks, alerts and deliveries. Payloads are historical snapshots."""

from typing import Literal

from truenorth.events.health import Band, Sentence
from truenorth.events.payload import PayloadStruct

TaskStatus = Literal["open", "done", "skipped", "overdue"]
Severity = Literal["low", "normal", "high"]


class TaskUpdated(PayloadStruct, frozen=True, gc=False):
    """``task.updated``: the task as it is now; compacted by account is not possible, so keyed by account, kept.

    ``revision`` rises by one per task; a reader drops a lower one.
    """

    task_id: str
    account: str
    revision: int
    title: str
    status: TaskStatus
    owner_id: str
    playbook: str
    playbook_name: str
    run_id: str
    step: str
    opened_ms: int
    due_ms: int | None = None
    closed_ms: int | None = None
    closed_by: str = ""
    snoozed_until_ms: int | None = None
    alert_id: str = ""


class AlertRaised(PayloadStruct, frozen=True, gc=False):
    """``alert.raised``: someone should know now. Everything shown to them is in here.

    ``title`` says what happened ("Halden Freight turned red: 31"), ``sentence`` why, ``score``/``band`` how
    the account stood. ``decided_ms`` is the clock of the decision that caused it.
    """

    alert_id: str
    account: str
    account_name: str
    owner_id: str
    title: str
    sentence: Sentence
    severity: Severity
    band: Band
    playbook: str
    playbook_name: str
    run_id: str
    raised_ms: int
    decided_ms: int
    score: float | None = None
    task_id: str = ""
    due_ms: int | None = None
    arr: int | None = None
    renews_on: str | None = None


class AlertResolved(PayloadStruct, frozen=True, gc=False):
    """``alert.resolved``: the condition is over (``resolved_by_data``), or a person dealt with it."""

    alert_id: str
    account: str
    run_id: str
    resolved_ms: int
    reason: Literal["resolved_by_data", "done", "cancelled"]
    title: str = ""


class DeliveryChanged(PayloadStruct, frozen=True, gc=False):
    """``delivery.changed``: how one alert on one channel to one recipient stands."""

    delivery_id: str
    alert_id: str
    account: str
    channel: Literal["inapp", "email", "webhook", "slack"]
    recipient: str
    status: Literal["pending", "delivered", "failed", "not_sent"]
    attempts: int
    changed_ms: int
    reason: str = ""


class AlertFeedChanged(PayloadStruct, frozen=True, gc=False):
    """``feed.changed``: one alert in one person's in-app feed as it is now; a reader drops a lower revision."""

    alert: AlertRaised
    recipient: str
    revision: int
    state: Literal["open", "acknowledged", "snoozed", "done", "resolved"]
    changed_ms: int
    by: str = ""
    until_ms: int | None = None
    not_useful: bool = False
