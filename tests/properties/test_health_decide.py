"""Properties of scoring and deciding."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from truenorth.definitions.model import (
    BandCut,
    Banded,
    Bands,
    Dimension,
    Linear,
    Measure,
    Scorecard,
    ScoreException,
)
from truenorth_health.domain.bands import step
from truenorth_health.domain.decide import decide
from truenorth_health.domain.fold import fold
from truenorth_health.domain.scoring import evaluate
from truenorth_health.domain.signals import INDEX, SIGNALS
from truenorth_health.domain.state import dump, load, new_state

from tests.health.builders import DAY, NOON, card, compiled, source_of, three_part_card
from tests.properties.test_health_fold import Recorded, logs

_weights = st.floats(0.01, 1000)
_values = st.floats(-1000, 1000)
_ids = ["usage", "value", "support", "billing", "sentiment", "relationship"]


@st.composite
def measures(draw: st.DrawFn, number: int) -> Measure:
    more: dict[str, object]
    if draw(st.booleans()):
        worst, best = draw(_values), draw(_values)
        assume(abs(worst - best) > 1e-6)
        more = {"linear": Linear(worst=worst, best=best)}
    else:
        cuts = sorted(draw(st.sets(_values, min_size=1, max_size=4)))
        scores = [draw(st.floats(0, 100)) for _ in range(len(cuts) + 1)]
        more = {"banded": Banded(cuts=cuts, scores=scores)}
    missing = draw(st.sampled_from(["ignore", 0.0, 50.0]))
    signal = draw(st.sampled_from(SIGNALS))
    return Measure(id=f"m{number}", name="m", signal=signal, weight=draw(_weights), when_missing=missing, **more)  # type: ignore[arg-type]


@st.composite
def cards(draw: st.DrawFn) -> Scorecard:
    dimensions = [
        Dimension(
            id=ident,  # type: ignore[arg-type]
            name=ident,
            weight=draw(_weights),
            measures=[draw(measures(number)) for number in range(draw(st.integers(1, 4)))],
        )
        for ident in _ids[: draw(st.integers(1, 6))]
    ]
    rules = st.builds(
        lambda when, above, kind, to: ScoreException(when=when, above=above, **{kind: to}),
        st.sampled_from(SIGNALS),
        _values,
        st.sampled_from(["cap", "floor", "set"]),
        st.floats(0, 100),
    )
    return card(dimensions, exceptions=draw(st.lists(rules, max_size=3)))


_signals = st.lists(st.none() | _values, min_size=len(SIGNALS), max_size=len(SIGNALS))


@given(cards(), _signals, st.sampled_from([1.0, 0.5, 0.25]))
@settings(deadline=None)
def test_contributions_add_up_to_the_score(made: Scorecard, signals: list[float | None], fit: float) -> None:
    scored = evaluate(compiled(made).scorecards[0], signals, fit)
    assert 0 <= scored.coverage <= 1
    if scored.score is None:
        assert not any(scored.parts)
        return
    assert 0 <= scored.score <= 100
    assert sum(scored.parts) == pytest.approx(scored.score, abs=1e-9)
    assert sum(scored.of) == pytest.approx(100, abs=1e-9)


@st.composite
def linear_cards(draw: st.DrawFn) -> Scorecard:
    """Linear measures only, each on a signal of its own."""
    signals = iter(draw(st.permutations(SIGNALS)))
    return card(
        [
            Dimension(
                id=ident,  # type: ignore[arg-type]
                name=ident,
                weight=draw(_weights),
                measures=[
                    Measure(
                        id=f"m{number}",
                        name="m",
                        signal=next(signals),
                        weight=draw(_weights),
                        linear=draw(st.sampled_from([Linear(worst=-500, best=500), Linear(worst=90, best=-3.5)])),
                    )
                    for number in range(draw(st.integers(1, 3)))
                ],
            )
            for ident in _ids[: draw(st.integers(1, 6))]
        ]
    )


@given(linear_cards(), _signals, _values, st.floats(0, 500), st.data())
@settings(deadline=None)
def test_a_healthier_measure_never_lowers_the_score(
    made: Scorecard, signals: list[float | None], before: float, more: float, data: st.DataObject
) -> None:
    chosen = data.draw(st.sampled_from([measure for one in made.dimensions for measure in one.measures]))
    assert chosen.linear is not None
    worse, better = list(signals), list(signals)
    worse[INDEX[chosen.signal]] = before
    better[INDEX[chosen.signal]] = before + (more if chosen.linear.best > chosen.linear.worst else -more)
    one = compiled(made).scorecards[0]
    low, high = evaluate(one, worse).score, evaluate(one, better).score
    assert low is not None
    assert high is not None
    assert high >= low - 1e-9


@given(st.floats(0, 100), st.floats(0.1, 20), st.lists(st.floats(0, 1), min_size=2, max_size=50), st.booleans())
@settings(deadline=None)
def test_inside_its_gap_a_band_never_flaps(enter: float, gap: float, walk: list[float], low: bool) -> None:
    enter = min(enter, 100 - gap)
    cut = BandCut(enter=enter, leave=enter + gap)
    none = BandCut(enter=0, leave=0)
    made = Bands(red=cut, yellow=cut) if low else Bands(red=none, yellow=cut)
    scores = [enter + min(share, 0.999) * gap for share in walk]
    for first in ("green", "yellow" if not low else "red"):
        band, leaving, seen = first, None, [first]
        for now_ms, score in enumerate(scores):
            now = step(made, 0, current=band, leaving_ms=leaving, score=score, now_ms=now_ms, at_once=False)
            band, leaving = now.band, now.leaving_ms
            seen.append(band)
        assert len(set(seen)) == 1


@given(logs(), st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_deciding_again_at_the_same_point_tells_nothing_new(log: list[Recorded], days: int) -> None:
    definitions = compiled(three_part_card())
    state = new_state("acme")
    for one, record_ms in log:
        fold(state, source_of(one), one, record_ms)
    now_ms = NOON + days * DAY
    first = decide(state, definitions, offsets={}, now_ms=now_ms)
    stored = dump(state)
    again = decide(load("acme", stored), definitions, offsets={}, now_ms=now_ms)
    assert (again.changes, again.milestones, again.snapshot, again.day, again.tombstone) == ([], [], None, None, False)
    if first.snapshot is not None and first.snapshot.computed_score is not None and not first.snapshot.churned:
        parts = sum(measure.contribution for one in first.snapshot.dimensions for measure in one.measures)
        assert parts == pytest.approx(first.snapshot.computed_score, abs=1e-9)


@given(logs(), st.lists(st.integers(0, 3 * DAY), max_size=20))
@settings(max_examples=40, deadline=None)
def test_numbers_and_revisions_rise_by_one(log: list[Recorded], waits: list[int]) -> None:
    definitions = compiled(three_part_card())
    state = new_state("acme")
    now_ms, numbers, revisions = NOON - 100 * DAY, [0], [0]
    schedule = iter(waits)
    for one, record_ms in log:
        fold(state, source_of(one), one, record_ms)
        now_ms = max(now_ms, record_ms) + next(schedule, 1_500)
        decided = decide(state, definitions, offsets={}, now_ms=now_ms)
        numbers += [change.number for change in decided.changes]
        numbers += [change.number for change in decided.milestones]
        revisions += [decided.snapshot.revision] if decided.snapshot else []
        assert decided.next_due_ms is None or decided.next_due_ms > now_ms
    assert numbers == list(range(len(numbers)))
    assert revisions == list(range(len(revisions)))
