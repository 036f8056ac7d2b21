"""True North: four of these within so many days of a start, also when the start lies in history."""

import pytest
from truenorth.definitions.model import Milestone
from truenorth.events import inputs
from truenorth.events.health import MilestoneProgress

from tests.health.builders import DAY, NOON, TODAY, Book, compiled, support_card

START = "2025-11-08"
FEATURES = ["a", "b", "c", "d"]


def milestone(**more: object) -> Milestone:
    given = {"id": "m", "name": "4 in 14", "count": "distinct_features", "need": 4, "within_days": 14, **more}
    return Milestone(**given)  # type: ignore[arg-type]


def book(*milestones: Milestone, signed_up_on: str = START) -> Book:
    definitions = compiled(support_card(), milestones=list(milestones) or [milestone()])
    return Book(definitions, facts=inputs.AccountUpdated(name="Acme", signed_up_on=signed_up_on))


def progress(one: Book, now_ms: int) -> MilestoneProgress:
    snapshot = one.decide(now_ms).snapshot
    assert snapshot is not None
    return snapshot.milestones[0]


def test_pending_says_how_far_and_how_long() -> None:
    one = book(milestone(features=FEATURES))
    one.use(NOON, features=["a", "b", "other"])
    now = progress(one, NOON)
    assert (now.status, now.have, now.need, now.days_left, now.missing) == ("pending", 2, 4, 13, ["c", "d"])
    assert (now.start_on, now.deadline_on) == (START, "2025-11-21")


def test_at_risk_fires_ahead_of_the_deadline_and_leads_the_sentence() -> None:
    one = book(milestone(need=7))
    one.use(NOON, features=FEATURES)
    assert one.decide(NOON).milestones == []
    assert one.decide(NOON + 9 * DAY).milestones == []
    decided = one.decide(NOON + 10 * DAY)
    (change,) = decided.milestones
    assert (change.before, change.after, change.cause, change.milestone.days_left) == (
        "pending",
        "at_risk",
        "silence",
        3,
    )
    assert decided.snapshot is not None
    assert decided.snapshot.sentence.runs == [("Day 11 of 14", True), (", 4 of 7 features in use", False)]
    assert change.number == decided.snapshot.transitions


def test_reached_is_once_and_for_all() -> None:
    one = book()
    one.use(NOON, features=FEATURES[:3])
    one.decide(NOON)
    one.use(NOON + 2 * DAY, features=["d"])
    (change,) = one.decide(NOON + 2 * DAY).milestones
    assert (change.after, change.cause, change.milestone.reached_on) == ("reached", "behaviour", "2025-11-10")
    assert (change.milestone.late, change.milestone.took_days, change.milestone.missing) == (False, 2, [])
    assert one.decide(NOON + 200 * DAY).milestones == []


def test_missed_can_still_be_reached_late() -> None:
    one = book()
    one.decide(NOON)
    assert [m.after for m in one.decide(NOON + 14 * DAY).milestones] == ["missed"]
    one.use(NOON + 20 * DAY, features=FEATURES)
    (change,) = one.decide(NOON + 20 * DAY).milestones
    assert (change.before, change.after, change.milestone.reached_on) == ("missed", "reached", "2025-11-28")
    assert (change.milestone.late, change.milestone.took_days) == (True, 20)


@pytest.mark.parametrize(("last_day", "reached_on"), [(13, "2024-01-14"), (400, "2025-02-04")])
def test_a_start_in_history_is_judged_by_first_uses(last_day: int, reached_on: str) -> None:
    one = book(signed_up_on="2024-01-01")
    start_ms = NOON - (TODAY - 19_723) * DAY
    for number, feature in enumerate(FEATURES):
        one.tell(inputs.UsageRecorded(feature), start_ms + (number if number < 3 else last_day) * DAY)
    one.use(NOON, features=["a"])
    now = progress(one, NOON)
    assert (now.status, now.reached_on) == ("reached", reached_on)


