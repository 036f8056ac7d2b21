"""Named findings: what opens each, what clears it, and what it says of itself."""

from collections.abc import Collection
from typing import Any

import pytest
from truenorth.definitions.model import FindingRule
from truenorth.definitions.signals import FINDINGS
from truenorth_health.domain.findings import FindingInput, FindingRules, evidence, finding

from tests.health.builders import DAY, NOON

NARROW = "\N{NO-BREAK SPACE}"
HEALTHY = {"usage": 90.0, "value": 80.0, "sentiment": 80.0, "relationship": 80.0, "billing": 100.0, "support": 90.0}


def look(
    signals: dict[str, float | None] | None = None,
    *,
    is_open: Collection[str] = (),
    delta: float | None = None,
    rules: list[FindingRule] | None = None,
    **more: Any,
) -> dict[str, str]:
    known = signals or {}
    given: dict[str, Any] = {"dimensions": HEALTHY, "coverage": 1.0, "floor": 0.5, "segment": "small"} | more
    return evidence(
        FindingInput(
            number_of=known.get,
            delta_14d=lambda: delta,
            is_open=is_open,
            now_ms=NOON,
            rules=FindingRules(rules or []),
            **given,
        )
    )


def test_a_healthy_account_has_none_and_what_is_not_known_is_no_evidence() -> None:
    assert look() == {}
    assert look(is_open=FINDINGS) == {}


@pytest.mark.parametrize("against", ["value", "sentiment", "relationship", "billing"])
def test_green_usage_beside_a_red_dimension_is_a_watermelon(against: str) -> None:
    red = HEALTHY | {against: 31.4}
    assert look(dimensions=red) == {"watermelon": f"usage 90, {against} 31"}


def test_support_makes_no_watermelon_and_neither_does_usage_that_is_not_green() -> None:
    assert look(dimensions=HEALTHY | {"support": 0.0}) == {}
    assert look(dimensions=HEALTHY | {"usage": 74.9, "sentiment": 0.0}) == {}
    assert look(dimensions=HEALTHY | {"usage": None, "sentiment": 0.0}) == {}


def test_a_watermelon_names_the_worst_first_and_stays_open_within_its_slack() -> None:
    both = HEALTHY | {"usage": 71.0, "value": 44.0, "billing": 42.0}
    assert look(dimensions=both) == {}
    assert look(dimensions=both, is_open=["watermelon"]) == {"watermelon": "usage 71, billing 42, value 44"}
    assert look(dimensions=both | {"usage": 69.9}, is_open=["watermelon"]) == {}
    assert look(dimensions=HEALTHY | {"value": 45.0}, is_open=["watermelon"]) == {}


@pytest.mark.parametrize(
    ("usage", "fit", "is_open", "holds"),
    [(75, 0, False, True), (75, 0.5, False, False), (74, 0, False, False), (71, 0, True, True), (69, 0, True, False)],
)
def test_usage_that_the_csm_says_does_not_fit_is_a_misfit(
    *, usage: float, fit: float, is_open: bool, holds: bool
) -> None:
    found = look({"usage_fit": fit}, dimensions=HEALTHY | {"usage": usage}, is_open=["misfit"] if is_open else [])
    assert list(found) == (["misfit"] if holds else [])


def test_a_champion_who_left_is_gone_until_another_is_met() -> None:
    assert look({"champion_gone": 1.0}, left_ms=NOON - 6 * DAY) == {"champion_gone": "left 6 days ago"}
    assert look({"champion_gone": 0.0}, left_ms=NOON - 6 * DAY, is_open=["champion_gone"]) == {}


def test_a_buyer_is_unseen_once_nobody_heard_of_them_for_so_long() -> None:
    assert look({"days_since_buyer": 89.0}) == {}
    assert look({"days_since_buyer": 90.0}) == {"buyer_unseen": "no economic buyer answered for 90 days"}
    shorter = [FindingRule(id="buyer_unseen", limit=30, clear=7)]
    assert list(look({"days_since_buyer": 30.0}, rules=shorter)) == ["buyer_unseen"]
    assert list(look({"days_since_buyer": 8.0}, rules=shorter, is_open=["buyer_unseen"])) == ["buyer_unseen"]
    assert look({"days_since_buyer": 6.0}, rules=shorter, is_open=["buyer_unseen"]) == {}


