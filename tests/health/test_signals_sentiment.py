"""Signals of sentiment: what they answered, and what the CSM says."""

from typing import Literal

import pytest
from truenorth.events import inputs, people
from truenorth_health.domain import fold_people
from truenorth_health.domain.parts import Actions, Surveys
from truenorth_health.domain.view import in_force

from tests.health.builders import DAY, NOON
from tests.health.measured import book, signal, signals


def test_the_latest_nps_answer_counts_for_180_days() -> None:
    one = book()
    one.tell(inputs.SurveyAnswered("nps", 9, role="admin"), NOON - 30 * DAY)
    one.tell(inputs.SurveyAnswered("nps", 4, role="sponsor"), NOON - 21 * DAY)
    assert signal(one, "nps") == 4
    assert signal(one, "nps", NOON + 160 * DAY) is None


@pytest.mark.parametrize(("rating", "days"), [(3, 90), (2, 90), (1, 30), (5, 30)])
def test_a_pulse_expires_and_the_extremes_sooner(rating: int, days: int) -> None:
    one = book()
    one.tell(people.PulseSet("dana", rating), NOON)
    assert signal(one, "pulse", NOON + days * DAY - 1) == rating
    assert signal(one, "pulse", NOON + days * DAY) is None


def test_nps_is_known_per_role_and_as_the_mean_of_everybodys_latest() -> None:
    one = book()
    one.tell(inputs.SurveyAnswered("nps", 9, "champion", "ann"), NOON - 100 * DAY)
    one.tell(inputs.SurveyAnswered("nps", 6, "champion", "bob"), NOON - 50 * DAY)
    one.tell(inputs.SurveyAnswered("nps", 3, "sponsor", "cat"), NOON - 40 * DAY)
    one.tell(inputs.SurveyAnswered("nps", 2, "champion", "bob"), NOON - 90 * DAY, recorded_ms=NOON)
    assert signals(one, "nps", "nps_mean", "nps_champion", "nps_sponsor", "nps_admin") == [3, 6, 6, 3, None]
    assert signals(one, "nps_champion", "nps_mean", at_ms=NOON + 130 * DAY) == [None, 3]
    assert signal(one, "nps_mean", NOON + 140 * DAY) is None


def test_beyond_the_cap_those_who_answered_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_people, "ANSWERS_MAX", 2)
    one = book()
    for score, (who, days) in enumerate((("ann", 9), ("bob", 5), ("cat", 7), ("bob", 3))):
        one.tell(inputs.SurveyAnswered("nps", score, respondent=who), NOON - days * DAY, recorded_ms=NOON)
    kept = one.state.read(Surveys)
    assert ({answer.score for answer in kept.nps.values()}, kept.over) == ({2, 3}, 1)


def test_effort_is_the_mean_of_90_days() -> None:
    one = book()
    for days, score in ((95, 1.0), (40, 5.0), (0, 6.0)):
        one.tell(inputs.SurveyAnswered("ces", score), NOON - days * DAY)
    assert signal(one, "ces_90d") == 5.5
    assert signal(one, "ces_90d", NOON + 60 * DAY) == 6


@pytest.mark.parametrize(("fit", "expected"), [("yes", 1.0), ("needs_a_look", 0.5), ("no", 0.0)])
def test_usage_fit_is_a_signal_for_180_days(fit: Literal["yes", "no", "needs_a_look"], expected: float) -> None:
    one = book()
    one.tell(people.UsageFitSet("dana", fit), NOON)
    assert signal(one, "usage_fit", NOON + 180 * DAY - 1) == expected
    assert signal(one, "usage_fit", NOON + 180 * DAY) is None
    assert in_force(one.state.read(Actions).fit, NOON + 180 * DAY) is None


def test_how_essential_is_the_csms_word_else_the_latest_nps() -> None:
    one = book()
    one.tell(inputs.SurveyAnswered("nps", 7.5), NOON - 9 * DAY)
    assert signal(one, "essential") == 4
    one.tell(people.EssentialSet("dana", 2), NOON - 20 * DAY)
    one.tell(people.EssentialSet("dana", 1), NOON - 30 * DAY, recorded_ms=NOON)
    assert signal(one, "essential") == 2
    assert signal(one, "essential", NOON - 25 * DAY) is None