def test_people_and_events_count_as_well() -> None:
    one = book(
        milestone(id="people", count="distinct_actors", need=3),
        milestone(id="events", count="events", need=5),
        milestone(id="exports", count="events", need=2, features=["export"]),
    )
    one.use(NOON, actors=["ann", "bob"])
    one.use(NOON + DAY, actors=["bob", "cat"], features=["export"])
    snapshot = one.decide(NOON + DAY).snapshot
    assert snapshot is not None
    assert [(m.id, m.status, m.have) for m in snapshot.milestones] == [
        ("people", "reached", 3),
        ("events", "pending", 4),
        ("exports", "reached", 2),
    ]


def test_use_before_the_start_counts_only_when_it_goes_on() -> None:
    one = book(milestone(start="contract_starts_on", need=2), signed_up_on="2025-10-01")
    one.tell(inputs.AccountUpdated(contract_starts_on=START), NOON)
    one.use(NOON - 9 * DAY, features=["a", "b"])
    one.use(NOON + DAY, features=["b"])
    now = progress(one, NOON + DAY)
    assert (now.status, now.have) == ("pending", 1)
    one.use(NOON + 2 * DAY, features=["a"])
    assert progress(one, NOON + 2 * DAY).reached_on == "2025-11-10"


def test_what_was_settled_long_before_it_is_first_told_counts_as_history() -> None:
    (change,) = book(signed_up_on="2024-01-01").decide(NOON).milestones
    assert (change.before, change.after, change.cause) == ("", "missed", "backfill")
    (risk,) = book(signed_up_on="2025-10-28").decide(NOON).milestones
    assert (risk.before, risk.after, risk.cause) == ("", "at_risk", "fact")


def test_without_a_start_there_is_no_milestone_and_other_segments_have_none() -> None:
    one = book(milestone(start="live_on"), milestone(id="n", segments=["enterprise"]))
    snapshot = one.decide(NOON).snapshot
    assert snapshot is not None
    assert snapshot.milestones == []


def test_people_of_days_long_forgotten_are_not_guessed_at() -> None:
    one = book(milestone(count="distinct_actors"), signed_up_on="2024-01-01")
    one.use(NOON - 300 * DAY, actors=["ann"])
    one.use(NOON, actors=["ann"])
    snapshot = one.decide(NOON).snapshot
    assert snapshot is not None
    assert snapshot.milestones == []


def test_a_changed_definition_is_judged_anew_and_says_so() -> None:
    one = book()
    one.use(NOON, features=FEATURES)
    assert [m.after for m in one.decide(NOON).milestones] == ["reached"]
    one.definitions = compiled(support_card(), milestones=[milestone(need=6)], ordinal=2)
    (change,) = one.decide(NOON + 2_000).milestones
    assert (change.before, change.after, change.cause) == ("reached", "pending", "definition")
    one.definitions = compiled(support_card(), milestones=[milestone(need=3)], ordinal=3)
    (back,) = one.decide(NOON + 4_000).milestones
    assert (back.after, back.cause) == ("reached", "definition")


def bought(*milestones: Milestone, **facts: object) -> Book:
    definitions = compiled(support_card(), milestones=list(milestones))
    told = inputs.AccountUpdated(name="Acme", signed_up_on=START, **facts)  # type: ignore[arg-type]
    return Book(definitions, facts=told)


def test_a_share_of_seats_is_of_the_seats_of_now() -> None:
    one = bought(milestone(count="share_of_seats", need=50), seats=9)
    one.use(NOON, actors=["a", "b", "c", "d"])
    now = progress(one, NOON)
    assert (now.status, now.have, now.need) == ("pending", 44, 50)
    one.tell(inputs.AccountUpdated(seats=8), NOON + 1)
    now = progress(one, NOON + 2_000)
    assert (now.status, now.have, now.took_days) == ("reached", 50, 0)
    one.tell(inputs.AccountUpdated(seats=800), NOON + 3_000)
    assert progress(one, NOON + 4_000).status == "reached"


