"""The vectors that vendors publish, exact before rounding.

The retrigger delay is in tests/playbooks/test_runs.py (`test_cooldown_counts_from_the_trigger`); definitions that are
refused are in tests/shared/test_definitions_parse.py (`test_cuts_written_as_text_are_refused_with_the_line`) and
tests/shared/test_definitions_lint.py (`test_weights_summing_to_140_percent_are_refused_and_say_so`).
"""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from truenorth import words
from truenorth.definitions.model import AgeBand, Banded, Dimension, Linear, Measure, Scorecard
from truenorth_health.domain.bands import asked
from truenorth_health.domain.scored import Scored
from truenorth_health.domain.scoring import evaluate
from truenorth_health.domain.signals import SIGNALS

from tests.health.builders import BANDS, card, compiled, signals

EXACT = 1e-9
DIMENSIONS = ("usage", "value", "support", "billing", "sentiment", "relationship")


def weighted(*groups: tuple[float, list[tuple[float, float]]], best: float = 100) -> tuple[Scorecard, dict[str, float]]:
    """A scorecard of (dimension weight, [(measure weight, score)]) and the signals that give these scores."""
    carriers = iter(SIGNALS)  # any signals will do as carriers of numbers
    values: dict[str, float] = {}
    dimensions = []
    for ident, (weight, inside) in zip(DIMENSIONS, groups, strict=False):
        measures = []
        for part, score in inside:
            carrier = next(carriers)
            values[carrier] = score
            measures.append(
                Measure(id=carrier, name=carrier, signal=carrier, weight=part, linear=Linear(worst=0, best=best))
            )
        dimensions.append(Dimension(id=ident, name="d", weight=weight, measures=measures))  # type: ignore[arg-type]
    return card(dimensions), values


def scored(made: tuple[Scorecard, dict[str, float]]) -> Scored:
    found = evaluate(compiled(made[0]).scorecards[0], signals(**made[1]))
    assert sum(found.parts) == pytest.approx(found.score or 0.0, abs=EXACT)
    return found


def score_of(made: tuple[Scorecard, dict[str, float]]) -> float:
    score = scored(made).score
    assert score is not None
    return score


def test_one_dimension_of_weights_20_15_22_gives_40() -> None:
    score = score_of(weighted((1, [(20, 47), (15, 59), (22, 21)])))
    assert score == pytest.approx(float(Fraction(20 * 47 + 15 * 59 + 22 * 21, 57)), abs=EXACT)
    assert f"{score:.4f}" == "40.1228"
    assert words.shown(score) == 40


def test_weights_7_5_8_3_with_unweighted_inner_means_give_75() -> None:
    made = weighted((7, [(1, 83)]), (5, [(1, 76), (1, 65)]), (8, [(1, 81), (1, 65), (1, 90)]), (3, [(1, 54)]))
    score = score_of(made)
    exact = (7 * 83 + 5 * Fraction(141, 2) + 8 * Fraction(236, 3) + 3 * 54) / 23
    assert score == pytest.approx(float(exact), abs=EXACT)
    assert f"{score:.3f}" == "74.993"
    assert words.shown(score) == 75


def test_70_5_is_shown_as_71() -> None:
    inner = scored(weighted((5, [(1, 76), (1, 65)]), (1, [(1, 3)]))).dimensions[0]
    assert inner == 70.5
    assert words.shown(inner) == 71


@pytest.mark.parametrize(("first", "expected"), [(10, 6.25), (0, 3.75)])
def test_flat_mean_on_a_scale_of_ten(first: float, expected: float) -> None:
    score = score_of(weighted((1, [(1, first), (1, 5), (1, 5), (1, 5)]), best=10))
    assert score / 10 == pytest.approx(expected, abs=EXACT)


def test_10_10_0_on_a_scale_of_ten_is_6_67() -> None:
    score = score_of(weighted((1, [(1, 10), (1, 10), (1, 0)]), best=10)) / 10
    assert score == pytest.approx(20 / 3, abs=EXACT)
    assert f"{score:.2f}" == "6.67"


RATED = {"good": 3, "average": 2, "poor": 1}


def worst_of(ratings: Sequence[str | None]) -> str:
    names = SIGNALS[: len(ratings)]
    bands = Banded(cuts=[2, 3], scores=[0, 50, 100])
    measures = [Measure(id=name, name=name, signal=name, weight=1, banded=bands) for name in names]
    made = card([Dimension(id="value", name="v", weight=1, measures=measures, combine="worst")])
    given = {name: float(RATED[one]) for name, one in zip(names, ratings, strict=True) if one is not None}
    score = scored((made, given)).score
    return "unknown" if score is None else {0.0: "poor", 50.0: "average", 100.0: "good"}[score]


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        (["good", "good", "poor"], "poor"),
        (["average", "poor", "average"], "poor"),
        (["poor", "poor", "poor"], "poor"),
        (["good", "good", "good"], "good"),
        (["good", "average", "good"], "average"),
        (["average", "average", "average"], "average"),
        (["good", None, "good"], "good"),
        (["good", None, "poor"], "poor"),
        ([None, "average", None], "average"),
        ([None, None, None], "unknown"),
    ],
)
def test_worst_of_any_poor_is_poor_all_good_is_good_else_average(ratings: list[str | None], expected: str) -> None:
    assert worst_of(ratings) == expected


LICENCE_USE = card(
    [
        Dimension(
            id="usage",
            name="Usage",
            weight=1,
            measures=[
                Measure(
                    id="licence-use",
                    name="Licence use",
                    signal="active_per_seat_28d",
                    weight=1,
                    by_age=[
                        AgeBand(from_days=60, banded=Banded(cuts=[0.1, 0.5], scores=[0, 50, 100])),
                        AgeBand(from_days=180, banded=Banded(cuts=[0.5, 0.75], scores=[0, 50, 100])),
                        AgeBand(from_days=270, banded=Banded(cuts=[0.75], scores=[0, 100])),
                    ],
                )
            ],
        )
    ]
)
AGES = {"2-6 months": (60, 120, 179), "6-9 months": (180, 225, 269), "over 9 months": (270, 500)}


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ((0.0, 0.05, 0.0999), ("red", "red", "red")),
        ((0.10, 0.3, 0.4999), ("yellow", "red", "red")),
        ((0.5, 0.505, 0.7499), ("green", "yellow", "red")),
        ((0.7501, 0.9, 1.2), ("green", "green", "green")),
    ],
)
def test_licence_use_by_age(uses: tuple[float, ...], expected: tuple[str, ...]) -> None:
    made = compiled(LICENCE_USE).scorecards[0]
    for (name, days), band in zip(AGES.items(), expected, strict=True):
        for age in days:
            for use in uses:
                score = evaluate(made, signals(active_per_seat_28d=use), 1.0, age).score
                assert score is not None
                assert asked(BANDS, "", score) == band, (name, age, use)


@pytest.mark.parametrize("age", [None, 0, 59])
def test_licence_use_of_an_account_too_young_is_no_data(age: int | None) -> None:
    found = evaluate(compiled(LICENCE_USE).scorecards[0], signals(active_per_seat_28d=0.05), 1.0, age)
    assert (found.score, found.coverage) == (None, 0)
