"""Whatever happens in whatever order: one open run per key, rising revisions, nothing twice, replays silent."""

import copy
from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from truenorth.events.people import AlertDone, TaskAssigned, TaskDone, TaskSnoozed
from truenorth.events.work import AlertRaised, AlertResolved, TaskUpdated
from truenorth_playbooks.domain import spans
from truenorth_playbooks.domain.actions import act, turn_overdue
from truenorth_playbooks.domain.book import Book
from truenorth_playbooks.domain.crossings import Crossing

from tests.playbooks.makers import ALL, DAY, NOW, band, churn, finding, milestone, rules, seen

CAUSES = st.sampled_from(["behaviour", "definition", "fact", "silence", "override", "backfill"])
BANDS = st.sampled_from(["red", "yellow", "green", "unknown"])

made = st.one_of(
    st.builds(lambda before, after, cause: ("band", before, after, cause), BANDS, BANDS, CAUSES),
    st.builds(lambda after, cause: ("finding", after, cause), st.sampled_from(["open", "clear"]), CAUSES),
    st.builds(
        lambda after, subject, cause: ("milestone", after, subject, cause),
        st.sampled_from(["at_risk", "reached", "missed"]),
        st.sampled_from(["one", "two"]),
        CAUSES,
    ),
    st.builds(lambda after: ("churn", after), st.sampled_from(["churned", "active"])),
)
done = st.builds(
    lambda kind, index, outcome: ("act", kind, index, outcome),
    st.sampled_from(["done", "snooze", "assign", "alert", "overdue"]),
    st.integers(0, 9),
    st.sampled_from(["done", "skipped"]),
)
steps = st.lists(st.tuples(st.one_of(made, made, done), st.integers(0, 3 * DAY)), max_size=40)


def crossing_of(number: int, step: tuple[Any, ...], at: int) -> Crossing:
    if step[0] == "band":
        return band(number, step[1], step[2], at=at, cause=step[3])
    if step[0] == "finding":
        return finding(number, step[1], at=at, cause=step[2])
    if step[0] == "milestone":
        return milestone(number, step[1], step[2], at=at, cause=step[3])
    return churn(number, step[1], at=at)


def do(book: Book, step: tuple[Any, ...], at: int) -> None:
    _, kind, index, outcome = step
    tasks, alerts = sorted(book.tasks), sorted(book.alerts)
    if kind == "alert":
        act(book, AlertDone(by="dana", alert_id=alerts[index % len(alerts)] if alerts else "none"), at)
        return
    task_id = tasks[index % len(tasks)] if tasks else "none"
    if kind == "overdue":
        turn_overdue(book, task_id, at)
    elif kind == "snooze":
        act(book, TaskSnoozed(by="dana", task_id=task_id, until_ms=at + index * DAY), at)
    elif kind == "assign":
        act(book, TaskAssigned(by="dana", task_id=task_id, to=f"p{index % 3}"), at)
    else:
        act(book, TaskDone(by="dana", task_id=task_id, outcome=outcome), at)


def lived(story: list[tuple[Any, int]]) -> tuple[Book, list[Crossing]]:
    book, crossings, now = Book("acme"), [], NOW
    for number, (step, wait) in enumerate(story, start=1):
        now += wait
        if step[0] == "act":
            do(book, step, now)
        else:
            crossings.append(crossing_of(number, step, now))
            seen(book, crossings[-1])
        keys = Counter((run.playbook, run.dedupe) for run in book.open_runs())
        assert all(count == 1 for count in keys.values())
    return book, crossings


@given(steps)
def test_nothing_is_said_twice_and_revisions_rise_by_one(story: list[tuple[Any, int]]) -> None:
    book, _ = lived(story)
    assert max(Counter(said.event_id for said in book.said).values(), default=1) == 1
    revisions: dict[str, list[int]] = {}
    for said in book.said:
        if isinstance(said.payload, TaskUpdated):
            revisions.setdefault(said.payload.task_id, []).append(said.payload.revision)
    for found in revisions.values():
        assert found == list(range(1, len(found) + 1))


@given(steps)
def test_an_alert_is_resolved_once_and_only_after_it_was_raised(story: list[tuple[Any, int]]) -> None:
    book, _ = lived(story)
    raised: set[str] = set()
    resolved: list[str] = []
    for said in book.said:
        if isinstance(said.payload, AlertRaised):
            raised.add(said.payload.alert_id)
        if isinstance(said.payload, AlertResolved):
            assert said.payload.alert_id in raised
            resolved.append(said.payload.alert_id)
    assert len(resolved) == len(set(resolved))
    for run in book.runs.values():
        if run.state != "open":
            assert all(alert.resolved_ms is not None for alert in book.alerts_of(run.run_id))


@given(steps)
def test_triggers_keep_their_distance(story: list[tuple[Any, int]]) -> None:
    book, _ = lived(story)
    cooldowns = {playbook.id: playbook.cooldown for playbook in ALL}
    by_key: dict[tuple[str, str], list[int]] = {}
    for run in sorted(book.runs.values(), key=lambda run: run.trigger_number):
        by_key.setdefault((run.playbook, run.dedupe), []).append(run.triggered_ms)
    for (playbook, _), moments in by_key.items():
        assert all(later >= spans.after_ms(earlier, cooldowns[playbook]) for earlier, later in pairwise(moments))


@given(steps, st.integers(0, 60 * DAY))
def test_replaying_everything_that_was_read_is_silent(story: list[tuple[Any, int]], later: int) -> None:
    book, crossings = lived(story)
    before = copy.deepcopy((book.runs, book.tasks, book.alerts, book.said))
    seen(book, *crossings, now=NOW + later)
    assert (book.runs, book.tasks, book.alerts, book.said) == before


@given(steps, st.integers(0, 40))
def test_a_batch_that_is_rolled_back_and_done_again_says_the_same(story: list[tuple[Any, int]], cut: int) -> None:
    whole, crossings = lived([step for step in story if step[0][0] != "act"])
    again = Book("acme")
    seen(again, *crossings[:cut])
    saved = copy.deepcopy(again)
    seen(again, *crossings[cut:])  # lost with its transaction
    seen(saved, *crossings[cut:])
    assert [msgspec.json.encode(said.payload) for said in saved.said] == [
        msgspec.json.encode(said.payload) for said in whole.said
    ]


def test_the_rules_of_these_tests_hold_every_kind_of_trigger() -> None:
    kinds = {
        name
        for _, playbook in rules().playbooks
        for name in ("band", "finding", "milestone")
        if getattr(playbook.when, name) is not None
    }
    assert kinds == {"band", "finding", "milestone"}
