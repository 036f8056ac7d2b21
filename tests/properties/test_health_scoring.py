"""What holds for every scorecard: it is what its definition says, adds up, and never punishes what is healthy."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from truenorth.definitions.model import AgeBand, Banded, Dimension, Linear, Measure, Scorecard, ScoreException
from truenorth_health.domain.compiled import CompiledScorecard
from truenorth_health.domain.scoring import evaluate
from truenorth_health.domain.signals import INDEX, SIGNALS

from tests.health.builders import BANDS, compiled
from tests.health.interpreted import interpret

CARRIERS = SIGNALS[:12]
EXACT = 1e-9
IDS = ("usage", "value", "support", "billing", "sentiment", "relationship")

numbers = st.floats(-200, 200, allow_nan=False).map(lambda value: round(value, 3))
scores = st.floats(0, 100).map(lambda value: round(value, 2))
weights = st.floats(0.01, 60).map(lambda value: round(value, 2))
ages = st.none() | st.integers(0, 400)


@st.composite
def linears(draw: st.DrawFn, *, rising: bool | None = None) -> Linear:
    worst, best = sorted(draw(st.lists(numbers, min_size=2, max_size=2, unique=True)))
    up = draw(st.booleans()) if rising is None else rising
    return Linear(worst=worst, best=best) if up else Linear(worst=best, best=worst)


@st.composite
def bandeds(draw: st.DrawFn, *, rising: bool | None = None) -> Banded:
    cuts = sorted(draw(st.lists(numbers, min_size=1, max_size=4, unique=True)))
    values = draw(st.lists(scores, min_size=len(cuts) + 1, max_size=len(cuts) + 1))
    return Banded(cuts=cuts, scores=values if rising is None else sorted(values, reverse=not rising))


@st.composite
def mappings(draw: st.DrawFn, *, rising: bool | None = None) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"linear": draw(linears(rising=rising))}
    return {"banded": draw(bandeds(rising=rising))}


@st.composite
def measures(draw: st.DrawFn, number: int, *, rising: bool | None = None, standing_in: bool = True) -> Measure:
    mapping = draw(mappings(rising=rising))
    if draw(st.integers(0, 3)) == 0:
        starts = sorted(draw(st.lists(st.integers(0, 300), min_size=1, max_size=3, unique=True)))
        mapping = {"by_age": [AgeBand(from_days=day, **draw(mappings(rising=rising))) for day in starts]}
    return Measure(
        id=f"m{number}",
        name=f"m{number}",
        signal=draw(st.sampled_from(CARRIERS)),
        weight=draw(weights),
        when_missing=draw(scores) if standing_in and draw(st.booleans()) else "ignore",
        **mapping,
    )


def exceptions(*effects: str) -> st.SearchStrategy[ScoreException]:
    return st.builds(
        lambda when, limit, side, effect, score: ScoreException(
            when=when, **{side: limit, effect: score}, why=f"{effect} {score}"
        ),
        st.sampled_from(CARRIERS),
        numbers,
        st.sampled_from(["above", "below"]),
        st.sampled_from(effects),
        scores,
    )


@st.composite
def cards(draw: st.DrawFn, *, rising: bool | None = None, standing_in: bool = True) -> Scorecard:
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=4, unique=True))
    dimensions = []
    for number, ident in enumerate(ids):
        inside = [
            draw(measures(number * 10 + place, rising=rising, standing_in=standing_in))
            for place in range(draw(st.integers(1, 4)))
        ]
        combine = draw(st.sampled_from(["mean", "mean", "worst"]))
        dimensions.append(
            Dimension(id=ident, name=ident, weight=draw(weights), measures=inside, combine=combine)  # type: ignore[arg-type]
        )
    rules = draw(st.lists(exceptions("cap", "floor", "set"), max_size=3)) if rising is None else []
    return Scorecard(id="any", dimensions=dimensions, bands=BANDS, exceptions=rules)


@dataclass(frozen=True)
class Case:
    """One account as a scorecard meets it."""

    values: list[float | None]
    factor: float
    age: int | None


@st.composite
def cases(draw: st.DrawFn) -> Case:
    values: list[float | None] = [None] * len(SIGNALS)
    for name in CARRIERS:
        values[INDEX[name]] = draw(st.none() | numbers)
    return Case(values, draw(st.sampled_from([1.0, 1.0, 0.5, 0.0, 0.3])), draw(ages))


def made(card: Scorecard) -> CompiledScorecard:
    return compiled(card).scorecards[0]


def close(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else abs(one - other) <= EXACT


@given(cards(), st.lists(cases(), min_size=1, max_size=3))
def test_a_compiled_scorecard_gives_what_its_definition_says(card: Scorecard, many: list[Case]) -> None:
    run = made(card)
    for one in (*many, *many):  # again, with weights from the cache
        got = evaluate(run, one.values, one.factor, one.age)
        wanted = interpret(card, one.values, one.factor, one.age)
        assert close(got.score, wanted.score)
        assert close(got.coverage, wanted.coverage)
        assert (list(got.fired), got.excepted) == (wanted.fired, wanted.excepted)
        for mine, theirs in (
            (got.scores, wanted.scores),
            (got.parts, wanted.parts),
            (got.of, wanted.of),
            (got.dimensions, wanted.dimensions),
        ):
            assert all(close(a, b) for a, b in zip(mine, theirs, strict=True)), (mine, theirs)


@given(cards(), cases())
def test_contributions_add_up_to_the_score_whatever_is_missing(card: Scorecard, one: Case) -> None:
    scored = evaluate(made(card), one.values, one.factor, one.age)
    assert abs(sum(scored.parts) - (scored.score or 0.0)) <= EXACT
    if scored.score is not None:
        assert abs(sum(scored.of) - 100) <= EXACT
        assert 0 <= scored.score <= 100
    assert 0 <= scored.coverage <= 1
    assert all(score is None or -EXACT <= score <= 100 + EXACT for score in (*scored.scores, *scored.dimensions))


@given(
    st.booleans().flatmap(lambda rising: st.tuples(st.just(rising), cards(rising=rising))),
    cases(),
    st.data(),
)
def test_making_a_signal_healthier_never_lowers_the_score(
    made_of: tuple[bool, Scorecard], one: Case, data: st.DataObject
) -> None:
    rising, plain = made_of
    there = [index for index, value in enumerate(one.values) if value is not None]
    if not there:
        return
    moved = data.draw(st.sampled_from(there))
    before = one.values[moved]
    assert before is not None
    after = before + data.draw(st.floats(0, 300)) * (1 if rising else -1)
    # A cap takes hold on the unhealthy side of its limit, a floor on the healthy one; a set can do anything.
    unhealthy, healthy = ("below", "above") if rising else ("above", "below")
    rules = [
        ScoreException(when=rule.when, **{side: rule.above or 0.0, effect: getattr(rule, effect)})
        for effect, side in (("cap", unhealthy), ("floor", healthy))
        for rule in data.draw(st.lists(exceptions(effect), max_size=2))
    ]
    card = Scorecard(id="any", dimensions=plain.dimensions, bands=BANDS, exceptions=rules)
    values = list(one.values)
    values[moved] = after
    low = evaluate(made(card), one.values, one.factor, one.age).score
    high = evaluate(made(card), values, one.factor, one.age).score
    assert (low is None) == (high is None)
    assert (high or 0.0) >= (low or 0.0) - EXACT


@given(cards(), cases(), st.sampled_from([0.25, 0.5, 2.0, 8.0]), st.sampled_from([0.5, 3.0]))
def test_the_scale_of_weights_does_not_matter(card: Scorecard, one: Case, outer: float, inner: float) -> None:
    scaled = [
        Dimension(
            id=dimension.id,
            name=dimension.name,
            weight=dimension.weight * outer,
            combine=dimension.combine,
            measures=[
                Measure(**{name: getattr(measure, name) for name in Measure.__struct_fields__ if name != "weight"},
                        weight=measure.weight * inner)
                for measure in dimension.measures
            ],
        )
        for dimension in card.dimensions
    ]  # fmt: skip
    other = Scorecard(id="any", dimensions=scaled, bands=BANDS, exceptions=card.exceptions)
    first = evaluate(made(card), one.values, one.factor, one.age)
    second = evaluate(made(other), one.values, one.factor, one.age)
    assert close(first.score, second.score)
    assert close(first.coverage, second.coverage)
    assert all(close(a, b) for a, b in zip(first.parts, second.parts, strict=True))
