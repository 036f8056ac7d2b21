"""What stands beside the score in a snapshot: children, shadow, ladder, advice, silent sources, what helps."""

from typing import Any

import pytest
from truenorth.definitions.model import (
    BandCut,
    Banded,
    Bands,
    Bundle,
    Condition,
    Definitions,
    Dimension,
    Linear,
    Measure,
    RollUp,
    Rung,
    Scorecard,
    ScoreException,
    Tier,
)
from truenorth.events import inputs
from truenorth.events.health import Band, ChildScored, HealthUpdated
from truenorth_health.domain.bands import asked
from truenorth_health.domain.decide import Decided, compile_definitions, decide
from truenorth_health.domain.fold import fold
from truenorth_health.domain.path import Path

from tests.health.builders import BANDS, DAY, HOUR, NOON, Book, card, event, source_of, support_card, three_part_card


def book(*cards: Scorecard, facts: inputs.AccountUpdated | None = None, **more: Any) -> Book:
    definitions = Definitions(scorecards=list(cards), **more)
    return Book(compile_definitions(Bundle("b", 1, 0, definitions)), facts=facts)


def published(decided: Decided) -> HealthUpdated:
    assert decided.snapshot is not None
    return decided.snapshot


def contributions(said: HealthUpdated) -> float:
    own = sum(measure.contribution for dimension in said.dimensions for measure in dimension.measures)
    return own + sum(child.contribution for child in (said.rolled_up.children if said.rolled_up else []))


def child(one: Book, name: str, score: float | None, *, revision: int = 1, arr: int | None = None, **more: Any) -> None:
    band: Band = "unknown" if score is None else asked(BANDS, "", score)
    told = ChildScored(name, revision, band, score, arr, **more)
    made = event(told, NOON, f"{name}-{revision}")
    fold(one.state, source_of(made), made, NOON)


def test_children_enter_a_score_and_all_contributions_add_up() -> None:
    one = book(support_card(roll_up=RollUp(how="mean")))
    one.open_tickets(4, NOON)
    child(one, "ann", 90)
    child(one, "ben", 30)
    child(one, "new", None)
    said = published(one.decide(NOON))
    assert said.score == pytest.approx((60 + 90 + 30) / 3)
    assert contributions(said) == pytest.approx(said.score, abs=1e-9)
    assert said.rolled_up is not None
    assert said.rolled_up.own == 60
    assert [(kid.account, kid.score) for kid in said.rolled_up.children] == [("ben", 30), ("ann", 90)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (RollUp(how="own"), 60.0),
        (RollUp(how="mean", include_parent=False), 60.0),
        (RollUp(how="worst"), 30.0),
        (RollUp(how="arr_weighted", include_parent=False), 75.0),
        (RollUp(how="share_poor", include_parent=False), 50.0),
    ],
)
def test_every_way_of_rolling_up_explains_itself(rule: RollUp, expected: float) -> None:
    one = book(support_card(roll_up=rule))
    one.open_tickets(4, NOON)
    child(one, "ann", 90, arr=300)
    child(one, "ben", 30, arr=100)
    said = published(one.decide(NOON))
    assert said.score == pytest.approx(expected)
    assert contributions(said) == pytest.approx(expected, abs=1e-9)


def test_a_parent_without_data_of_its_own_has_its_childrens_score_and_coverage() -> None:
    people = Measure(id="p", name="P", signal="active_actors_28d", weight=1, linear=Linear(worst=0, best=10))
    own = card(
        [Dimension(id="usage", name="Usage", weight=1, measures=[people])],
        coverage_floor=0.5,
        roll_up=RollUp(how="mean"),
    )
    one = book(own)
    child(one, "ann", 80)
    said = published(one.decide(NOON))
    assert (said.score, said.coverage, said.band) == (80, 1.0, "green")
    assert [finding.id for finding in said.findings] == []


