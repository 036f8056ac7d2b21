"""Scoring is exact: the published vectors, redistribution, coverage, exceptions."""

import pytest
from truenorth import words
from truenorth.definitions.model import Banded, Dimension, Linear, Measure, Scorecard, ScoreException
from truenorth_health.domain.scoring import evaluate
from truenorth_health.domain.signals import INDEX, SIGNALS, Values

from tests.health.builders import card, compiled, plain_measure

# Any signals will do as carriers of numbers.
CARRIERS = SIGNALS


def signals(**values: float) -> Values:
    out: Values = [None] * len(SIGNALS)
    for name, value in values.items():
        out[INDEX[name]] = value
    return out


def weighted(*groups: tuple[float, list[tuple[float, float]]], best: float = 100) -> tuple[Scorecard, Values]:
    """A scorecard of (dimension weight, [(measure weight, score)]) and the signals that give these scores."""
    ids = iter(("usage", "value", "support", "billing", "sentiment", "relationship"))
    carriers = iter(CARRIERS)
    values: dict[str, float] = {}
    dimensions = []
    for weight, inside in groups:
        measures = []
        for part, score in inside:
            carrier = next(carriers)
            values[carrier] = score
            measures.append(
                Measure(id=carrier, name=carrier, signal=carrier, weight=part, linear=Linear(worst=0, best=best))
            )
        dimensions.append(Dimension(id=next(ids), name="d", weight=weight, measures=measures))  # type: ignore[arg-type]
    return card(dimensions), signals(**values)


def score_of(made: tuple[Scorecard, Values], factor: float = 1.0) -> float:
    scored = evaluate(compiled(made[0]).scorecards[0], made[1], factor)
    assert scored.score is not None
    assert sum(scored.parts) == pytest.approx(scored.score, abs=1e-9)
    return scored.score


def test_one_dimension_of_weights_20_15_22_gives_40() -> None:
    score = score_of(weighted((1, [(20, 47), (15, 59), (22, 21)])))
    assert score == pytest.approx(40.1228, abs=5e-5)
    assert words.shown(score) == 40


def test_weights_7_5_8_3_with_unweighted_inner_means_give_75() -> None:
    made = weighted((7, [(1, 83)]), (5, [(1, 76), (1, 65)]), (8, [(1, 81), (1, 65), (1, 90)]), (3, [(1, 54)]))
    score = score_of(made)
    assert score == pytest.approx(74.993, abs=5e-4)
    assert words.shown(score) == 75
    inner = evaluate(compiled(made[0]).scorecards[0], made[1]).dimensions[1]
    assert inner == pytest.approx(70.5)
    assert inner is not None
    assert words.shown(inner) == 71


@pytest.mark.parametrize(("first", "expected"), [(10, 6.25), (0, 3.75)])
def test_flat_mean_on_a_scale_of_ten(first: float, expected: float) -> None:
    score = score_of(weighted((1, [(1, first), (1, 5), (1, 5), (1, 5)]), best=10))
    assert score / 10 == pytest.approx(expected)


def test_10_10_0_on_a_scale_of_ten_is_6_67() -> None:
    assert score_of(weighted((1, [(1, 10), (1, 10), (1, 0)]), best=10)) / 10 == pytest.approx(6.67, abs=5e-3)


def rated(ratings: list[str | None]) -> str:
    """Worst-of: good is 100, average 50, poor 0; any poor caps at poor, all good is good, else average."""
    values = {"good": 100.0, "average": 50.0, "poor": 0.0}
    names = CARRIERS[: len(ratings)]
    measures = [plain_measure(name, name) for name in names]
    exceptions = [ScoreException(when=name, below=1, set=0) for name in names]
    exceptions = [*[ScoreException(when=name, below=99, cap=50) for name in names], *exceptions]
    made = card([Dimension(id="usage", name="u", weight=1, measures=measures)], exceptions=exceptions)
    given = {name: values[rating] for name, rating in zip(names, ratings, strict=True) if rating is not None}
    score = evaluate(compiled(made).scorecards[0], signals(**given)).score
    assert score is not None
    return {0: "poor", 100: "good"}.get(words.shown(score), "average")


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        (["good", "good", "poor"], "poor"),
        (["good", "good", "good"], "good"),
        (["good", "average", "good"], "average"),
        (["good", None, "good"], "good"),
        (["good", None, "poor"], "poor"),
        ([None, "average", None], "average"),
    ],
)
def test_worst_of_rule_is_a_table_of_exceptions(ratings: list[str | None], expected: str) -> None:
    assert rated(ratings) == expected


@pytest.mark.parametrize(
    ("use", "young", "middle", "old"),
    [
        (0.09, 0, 0, 0),
        (0.10, 50, 0, 0),
        (0.499, 50, 0, 0),
        (0.505, 100, 50, 0),
        (0.75, 100, 100, 100),
        (0.90, 100, 100, 100),
    ],
)
def test_licence_use_by_age_leaves_no_hole_between_bands(use: float, young: float, middle: float, old: float) -> None:
    by_age = {
        "young": Banded(cuts=[0.1, 0.5], scores=[0, 50, 100]),
        "middle": Banded(cuts=[0.5, 0.75], scores=[0, 50, 100]),
        "old": Banded(cuts=[0.75], scores=[0, 100]),
    }
    for age, expected in (("young", young), ("middle", middle), ("old", old)):
        measure = Measure(id="use", name="u", signal="active_per_seat_28d", weight=1, banded=by_age[age])
        made = card([Dimension(id="usage", name="u", weight=1, measures=[measure])])
        assert score_of((made, signals(active_per_seat_28d=use))) == expected


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
