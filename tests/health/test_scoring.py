"""Scoring is exact: maps, redistribution, coverage, exceptions, worst-of, ages; and its source holds numbers alone."""

import io
import re
import tokenize
from typing import Any

import msgspec
import pytest
from truenorth.definitions.model import AgeBand, Banded, Dimension, Linear, Measure, Scorecard, ScoreException
from truenorth_health.domain.scoring import evaluate, fresh_coverage
from truenorth_health.domain.scoring_source import source_of
from truenorth_health.domain.scoring_weights import PATTERNS_MAX, Weights
from truenorth_health.domain.signals import INDEX

from tests.health.builders import card, compiled, plain_measure, signals


@pytest.mark.parametrize(("value", "expected"), [(-1, 0), (1.99, 0), (2, 50), (4.99, 50), (5, 100), (6, 100)])
def test_bands_are_half_open(value: float, expected: float) -> None:
    measure = Measure(id="m", name="m", signal="nps", weight=1, banded=Banded(cuts=[2, 5], scores=[0, 50, 100]))
    made = compiled(card([Dimension(id="usage", name="u", weight=1, measures=[measure])])).scorecards[0]
    assert evaluate(made, signals(nps=value)).scores == [expected]


@pytest.mark.parametrize(
    ("worst", "best", "value", "expected"),
    [(0, 10, 5, 50), (0, 10, -3, 0), (0, 10, 30, 100), (10, 0, 2, 80), (10, 0, 12, 0), (-60, 0, -38, 22 / 60 * 100)],
)
def test_linear_measures_clamp_in_either_direction(worst: float, best: float, value: float, expected: float) -> None:
    measure = Measure(id="m", name="m", signal="nps", weight=1, linear=Linear(worst=worst, best=best))
    made = compiled(card([Dimension(id="usage", name="u", weight=1, measures=[measure])])).scorecards[0]
    assert evaluate(made, signals(nps=value)).scores == [pytest.approx(expected)]


def two_dimensions(**more: object) -> Scorecard:
    return card(
        [
            Dimension(
                id="usage",
                name="u",
                weight=60,
                measures=[plain_measure("a", "nps", 2), plain_measure("b", "pulse", 1)],
            ),
            Dimension(id="support", name="s", weight=40, measures=[plain_measure("c", "csat_90d", 1)]),
        ],
        **more,
    )


def test_a_measure_without_data_gives_its_weight_to_its_dimension() -> None:
    scored = evaluate(compiled(two_dimensions()).scorecards[0], signals(nps=30, csat_90d=80))
    assert scored.score == pytest.approx(0.6 * 30 + 0.4 * 80)
    assert scored.coverage == pytest.approx(0.6 * 2 / 3 + 0.4)


def test_an_empty_dimension_gives_its_weight_to_the_others() -> None:
    scored = evaluate(compiled(two_dimensions()).scorecards[0], signals(nps=30, pulse=60))
    assert scored.score == pytest.approx(40)
    assert scored.dimensions == [pytest.approx(40), None]
    assert scored.coverage == pytest.approx(0.6)


def test_nothing_at_all_is_no_score_rather_than_zero() -> None:
    scored = evaluate(compiled(two_dimensions()).scorecards[0], signals())
    assert scored.score is None
    assert scored.coverage == 0


def test_a_stand_in_for_missing_data_scores_but_is_not_coverage() -> None:
    made = card([Dimension(id="usage", name="u", weight=1, measures=[plain_measure("a", "nps", when_missing=20.0)])])
    scored = evaluate(compiled(made).scorecards[0], signals())
    assert scored.score == 20
    assert scored.coverage == 0


def test_usage_fit_scales_the_weight_of_usage() -> None:
    made = compiled(two_dimensions()).scorecards[0]
    scored = evaluate(made, signals(nps=100, pulse=100, csat_90d=0), 0.25)
    assert scored.score == pytest.approx(100 * 0.15 / 0.55)
    assert scored.coverage == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ScoreException(when="csat_90d", below=50, cap=39), 39),
        (ScoreException(when="csat_90d", below=50, cap=90), 60),
        (ScoreException(when="csat_90d", below=50, floor=75), 75),
        (ScoreException(when="csat_90d", below=50, floor=10), 60),
        (ScoreException(when="csat_90d", below=50, set=12), 12),
        (ScoreException(when="csat_90d", above=0, cap=39), 60),
        (ScoreException(when="nps", above=99.9, below=100.1, cap=39), 39),
        (ScoreException(when="days_overdue", above=1, cap=39), 60),
    ],
)
def test_exceptions_cap_floor_or_set_and_the_contributions_follow(rule: ScoreException, expected: float) -> None:
    made = compiled(two_dimensions(exceptions=[rule])).scorecards[0]
    scored = evaluate(made, signals(nps=100, pulse=100, csat_90d=0))
    assert scored.score == pytest.approx(expected)
    assert sum(scored.parts) == pytest.approx(expected, abs=1e-9)
    assert scored.excepted == (expected != 60)