def test_an_account_tells_its_parent_what_changed_and_good_bye_when_it_leaves() -> None:
    one = book(support_card(), facts=inputs.AccountUpdated(name="Kid", parent_id="mum", arr=500))
    one.open_tickets(4, NOON)
    ((parent, told),) = one.decide(NOON).to_parents
    assert (parent, told.child, told.score, told.band, told.arr, told.depth) == ("mum", "acme", 60, "yellow", 500, 1)
    assert one.decide(NOON + HOUR).to_parents == []
    one.tell(inputs.AccountChurned("gone"), NOON + 2 * HOUR)
    ((parent, told),) = one.decide(NOON + 2 * HOUR).to_parents
    assert (parent, told.gone) == ("mum", True)


def test_a_shadow_scores_beside_the_live_one_and_has_no_effect() -> None:
    strict = Bands(red=BandCut(enter=80, leave=80), yellow=BandCut(enter=90, leave=90))
    with_shadow = book(
        support_card(), Scorecard(id="strict", dimensions=support_card().dimensions, bands=strict, mode="shadow")
    )
    alone = book(support_card())
    for one in (with_shadow, alone):
        one.open_tickets(3, NOON)
    said, plain = published(with_shadow.decide(NOON)), published(alone.decide(NOON))
    assert said.shadow is not None
    assert (said.shadow.scorecard, said.shadow.band, said.shadow.score) == ("strict", "red", 70)
    assert (said.score, said.band, said.findings, said.sentence) == (
        plain.score,
        plain.band,
        plain.findings,
        plain.sentence,
    )
    assert with_shadow.state.read(Path).number == alone.state.read(Path).number


def test_ladder_and_recommended_tier_stand_beside_the_score() -> None:
    one = book(
        support_card(),
        facts=inputs.AccountUpdated(name="Acme", tier="basic", arr=9_000_000),
        ladder=[
            Rung(level="satisfaction", conditions=[Condition(of="score", at_least=60)]),
            Rung(level="loyalty", conditions=[Condition(of="nps", at_least=9)]),
        ],
        tiers=[Tier(id="gold", name="Gold", arr_from=5_000_000), Tier(id="basic", name="Basic")],
    )
    said = published(one.decide(NOON))
    assert said.ladder is not None
    assert (said.ladder.level, said.ladder.next) == ("satisfaction", ["nps 9 or more, not known"])
    assert said.tier_advice is not None
    assert said.tier_advice.tier == "gold"
    one.tell(inputs.SurveyAnswered("nps", 9), NOON + HOUR)
    told = published(one.decide(NOON + HOUR)).ladder
    assert told is not None
    assert told.level == "loyalty"


def test_a_source_silent_for_everybody_lowers_coverage_and_never_the_score() -> None:
    one = book(three_part_card())
    one.use(NOON, actors=[f"a{number}" for number in range(10)])
    one.tell(inputs.SurveyAnswered("nps", 8), NOON)
    before = published(one.decide(NOON))
    later = NOON + 20 * DAY
    silent = decide(one.state, one.definitions, offsets={}, now_ms=later, silent={"usage": NOON})
    said = published(silent)
    assert said.score == before.score
    assert said.coverage < before.coverage == 1.0
    assert (said.silent, said.point.silent) == (["usage"], {"usage": NOON})
    fresh = {measure.signal: measure.fresh for dimension in said.dimensions for measure in dimension.measures}
    assert fresh == {"active_actors_28d": False, "days_since_activity": False, "open_p1_days": True, "nps": True}
    spoken = published(decide(one.state, one.definitions, offsets={}, now_ms=later + HOUR))
    assert spoken.score is not None
    assert before.score is not None
    assert spoken.score < before.score, "with the source heard again, their own silence counts"


def test_what_helps_most_names_points_and_the_band_it_would_lead_to() -> None:
    one = book(three_part_card())
    one.use(NOON, actors=[f"a{number}" for number in range(10)])
    one.tell(inputs.SurveyAnswered("nps", 8), NOON)
    one.tell(inputs.TicketOpened("t", "p1"), NOON - 6 * DAY)
    said = published(one.decide(NOON))
    assert said.help == "closing the P1 gives back up to 30.0 points and would make this account green"
    best = said.helps[0]
    assert (best.measure, best.band) == ("p1", "green")
    assert best.points == pytest.approx(30)


