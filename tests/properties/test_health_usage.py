"""Windows of usage against a naive recount of the raw events, whatever the order they come in."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth.definitions.signals import WINDOWS
from truenorth.events.inputs import AccountUpdated, UsageRecorded
from truenorth_health.domain.facts import merge
from truenorth_health.domain.limits import USAGE_DAYS_KEPT
from truenorth_health.domain.parts import Usage
from truenorth_health.domain.signals import Signals
from truenorth_health.domain.state import dump, load

from tests.health.builders import DAY, HOUR, NOON, TODAY, Book, compiled, support_card

FACTS = AccountUpdated(name="Acme", seats=5, modules=["plan", "report"], features=["f0", "f1", "f9"])


@dataclass(frozen=True)
class Used:
    day: int
    feature: str
    actor: str
    module: str | None
    count: int
    seconds: int | None
    errors: int | None

    def event(self) -> UsageRecorded:
        return UsageRecorded(self.feature, self.count, self.actor, self.module, self.seconds, self.errors)


used = st.builds(
    Used,
    day=st.integers(TODAY - 100, TODAY),
    feature=st.sampled_from(["f0", "f1", "f2", "f3"]),
    actor=st.sampled_from(["ann", "bob", "cat", "dan"]),
    module=st.sampled_from([None, "plan", "report", "other"]),
    count=st.integers(1, 5),
    seconds=st.sampled_from([None, 60, 600]),
    errors=st.sampled_from([None, 0, 2]),
)


def taken_in(events: list[Used]) -> list[Used]:
    """What is not too late when it comes: usage is kept for 91 days back from the newest day seen until then."""
    newest, taken = -1, []
    for one in events:
        newest = max(newest, one.day)
        if one.day > newest - USAGE_DAYS_KEPT:
            taken.append(one)
    return taken


def kept(events: list[Used]) -> list[Used]:
    newest = max(one.day for one in events)
    return [one for one in taken_in(events) if one.day > newest - USAGE_DAYS_KEPT]


def within(events: list[Used], day: int, first: int, last: int = 0) -> list[Used]:
    return [one for one in events if last <= day - one.day <= first]


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def naive(sent: list[Used], day: int) -> dict[str, float | None]:
    """Every signal of usage, counted from the events as its line in the catalogue says."""
    events = kept(sent)
    month, before = within(events, day, 27), within(events, day, 55, 28)
    people = len({one.actor for one in month})
    earlier = len({one.actor for one in before})
    counts = {days: sum(one.count for one in within(events, day, days - 1)) for days in WINDOWS}
    week = sum(one.count for one in within(events, day, 34, 7)) / 4
    past = sum(one.count for one in before)
    daily = sum(len({one.actor for one in within(events, day, ago, ago)}) for ago in range(28))
    seconds = sum(one.seconds or 0 for one in month)
    modules = {one.module for one in month} & {"plan", "report"}
    features = {one.feature for one in month} & {"f0", "f1", "f9"}
    is_modular = any(one.module in {"plan", "report"} for one in taken_in(sent))
    is_featured = any(one.feature in {"f0", "f1", "f9"} for one in sent)
    breadth = len(modules) / 2 if is_modular else None
    feature_breadth = len(features) / 3 if is_featured else None
    known = [share for share in (min(1.0, people / 5), breadth, feature_breadth) if share is not None]
    found: dict[str, float | None] = {f"events_{days}d": count for days, count in counts.items()}
    for days in WINDOWS:
        rows = within(events, day, days - 1)
        found[f"active_actors_{days}d"] = len({one.actor for one in rows})
        found[f"distinct_features_{days}d"] = len({one.feature for one in rows})
        if days in {7, 28, 90}:
            found[f"active_per_seat_{days}d"] = len({one.actor for one in rows}) / 5
    return found | {
        "events_per_actor_28d": ratio(counts[28], people),
        "events_per_seat_28d": counts[28] / 5,
        "hours_per_actor_28d": ratio(seconds / 3600, people) if seconds else None,
        "errors_per_1000_28d": ratio(sum(one.errors or 0 for one in month) * 1000, counts[28]),
        "usage_trend_7d": ratio((counts[7] - week) * 100, week),
        "usage_trend_28d": ratio((counts[28] - past) * 100, past),
        "actors_trend_28d": ratio((people - earlier) * 100, earlier),
        "active_days_28d": len({one.day for one in month}),
        "stickiness": ratio(daily / 28, people),
        "breadth": breadth,
        "feature_breadth": feature_breadth,
        "consumption_gap": 1 - sum(known) / len(known),
        "days_since_activity": day - max(one.day for one in events),
    }


def folded(events: list[Used]) -> Book:
    one = Book(compiled(support_card()), facts=FACTS)
    for event in events:
        one.tell(event.event(), event.day * DAY + HOUR, recorded_ms=NOON)
    return one


def measured(one: Book, day: int) -> Callable[[str], float | None]:
    facts = merge(one.state, day * DAY + 20 * HOUR)
    return Signals(one.state, facts, one.definitions.entitled(facts)).get


@given(st.lists(used, min_size=1, max_size=30), st.integers(0, 40))
def test_every_signal_of_usage_is_what_a_recount_says(events: list[Used], later: int) -> None:
    day = TODAY + later
    one = folded(events)
    get = measured(one, day)
    for name, expected in naive(events, day).items():
        assert get(name) == pytest.approx(expected), name
    assert one.state.read(Usage).late == len(events) - len(taken_in(events))


@given(st.lists(used, min_size=1, max_size=20), st.lists(used, min_size=1, max_size=20), st.integers(0, 5))
def test_a_decision_in_between_changes_no_later_one(first: list[Used], then: list[Used], later: int) -> None:
    """What is worked out once a day is worked out again when an event changes one of its days."""
    straight = folded([*first, *then])
    stopped = folded(first)
    measured(stopped, TODAY)("events_28d")
    stopped.state = load(stopped.state.account, dict(dump(stopped.state)))
    for event in then:
        stopped.tell(event.event(), event.day * DAY + HOUR, recorded_ms=NOON)
        measured(stopped, TODAY)("events_28d")
    for day in (TODAY, TODAY + later):
        a, b = measured(straight, day), measured(stopped, day)
        assert [a(name) for name in naive([*first, *then], day)] == [b(name) for name in naive([*first, *then], day)]