def test_exceptions_apply_in_order() -> None:
    rules = [ScoreException(when="nps", above=0, cap=30), ScoreException(when="nps", above=0, floor=50)]
    made = compiled(two_dimensions(exceptions=rules)).scorecards[0]
    assert evaluate(made, signals(nps=100, pulse=100, csat_90d=0)).score == 50


def test_a_score_of_nothing_raised_by_a_floor_is_spread_over_what_is_possible() -> None:
    made = compiled(two_dimensions(exceptions=[ScoreException(when="nps", below=1, floor=20)])).scorecards[0]
    scored = evaluate(made, signals(nps=0, pulse=0, csat_90d=0))
    assert scored.score == 20
    assert scored.parts == [pytest.approx(8), pytest.approx(4), pytest.approx(8)]


def worst_of(*measures: Measure, **more: object) -> Scorecard:
    """Support as the worst of these measures, beside usage as a mean of one."""
    return card(
        [
            Dimension(id="support", name="s", weight=60, measures=list(measures), combine="worst"),
            Dimension(id="usage", name="u", weight=40, measures=[plain_measure("use", "pulse")]),
        ],
        **more,
    )


MEASURES = (plain_measure("a", "nps", 9), plain_measure("b", "csat_90d"), plain_measure("c", "ces_90d"))


def test_the_worst_measure_takes_the_weight_of_its_dimension() -> None:
    scored = evaluate(compiled(worst_of(*MEASURES)).scorecards[0], signals(nps=80, csat_90d=20, pulse=50))
    assert scored.score == pytest.approx(0.6 * 20 + 0.4 * 50)
    assert scored.dimensions == [20, 50]
    assert scored.parts == [0, pytest.approx(12), 0, pytest.approx(20)]
    assert list(scored.of) == [0, pytest.approx(60), 0, pytest.approx(40)]
    assert scored.scores == [80, 20, None, 50]


def test_measures_that_are_equally_the_worst_share_the_weight() -> None:
    scored = evaluate(compiled(worst_of(*MEASURES)).scorecards[0], signals(nps=20, csat_90d=20, ces_90d=21, pulse=50))
    assert scored.parts == [pytest.approx(6), pytest.approx(6), 0, pytest.approx(20)]


def test_a_worst_of_nothing_gives_its_weight_away() -> None:
    scored = evaluate(compiled(worst_of(*MEASURES)).scorecards[0], signals(pulse=50))
    assert scored.score == 50
    assert scored.dimensions == [None, 50]
    assert scored.coverage == pytest.approx(0.4)


def test_a_stand_in_can_be_the_worst() -> None:
    made = worst_of(MEASURES[0], plain_measure("b", "csat_90d", when_missing=10.0))
    scored = evaluate(compiled(made).scorecards[0], signals(nps=80, pulse=50))
    assert scored.dimensions == [10, 50]


def test_usage_that_does_not_fit_at_all_weighs_nothing_and_keeps_its_score() -> None:
    scored = evaluate(compiled(two_dimensions()).scorecards[0], signals(nps=90, csat_90d=30), 0.0)
    assert scored.score == 30
    assert scored.dimensions == [90, 30]
    assert scored.parts == [0, 0, 30]


def test_usage_alone_that_does_not_fit_is_no_score() -> None:
    scored = evaluate(compiled(two_dimensions()).scorecards[0], signals(nps=90), 0.0)
    assert (scored.score, sum(scored.parts)) == (None, 0)


@pytest.mark.parametrize(
    ("age", "expected"), [(None, None), (-3, None), (59, None), (60, 100), (179, 100), (180, 50), (999, 50)]
)
def test_the_last_age_reached_maps_the_signal(age: int | None, expected: float | None) -> None:
    steps = [
        AgeBand(from_days=60, banded=Banded(cuts=[5], scores=[0, 100])),
        AgeBand(from_days=180, linear=Linear(worst=0, best=20)),
    ]
    measure = Measure(id="m", name="m", signal="nps", weight=1, by_age=steps)
    made = compiled(card([Dimension(id="usage", name="u", weight=1, measures=[measure])])).scorecards[0]
    scored = evaluate(made, signals(nps=10), 1.0, age)
    assert scored.scores == [expected]
    assert scored.coverage == (0 if expected is None else 1)
    covered = fresh_coverage(made, signals(nps=10), age, lambda _: True)
    assert covered == scored.coverage