def test_one_active_contact_is_one_thread_and_losing_it_does_not_clear_that() -> None:
    assert look({"active_contacts_90d": 1.0}) == {"single_threaded": "1 contact answered in 90 days"}
    assert look({"active_contacts_90d": 0.0}) == {}
    assert look({"active_contacts_90d": 0.0}, is_open=["single_threaded"]) == {
        "single_threaded": "nobody answered in 90 days"
    }
    assert look({"active_contacts_90d": 2.0}, is_open=["single_threaded"]) == {}


def test_the_consumption_gap_opens_over_its_limit_and_clears_below_another() -> None:
    told = {"consumption_gap": f"61{NARROW}% of what was bought is not used"}
    assert look({"consumption_gap": 0.6}) == {}
    assert look({"consumption_gap": 0.61}) == told
    assert list(look({"consumption_gap": 0.5}, is_open=["consumption_gap"])) == ["consumption_gap"]
    assert look({"consumption_gap": 0.49}, is_open=["consumption_gap"]) == {}
    tighter = [FindingRule(id="consumption_gap", limit=0.3)]
    assert list(look({"consumption_gap": 0.21}, rules=tighter, is_open=["consumption_gap"])) == ["consumption_gap"]
    assert look({"consumption_gap": 0.19}, rules=tighter, is_open=["consumption_gap"]) == {}


@pytest.mark.parametrize(
    ("arr", "delta", "words"),
    [
        (12.0, -14.0, f"score down 14 in two weeks, ARR up 12{NARROW}% in 90 days"),
        (-5.0, 10.0, f"score up 10 in two weeks, ARR down 5{NARROW}% in 90 days"),
        (-4.0, 10.0, ""),
        (12.0, -9.0, ""),
        (12.0, 14.0, ""),
        (0.0, -14.0, ""),
        (12.0, None, ""),
        (None, -14.0, ""),
    ],
)
def test_score_and_revenue_that_part_ways_are_a_finding(arr: float | None, delta: float | None, words: str) -> None:
    found = look({"arr_change_90d": arr}, delta=delta)
    assert found == ({"score_against_revenue": words} if words else {})


def test_score_against_revenue_stays_open_until_half_way_back() -> None:
    name = "score_against_revenue"
    assert list(look({"arr_change_90d": -1.0}, delta=5.0, is_open=[name])) == [name]
    assert look({"arr_change_90d": -1.0}, delta=4.0, is_open=[name]) == {}
    assert look({"arr_change_90d": 3.0}, delta=5.0, is_open=[name]) == {}


def test_the_score_of_two_weeks_ago_is_only_asked_for_when_revenue_moved() -> None:
    def refuse() -> float | None:
        raise AssertionError("asked for")

    steady = FindingInput(HEALTHY, {"arr_change_90d": -4.0}.get, refuse, 1.0, 0.5, "", (), NOON)
    assert evidence(steady) == {}


def test_too_little_fresh_data_is_a_finding_until_there_is_a_little_more_than_enough() -> None:
    assert look(coverage=0.49) == {"no_recent_data": f"49{NARROW}% of its data is fresh"}
    assert look(coverage=0.5) == {}
    assert list(look(coverage=0.54, is_open=["no_recent_data"])) == ["no_recent_data"]
    assert look(coverage=0.55, is_open=["no_recent_data"]) == {}
    assert look(coverage=1.0, floor=1.0, is_open=["no_recent_data"]) == {}
    later = [FindingRule(id="no_recent_data", clear=0.9)]
    assert look(coverage=0.5, rules=later) == {}
    assert list(look(coverage=0.8, rules=later, is_open=["no_recent_data"])) == ["no_recent_data"]
    stricter = [FindingRule(id="no_recent_data", limit=0.7)]
    assert list(look(coverage=0.69, rules=stricter)) == ["no_recent_data"]
    assert look(coverage=0.75, rules=stricter, is_open=["no_recent_data"]) == {}


def test_rules_switch_off_and_narrow_to_segments_and_the_first_that_matches_counts() -> None:
    gap: dict[str, float | None] = {"consumption_gap": 0.7}
    assert look(gap, rules=[FindingRule(id="consumption_gap", off=True)]) == {}
    narrow = [FindingRule(id="consumption_gap", segments=["enterprise"])]
    assert look(gap, rules=narrow) == {}
    assert list(look(gap, rules=narrow, segment="enterprise")) == ["consumption_gap"]
    two = [*narrow, FindingRule(id="consumption_gap", limit=0.8)]
    assert look(gap, rules=two) == {}
    assert list(look(gap, rules=two, segment="enterprise")) == ["consumption_gap"]


def test_every_finding_of_the_catalogue_can_be_published() -> None:
    assert [finding(name, 1, "because").id for name in FINDINGS] == list(FINDINGS)
