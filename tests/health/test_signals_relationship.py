"""Signals of the relationship: who still talks to us, and who left."""

import pytest
from truenorth.events import inputs, people
from truenorth_health.domain import fold_engagements
from truenorth_health.domain.parts import Surveys
from truenorth_health.domain.parts_engagements import Departure, Engagements
from truenorth_health.domain.state import dump

from tests.health.builders import DAY, NOON
from tests.health.measured import book, signal, signals


def test_engagements_are_counted_held_and_answered() -> None:
    one = book()
    for days, answered in ((90, True), (89, True), (40, False), (27, True), (0, False)):
        one.tell(inputs.EngagementHeld("call", answered), NOON - days * DAY)
    assert signals(one, "engagements_28d", "engagements_90d", "unanswered_90d", "answered_share_90d") == [2, 4, 2, 0.5]
    assert signals(one, "engagements_90d", "answered_share_90d", at_ms=NOON + 200 * DAY) == [0, None]


def test_active_contacts_are_people_who_answered_anything_and_did_not_leave_since() -> None:
    one = book()
    one.tell(inputs.EngagementHeld("call", role="champion", contact="ann"), NOON - 30 * DAY)
    one.tell(inputs.EngagementHeld("call", contact="ann"), NOON - 20 * DAY)
    one.tell(inputs.EngagementHeld("call", role="sponsor"), NOON - 20 * DAY)
    one.tell(inputs.EngagementHeld("email", role="sponsor"), NOON - 10 * DAY)
    one.tell(inputs.EngagementHeld("call", answered=False, contact="dan"), NOON - 10 * DAY)
    one.tell(inputs.SurveyAnswered("nps", 9, "champion", "ann"), NOON - 9 * DAY)
    one.tell(inputs.SurveyAnswered("csat", 5, "admin", "eve"), NOON - 9 * DAY)
    one.tell(inputs.SurveyAnswered("csat", 5, "end_user"), NOON - 9 * DAY)
    assert signals(one, "active_contacts_90d", "active_roles_90d") == [3, 3]
    one.tell(inputs.ChampionLeft("ann"), NOON - DAY)
    one.tell(inputs.ChampionLeft("somebody", "sponsor"), NOON - DAY)
    assert signals(one, "active_contacts_90d", "active_roles_90d") == [1, 1]
    assert signals(one, "active_contacts_90d", "active_roles_90d", at_ms=NOON - 2 * DAY) == [3, 3]
    one.tell(inputs.EngagementHeld("call", role="champion", contact="ann"), NOON)
    assert signal(one, "active_contacts_90d") == 2


def test_the_champion_is_gone_until_one_is_met_again() -> None:
    one = book()
    assert signal(one, "champion_gone") is None
    one.tell(inputs.EngagementHeld("call", answered=False, role="champion"), NOON - 200 * DAY)
    assert signals(one, "champion_gone", "days_since_champion") == [0, None]
    one.tell(inputs.ChampionLeft("ann"), NOON - 9 * DAY)
    assert signal(one, "champion_gone") == 1
    one.tell(inputs.EngagementHeld("call", answered=False, role="champion"), NOON - 8 * DAY)
    assert signal(one, "champion_gone") == 1
    one.tell(inputs.EngagementHeld("call", role="champion"), NOON - 7 * DAY)
    assert signals(one, "champion_gone", "days_since_champion") == [0, 7]
    assert signal(one, "champion_gone", NOON - 8 * DAY) == 1


def test_an_answer_to_a_survey_shows_that_somebody_is_there() -> None:
    one = book()
    one.tell(inputs.SurveyAnswered("nps", 7, "champion"), NOON - 4 * DAY)
    assert signals(one, "champion_gone", "days_since_champion", "days_since_touch") == [0, 4, 4]
    assert signals(one, "engagements_90d", "active_contacts_90d", "days_since_buyer") == [None, None, None]


def test_the_last_touch_is_known_for_ever() -> None:
    one = book()
    one.tell(inputs.EngagementHeld("call", role="economic_buyer"), NOON - 200 * DAY)
    one.tell(inputs.EngagementHeld("email", answered=False), NOON)
    assert signals(one, "days_since_buyer", "days_since_touch", "days_since_sponsor") == [200, 200, None]


def test_contacts_who_left_are_counted_once_each() -> None:
    one = book()
    for who, days in (("ann", 95), ("bob", 9), ("bob", 8), ("cat", 0)):
        one.tell(inputs.ChampionLeft(who, "admin"), NOON - days * DAY)
    assert signal(one, "contacts_left_90d") == 2


def test_erasing_a_contact_takes_the_hash_out_of_everything() -> None:
    one = book()
    one.tell(inputs.EngagementHeld("call", role="champion", contact="ines"), NOON)
    one.tell(inputs.SurveyAnswered("csat", 3, "champion", "ines"), NOON)
    one.tell(inputs.SurveyAnswered("ces", 3, "champion", "ines"), NOON)
    one.tell(inputs.ChampionLeft("ines"), NOON)
    who = one.state.read(Engagements).log[0].who
    one.tell(people.ErasureRequested("contact", "ines"), NOON + 1)
    one.tell(inputs.EngagementHeld("email", contact="ines"), NOON, recorded_ms=NOON + 2)
    one.tell(inputs.SurveyAnswered("csat", 4, respondent="ines"), NOON, recorded_ms=NOON + 2)
    assert len(who) == 16
    assert not any(who.encode() in part for part in dump(one.state).values())
    assert [held.who for held in one.state.read(Engagements).log] == ["", ""]
    assert one.state.read(Engagements).departures == [Departure(NOON, "champion")]
    assert [answer.score for answer in one.state.read(Surveys).csat] == [3, 4]
    assert signal(one, "contacts_left_90d") == 1


def test_engagements_beyond_the_cap_leave_out_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_engagements, "ENGAGEMENTS_MAX", 2)
    one = book()
    for days in (5, 9, 1):
        one.tell(inputs.EngagementHeld("call"), NOON - days * DAY, recorded_ms=NOON)
    kept = one.state.read(Engagements)
    assert ([NOON - held.at_ms for held in kept.log], kept.over) == ([5 * DAY, DAY], 1)