def test_a_source_that_is_silent_for_everybody_is_not_coverage() -> None:
    made = compiled(two_dimensions()).scorecards[0]
    values = signals(nps=30, pulse=60, csat_90d=80)
    assert fresh_coverage(made, values, None, lambda index: index != INDEX["nps"]) == pytest.approx(0.6)


def test_a_shadow_scores_beside_the_live_scorecard_and_is_never_it() -> None:
    other = msgspec.structs.replace(two_dimensions(), id="try", mode="shadow")
    narrow = msgspec.structs.replace(other, id="narrow", segment="small")
    book = compiled(narrow, two_dimensions(), other)
    assert [one.source.id for one in book.scorecards] == ["standard"]
    live, small, rest = book.scorecard_of("small"), book.shadow_of("small"), book.shadow_of("big")
    assert live is not None
    assert small is not None
    assert rest is not None
    assert (live.source.mode, small.source.id, rest.source.id) == ("live", "narrow", "try")
    assert compiled(two_dimensions()).shadow_of("small") is None


KNOWN = re.compile(
    r"[sitpowd]\d+|def|run|v|factor|age|m|x|is|None|if|else|elif|or|and|not|in|for|n|sum|min|max|return|Scored|weights|of"
    r"|coverage|known|gaps|empty|parts|scores|dimensions|score|fired|excepted|moved|spread|f|b|why|True|False"
)


def test_no_text_of_a_definition_gets_into_the_source() -> None:
    hostile = "x = __import__('os').system('true')\n\"\"\""
    measures = [
        Measure(
            id=hostile, name=hostile, signal="nps", weight=1, why=hostile, fix=hostile, linear=Linear(worst=0, best=1)
        ),
        Measure(
            id="b",
            name=hostile,
            signal="csat_90d",
            weight=2,
            when_missing=3.5,
            by_age=[AgeBand(from_days=0, banded=Banded(cuts=[1, 2], scores=[0, 1, 2]))],
        ),
    ]
    dimensions = [
        Dimension(id=hostile, name=hostile, weight=1, measures=measures),  # type: ignore[arg-type]
        Dimension(id="support", name=hostile, weight=1, measures=measures, combine="worst"),
    ]
    rules = [ScoreException(when="nps", above=1, below=2, cap=3, floor=4, set=5, why=hostile)]
    source = source_of(card(dimensions, exceptions=rules, segment=hostile), INDEX)
    names = {one.string for one in tokenize.generate_tokens(io.StringIO(source).readline) if one.type == tokenize.NAME}
    assert [name for name in names if not KNOWN.fullmatch(name)] == []
    assert not [one for one in tokenize.generate_tokens(io.StringIO(source).readline) if one.type == tokenize.STRING]
    scored = evaluate(compiled(card(dimensions, exceptions=rules)).scorecards[0], signals(nps=1.5, csat_90d=1), 1.0, 3)
    assert (scored.score, scored.fired) == (5, (hostile,))


@pytest.mark.parametrize(
    "more",
    [
        {"linear": Linear(worst="__import__('os')", best=1)},  # type: ignore[arg-type]
        {"linear": Linear(worst=0, best=float("inf"))},
        {"linear": Linear(worst=0, best=1), "when_missing": "print()"},
        {"banded": Banded(cuts=["print()"], scores=[0, 1])},  # type: ignore[list-item]
        {"banded": Banded(cuts=[1], scores=[0, 1, 2])},
        {"by_age": [AgeBand(from_days="0: print()", linear=Linear(worst=0, best=1))]},  # type: ignore[arg-type]
        {},
    ],
)
def test_what_is_no_number_or_no_mapping_does_not_compile(more: dict[str, Any]) -> None:
    measure = Measure(id="m", name="m", signal="nps", weight=1, **more)
    with pytest.raises((ValueError, TypeError)):
        compiled(card([Dimension(id="usage", name="u", weight=1, measures=[measure])]))


def test_weights_are_kept_for_a_bounded_number_of_patterns() -> None:
    weights = Weights(two_dimensions().dimensions)
    for step in range(PATTERNS_MAX + 10):
        assert sum(weights[0, 1 / (step + 2)].of) == pytest.approx(100)
    assert len(weights) <= PATTERNS_MAX