def test_shares_of_modules_and_features_count_what_was_bought_alone_and_say_what_is_missing() -> None:
    one = bought(
        milestone(id="modules", count="share_of_modules", need=60),
        milestone(id="features", count="share_of_features", need=100),
        milestone(id="any", count="distinct_modules", need=3),
        modules=["crm", "mail", "crm", "desk"],
        features=["a", "b"],
    )
    for feature, module in (("a", "crm"), ("x", "extra"), ("y", "mail")):
        one.tell(inputs.UsageRecorded(feature, module=module), NOON)
    snapshot = one.decide(NOON).snapshot
    assert snapshot is not None
    assert [(m.id, m.status, m.have, m.missing) for m in snapshot.milestones] == [
        ("modules", "reached", 60, []),
        ("features", "pending", 50, ["b"]),
        ("any", "reached", 3, []),
    ]


def test_a_share_of_something_nobody_said_the_size_of_is_no_standing() -> None:
    one = bought(milestone(count="share_of_seats", need=50))
    one.use(NOON)
    snapshot = one.decide(NOON + 20 * DAY).snapshot
    assert snapshot is not None
    assert snapshot.milestones == []


def test_a_start_in_the_future_is_pending_and_counts_nothing_yet() -> None:
    one = book(milestone(at_risk_days=3, within_days=4), signed_up_on="2025-11-12")
    one.use(NOON, features=FEATURES)
    now = progress(one, NOON)
    assert (now.status, now.have, now.days_left) == ("pending", 0, 7)


def test_another_definition_leaves_what_history_no_longer_reaches_as_it_stands() -> None:
    one = book(milestone(count="events", need=2))
    one.use(NOON, features=["a", "b"])
    assert [m.after for m in one.decide(NOON).milestones] == ["reached"]
    later = NOON + 200 * DAY
    one.use(later)
    one.definitions = compiled(support_card(), milestones=[milestone(count="events", need=9)], ordinal=2)
    decided = one.decide(later)
    assert decided.milestones == []
    assert decided.snapshot is not None
    (now,) = decided.snapshot.milestones
    assert (now.status, now.reached_on, now.took_days) == ("reached", START, 0)
    assert now.version != one.definitions.milestones[0].version


def test_features_used_on_forgotten_days_are_not_guessed_at_either() -> None:
    one = book(milestone(start="contract_starts_on", need=2, within_days=30), signed_up_on="2025-01-01")
    one.use(NOON, features=["a", "b"])
    one.tell(inputs.AccountUpdated(contract_starts_on="2025-11-09"), NOON)
    one.use(NOON + 5 * DAY, features=["b"])
    one.use(NOON + 200 * DAY, features=["a"])
    snapshot = one.decide(NOON + 200 * DAY).snapshot
    assert snapshot is not None
    assert snapshot.milestones == []


def test_a_worker_that_was_away_over_the_deadline_still_judges_it() -> None:
    one = book(milestone(count="events", need=50, within_days=90))
    one.use(NOON)
    assert progress(one, NOON + 80 * DAY).status == "pending"
    one.use(NOON + 95 * DAY)
    (change,) = one.decide(NOON + 95 * DAY).milestones
    assert (change.before, change.after) == ("pending", "missed")


def test_missed_stays_missed_when_its_days_are_forgotten() -> None:
    one = book(milestone(count="events", need=50))
    one.use(NOON)
    assert [m.after for m in one.decide(NOON + 20 * DAY).milestones] == ["missed"]
    one.tell(inputs.UsageRecorded("a", count=100), NOON + 300 * DAY)
    decided = one.decide(NOON + 300 * DAY)
    assert decided.milestones == []
    assert decided.snapshot is not None
    assert decided.snapshot.milestones[0].status == "missed"