def test_events_that_come_too_late_are_counted_in_the_open() -> None:
    one = book(three_part_card())
    one.use(NOON)
    one.use(NOON - 95 * DAY)
    assert published(one.decide(NOON)).late_events == 1


def test_the_cap_that_decides_is_the_first_driver_and_no_measure_is_blamed_for_it() -> None:
    rule = ScoreException(when="renewal_intent", below=1.5, cap=35, why="They say they will leave")
    one = book(three_part_card(exceptions=[rule]))
    one.use(NOON, actors=[f"a{number}" for number in range(10)])
    one.tell(inputs.SurveyAnswered("nps", 8), NOON)
    one.decide(NOON)
    one.tell(inputs.RenewalIntent("leave"), NOON + HOUR)
    told = one.decide(NOON + HOUR)
    (band,) = [change for change in told.changes if change.kind == "band"]
    assert (band.before, band.after) == ("green", "red")
    first, *others = band.drivers
    assert (first.measure, first.text) == ("exception", "They say they will leave")
    assert first.points == pytest.approx(35 - 96)
    assert all(abs(driver.points) < 1 for driver in others)
    one.tell(inputs.TicketOpened("t", "p1"), NOON + 2 * HOUR)
    later = one.decide(NOON + 2 * HOUR)
    assert published(later).score == 35
    assert contributions(published(later)) == pytest.approx(35, abs=1e-9)


def worst_of_support() -> Scorecard:
    """As good as the worse of the P1 and the open tickets."""
    p1 = Measure(
        id="p1",
        name="P1",
        signal="open_p1_days",
        weight=1,
        banded=Banded(cuts=[0.01, 5], scores=[100, 20, 0]),
        fix="closing the P1",
    )
    tickets = Measure(
        id="open", name="Open", signal="open_tickets", weight=1, linear=Linear(worst=2, best=0), fix="closing tickets"
    )
    return card([Dimension(id="support", name="Support", weight=1, combine="worst", measures=[p1, tickets])])


def test_in_a_worst_of_no_more_is_promised_than_the_next_worst_leaves() -> None:
    one = book(worst_of_support())
    one.tell(inputs.TicketOpened("a", "p1"), NOON - 7 * DAY)
    said = published(one.decide(NOON))
    assert said.score == 0
    assert said.help == "closing the P1 gives back up to 50.0 points and would make this account yellow"


def test_nothing_is_promised_where_another_is_as_bad() -> None:
    one = book(worst_of_support())
    one.tell(inputs.TicketOpened("a", "p1"), NOON - 7 * DAY)
    one.tell(inputs.TicketOpened("b", "p4"), NOON - 7 * DAY)
    said = published(one.decide(NOON))
    assert (said.score, said.help, said.helps) == (0, "", [])


def test_a_parent_held_down_by_a_child_is_promised_no_more_than_that_child_has() -> None:
    one = book(support_card(roll_up=RollUp(how="worst")))
    one.open_tickets(9, NOON)
    child(one, "ann", 30)
    said = published(one.decide(NOON))
    assert said.score == 10
    assert said.helps[0].points == pytest.approx(20)


def test_under_a_cap_only_what_lifts_it_helps() -> None:
    rules = [ScoreException(when="open_p1_days", above=3, cap=35, why="A P1 open for days")]
    one = book(three_part_card(exceptions=rules))
    one.use(NOON, actors=[f"a{number}" for number in range(5)])
    one.tell(inputs.SurveyAnswered("nps", 8), NOON)
    one.tell(inputs.TicketOpened("t", "p1"), NOON - 6 * DAY)
    said = published(one.decide(NOON))
    without_the_p1 = 50 * (2 / 3 * 0.5 + 1 / 3) + 30 + 20 * 0.8
    assert said.score == 35
    assert [helped.measure for helped in said.helps] == ["p1"]
    assert said.helps[0].points == pytest.approx(without_the_p1 - 35)
    assert said.helps[0].band == "green"
