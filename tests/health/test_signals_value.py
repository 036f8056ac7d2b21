"""Signals of value: what they came for, what they got, what they will do."""

import pytest
from truenorth.events import inputs
from truenorth_health.domain import fold_engagements
from truenorth_health.domain.parts_engagements import Engagements

from tests.health.builders import DAY, NOON
from tests.health.measured import book, signal, signals

OBJECTIVES = ("objectives_set", "objectives_met", "value_to_target")


def test_value_is_summed_against_the_target_in_the_same_unit() -> None:
    one = book()
    one.tell(inputs.ValueRecorded(4, "hours", "o1"), NOON - 20 * DAY)
    assert signals(one, *OBJECTIVES) == [0, None, None]
    one.tell(inputs.ObjectiveSet("o1", 10, "hours"), NOON - 30 * DAY, recorded_ms=NOON)
    one.tell(inputs.ObjectiveSet("o2", 2), NOON - 30 * DAY, recorded_ms=NOON)
    one.tell(inputs.ObjectiveSet("o3"), NOON - 30 * DAY, recorded_ms=NOON)
    assert signals(one, *OBJECTIVES) == [3, 0, 0.2]
    one.tell(inputs.ValueRecorded(50, "tickets", "o1"), NOON - 9 * DAY)
    one.tell(inputs.ValueRecorded(99, "hours"), NOON - 9 * DAY)
    one.tell(inputs.ValueRecorded(3, "calls", "o2", "customer"), NOON - 8 * DAY)
    assert signals(one, *OBJECTIVES) == [3, 0.5, 0.7]
    one.tell(inputs.ValueRecorded(6, "hours", "o1"), NOON)
    assert signals(one, *OBJECTIVES) == [3, 1, 1]
    assert signals(one, *OBJECTIVES, at_ms=NOON - DAY) == [3, 0.5, 0.7]
    assert signals(one, "value_records_90d", "days_since_value", "days_since_confirmed_value") == [5, 0, 8]


def test_a_target_of_nothing_cannot_be_met() -> None:
    one = book()
    one.tell(inputs.ObjectiveSet("o1", 0, "hours"), NOON)
    one.tell(inputs.ObjectiveSet("o2", -5, "hours"), NOON)
    assert signals(one, *OBJECTIVES) == [2, None, None]


def test_absurd_amounts_are_believed_up_to_a_limit() -> None:
    one = book()
    one.tell(inputs.ObjectiveSet("o1", 1e300, "hours"), NOON)
    one.tell(inputs.ValueRecorded(1e300, "hours", "o1"), NOON)
    assert signals(one, *OBJECTIVES) == [1, 1, 1]
    one.tell(inputs.ValueRecorded(-1e300, "hours", "o1"), NOON)
    assert signals(one, *OBJECTIVES) == [1, 0, 0]


def test_only_a_review_that_was_answered_counts_as_one() -> None:
    one = book()
    one.tell(inputs.EngagementHeld("review"), NOON - 120 * DAY)
    one.tell(inputs.EngagementHeld("board"), NOON - 30 * DAY)
    one.tell(inputs.EngagementHeld("review", answered=False), NOON - 2 * DAY)
    one.tell(inputs.EngagementHeld("call"), NOON)
    assert signal(one, "days_since_review") == 30


def test_advocacy_counts_for_a_year_and_intent_for_180_days() -> None:
    one = book()
    for days in (365, 364, 1):
        one.tell(inputs.AdvocacyRecorded("reference"), NOON - days * DAY)
    one.tell(inputs.RenewalIntent("expand"), NOON)
    one.tell(inputs.RenewalIntent("leave"), NOON - DAY, recorded_ms=NOON)
    assert signals(one, "advocacy_365d", "renewal_intent") == [2, 5]
    assert signal(one, "renewal_intent", NOON + 180 * DAY - 1) == 5
    assert signal(one, "renewal_intent", NOON + 180 * DAY) is None


def test_what_is_left_out_of_value_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_engagements, "ENGAGEMENT_KEYS_MAX", 1)
    monkeypatch.setattr(fold_engagements, "UNITS_PER_OBJECTIVE_MAX", 1)
    monkeypatch.setattr(fold_engagements, "GAINS_MAX", 3)
    one = book()
    for unit, objective in (("h", "o1"), ("h", "o2"), ("k", "o1"), ("h", "o1")):
        one.tell(inputs.ValueRecorded(1, unit, objective), NOON)
    kept = one.state.read(Engagements)
    assert (kept.values, len(kept.gains), kept.over) == ({"o1": {"h": 2_000}}, 3, 3)
