"""Signals to measures to dimensions to a score, exactly; shown scores are rounded elsewhere, once."""

from bisect import bisect_right
from dataclasses import dataclass, field

from truenorth_health.domain.compiled import CompiledMeasure, CompiledScorecard
from truenorth_health.domain.signals import INDEX, Values

_DIGITS = 10
"""Sums of floats are kept to 1e-10: 70.5 must not be 70.49999999999999 where a cut or half-up rounding looks."""


@dataclass(slots=True)
class Scored:
    """One evaluation. Lists run in the order of the scorecard's measures, and of its dimensions.

    ``parts`` are contributions in points of the overall score; they add up to ``score``. ``of`` is the most each
    could give. ``fired`` are the words of the exceptions that moved the score.
    """

    score: float | None
    coverage: float
    scores: list[float | None]
    parts: list[float]
    of: list[float]
    dimensions: list[float | None]
    fired: list[str] = field(default_factory=list)
    excepted: bool = False


def measure_score(measure: CompiledMeasure, value: float) -> float:
    """Return 0..100 for a signal: half-open bands by cut points, or linear and clamped in either direction."""
    if measure.cuts:
        return measure.scores[bisect_right(measure.cuts, value)]
    if measure.span == 0:
        return 100.0 if value >= measure.worst else 0.0
    share = (value - measure.worst) / measure.span
    return 0.0 if share <= 0 else 100.0 if share >= 1 else share * 100.0


def evaluate(card: CompiledScorecard, signals: Values, usage_factor: float = 1.0) -> Scored:
    """Return the weighted mean of the weighted means; what has no data drops out and its weight is redistributed.

    ``usage_factor`` (0..1) scales the weight of the usage dimension. Coverage is the share of the configured weight
    that has data; a score that stands in for missing data is not data.
    """
    scores: list[float | None] = []
    dimensions: list[float | None] = []
    weights: list[float] = []
    coverage = 0.0
    for dimension in card.dimensions:
        total = have = fresh = 0.0
        for measure in dimension.measures:
            value = signals[measure.signal]
            if value is not None:
                score: float | None = measure_score(measure, value)
                fresh += measure.share
            else:
                score = measure.missing
            scores.append(score)
            if score is not None:
                have += measure.share
                total += measure.share * score
        dimensions.append(round(total / have, _DIGITS) if have else None)
        weight = dimension.share * usage_factor if dimension.is_usage else dimension.share
        weights.append(weight if have else 0.0)
        coverage += dimension.share * fresh
    parts, of = _contributions(card, scores, weights)
    whole = sum(weights)
    score_sum = round(sum(parts), _DIGITS) if whole else None
    scored = Scored(score_sum, min(1.0, coverage), scores, parts, of, dimensions)
    if card.source.exceptions and score_sum is not None:
        _except(card, signals, scored, score_sum)
    return scored


def _contributions(
    card: CompiledScorecard, scores: list[float | None], weights: list[float]
) -> tuple[list[float], list[float]]:
    """Return points given and points possible per measure."""
    whole = sum(weights)
    parts: list[float] = []
    of: list[float] = []
    index = 0
    for dimension, weight in zip(card.dimensions, weights, strict=True):
        inside = scores[index : index + len(dimension.measures)]
        have = sum(m.share for m, score in zip(dimension.measures, inside, strict=True) if score is not None)
        for measure, score in zip(dimension.measures, inside, strict=True):
            effective = 0.0 if score is None or not whole else weight / whole * (measure.share / have)
            parts.append(0.0 if score is None else effective * score)
            of.append(effective * 100.0)
        index += len(inside)
    return parts, of


def _except(card: CompiledScorecard, signals: Values, scored: Scored, score: float) -> None:
    """Apply caps, floors and sets in order, and spread what they did over the contributions in proportion."""
    final = score
    for rule in card.source.exceptions:
        value = signals[INDEX[rule.when]]
        if value is None:
            continue
        if (rule.above is not None and value <= rule.above) or (rule.below is not None and value >= rule.below):
            continue
        before = final
        if rule.cap is not None:
            final = min(final, rule.cap)
        if rule.floor is not None:
            final = max(final, rule.floor)
        if rule.set is not None:
            final = rule.set
        if final != before and rule.why:
            scored.fired.append(rule.why)
    if final == score:
        return
    shares = scored.parts if score > 0 else scored.of
    whole = sum(shares)
    scored.parts = [share / whole * final for share in shares]
    scored.score, scored.excepted = final, True
