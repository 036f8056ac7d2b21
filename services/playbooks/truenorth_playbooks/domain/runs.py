"""The life of runs: open -> completed | resolved | cancelled, moved by crossings.

Opening is news, so it looks at the age and the cause of the decision; ending is bookkeeping and does not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from truenorth.codec import encode_json
from truenorth.definitions.model import Person, Playbook, Step
from truenorth.events.work import AlertRaised, TaskUpdated
from truenorth.ids import derived_id

from truenorth_playbooks.domain import spans, texts, triggers
from truenorth_playbooks.domain.book import WORKING, Book, Resolution, Run, RunState
from truenorth_playbooks.domain.crossings import Crossing

NEWS_AGE_MS_MAX: Final = 86_400_000
"""A decision older than this when it is read opens nothing."""

_REASON: Final[Mapping[RunState, Resolution]] = {
    "completed": "done",
    "resolved": "resolved_by_data",
    "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """The definitions in force, and the version (hash of content) of each playbook."""

    playbooks: Sequence[tuple[str, Playbook]]
    people: Mapping[str, Person]


VersionOf = Callable[[str], Playbook]
"""Returns the playbook content that a run was opened with."""


def version_of(playbook: Playbook) -> str:
    """Return the id of a playbook's exact content."""
    return derived_id("playbook", encode_json(playbook).decode())


def see(book: Book, crossing: Crossing, rules: Rules, versions: VersionOf, now_ms: int) -> None:
    """Apply one transition to its account: end what it ends, open what it opens.

    A number not above the latest of its topic is a repeat and changes nothing.
    """
    if not _is_new(book, crossing):
        book.noted.append(("repeat", crossing.stream))
        return
    if crossing.kind == "churn":
        _churn(book, crossing, now_ms)
        return
    for run in book.open_runs():
        if run.trigger_number < crossing.number and triggers.ends(versions(run.version), run.dedupe, crossing):
            end_run(book, run, "resolved", now_ms)
    for version, playbook in rules.playbooks:
        if playbook.mode != "off" and triggers.opens(playbook, crossing):
            silence = _silence(book, playbook, crossing, now_ms)
            if silence:
                book.noted.append((silence, playbook.id))
            else:
                _open(book, version, playbook, crossing, rules.people, now_ms)


def end_run(book: Book, run: Run, state: RunState, now_ms: int) -> None:
    """End an open run and resolve its alerts. Cancelling also skips its tasks; resolving leaves them to people."""
    book.put_run(msgspec.structs.replace(run, state=state, closed_ms=now_ms))
    book.noted.append((f"run_{state}", run.playbook))
    if state == "cancelled":
        for task in book.tasks_of(run.run_id):
            if task.status in WORKING:
                book.change_task(task, now_ms, status="skipped", closed_ms=now_ms, snoozed_until_ms=None)
    for alert in book.alerts_of(run.run_id):
        book.resolve_alert(alert, _REASON[state], now_ms)


def _is_new(book: Book, crossing: Crossing) -> bool:
    seen = book.changes_number if crossing.stream == "changes" else book.milestones_number
    if crossing.number <= seen:
        return False
    if crossing.stream == "changes":
        book.changes_number = crossing.number
    else:
        book.milestones_number = crossing.number
    book.changed_account = True
    return True


def _churn(book: Book, crossing: Crossing, now_ms: int) -> None:
    book.churned = crossing.after == "churned"
    book.churn_number = crossing.number
    if book.churned:
        for run in book.open_runs():
            end_run(book, run, "cancelled", now_ms)
        for task in list(book.tasks.values()):  # of runs that ended before
            if task.status in WORKING:
                book.change_task(task, now_ms, status="skipped", closed_ms=now_ms, snoozed_until_ms=None)


def _silence(book: Book, playbook: Playbook, crossing: Crossing, now_ms: int) -> str:
    """Return why a crossing that a playbook waits for opens nothing; empty when it opens a run."""
    if crossing.cause == "backfill" or now_ms - crossing.decided_ms > NEWS_AGE_MS_MAX:
        return "silent_old"
    if crossing.cause == "definition":
        return "silent_definition"
    if book.churned or crossing.number < book.churn_number or crossing.phase == "churned":
        return "silent_churned"
    latest = book.latest_run(playbook.id, crossing.dedupe)
    if latest is None:
        return ""
    if latest.state == "open":
        return "silent_open"
    over_ms = spans.after_ms(latest.triggered_ms, playbook.cooldown)
    return "silent_cooldown" if crossing.decided_ms < over_ms else ""


def _open(
    book: Book, version: str, playbook: Playbook, crossing: Crossing, people: Mapping[str, Person], now_ms: int
) -> None:
    cause = (playbook.id, crossing.account, crossing.dedupe, str(crossing.number))
    run = Run(
        run_id=derived_id("run", *cause),
        account=crossing.account,
        playbook=playbook.id,
        version=version,
        dedupe=crossing.dedupe,
        trigger_number=crossing.number,
        triggered_ms=crossing.decided_ms,
        opened_ms=now_ms,
        shadow=playbook.mode == "shadow",
    )
    book.put_run(run)
    book.noted.append(("run_shadow" if run.shadow else "run_opened", playbook.id))
    if run.shadow:
        return
    for step in playbook.steps:
        task = _task(run, playbook, step, crossing, people)
        if task is not None:
            book.put_task(task, now_ms)
            book.noted.append(("task_opened", playbook.id))
        if step.alert is not None:
            book.raise_alert(_alert(run, playbook, step, crossing, task))


def _task(
    run: Run, playbook: Playbook, step: Step, crossing: Crossing, people: Mapping[str, Person]
) -> TaskUpdated | None:
    if step.task is None:
        return None
    owner = assignee(step.task.to, crossing.owner_id, people)
    return TaskUpdated(
        task_id=derived_id("task", run.run_id, step.id),
        account=run.account,
        revision=1,
        title=texts.title(step.task.title, crossing),
        status="open",
        owner_id=owner,
        playbook=playbook.id,
        playbook_name=playbook.name,
        run_id=run.run_id,
        step=step.id,
        opened_ms=run.opened_ms,
        due_ms=spans.due_ms(run.opened_ms, step.task.due, spans.calendar_of(people.get(owner))),
        alert_id=derived_id("alert", run.run_id, step.id) if step.alert is not None else "",
    )


def assignee(to: str, owner_id: str, people: Mapping[str, Person]) -> str:
    """Return who gets a task: the account's owner, or the owner's manager where there is one."""
    owner = people.get(owner_id)
    return owner.manager if to == "manager" and owner is not None and owner.manager else owner_id


def _alert(run: Run, playbook: Playbook, step: Step, crossing: Crossing, task: TaskUpdated | None) -> AlertRaised:
    if step.alert is None:
        raise ValueError(f"step {step.id} raises no alert")
    return AlertRaised(
        alert_id=derived_id("alert", run.run_id, step.id),
        account=run.account,
        account_name=crossing.name or crossing.account,
        owner_id=crossing.owner_id,
        title=texts.title(step.alert.title, crossing),
        sentence=crossing.sentence,
        severity=step.alert.severity,
        band=crossing.band,
        playbook=playbook.id,
        playbook_name=playbook.name,
        run_id=run.run_id,
        raised_ms=run.opened_ms,
        decided_ms=crossing.decided_ms,
        score=crossing.score,
        task_id=task.task_id if task is not None else "",
        due_ms=task.due_ms if task is not None else None,
        arr=crossing.arr,
        renews_on=crossing.renews_on,
    )
