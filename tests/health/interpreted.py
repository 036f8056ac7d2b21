"""Scoring as it is defined, written to be read: what the compiled scorecards are held against."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from truenorth.definitions.model import AgeBand, Dimension, Measure, Scorecard, ScoreException
from truenorth_health.domain.signals import INDEX


@dataclass
class Interpreted:
    """The same fields as `Scored`."""

    score: float | None = None
    coverage: float = 0.0
    scores: list[float | None] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    of: list[float] = field(default_factory=list)
    dimensions: list[float | None] = field(default_factory=list)
    fired: list[str] = field(default_factory=list)
    excepted: bool = False


def mapped(mapping: Measure | AgeBand, value: float) -> float:
    """Half-open bands by cut points, or linear and clamped in either direction."""
    if mapping.banded is not None:
        return mapping.banded.scores[bisect_right(mapping.banded.cuts, value)]
    assert mapping.linear is not None
    worst, best = mapping.linear.worst, mapping.linear.best
    return min(1.0, max(0.0, (value - worst) / (best - worst))) * 100


def measured(measure: Measure, value: float | None, age_days: int | None) -> float | None:
    """Return the score of a measure; None where it has no data."""
    if value is None:
        return None
    if not measure.by_age:
        return mapped(measure, value)
    reached = [step for step in measure.by_age if age_days is not None and age_days >= step.from_days]
    return mapped(reached[-1], value) if reached else None


def inside(dimension: Dimension, scores: Sequence[float | None]) -> list[float]:
    """Return the part of the dimension that each measure makes."""
    have = [score for score in scores if score is not None]
    if dimension.combine == "worst":
        return [1 / have.count(min(have)) if score is not None and score == min(have) else 0.0 for score in scores]
    weights = [
        0.0 if score is None else measure.weight for measure, score in zip(dimension.measures, scores, strict=True)
    ]
    return [weight / sum(weights) if have else 0.0 for weight in weights]


def interpret(
    card: Scorecard, values: Sequence[float | None], usage_factor: float = 1.0, age_days: int | None = None
) -> Interpreted:
    """Return what a scorecard gives, following its definition step by step."""
    out = Interpreted()
    configured = sum(dimension.weight for dimension in card.dimensions)
    groups: list[tuple[float, list[float], list[float | None]]] = []
    for dimension in card.dimensions:
        found = [measured(one, values[INDEX[one.signal]], age_days) for one in dimension.measures]
        total = sum(one.weight for one in dimension.measures)
        fresh = sum(
            one.weight / total for one, score in zip(dimension.measures, found, strict=True) if score is not None
        )
        out.coverage += dimension.weight / configured * fresh
        scores = [
            one.when_missing if score is None and one.when_missing != "ignore" else score
            for one, score in zip(dimension.measures, found, strict=True)
        ]
        shares = inside(dimension, scores)
        there = any(score is not None for score in scores)
        mean = sum(share * (score or 0.0) for share, score in zip(shares, scores, strict=True))
        out.dimensions.append(mean if there else None)
        factor = usage_factor if dimension.id == "usage" else 1.0
        groups.append((dimension.weight * factor if there else 0.0, shares, scores))
        out.scores += scores
    whole = sum(weight for weight, _, _ in groups)
    for weight, shares, scores in groups:
        for share, score in zip(shares, scores, strict=True):
            effective = weight / whole * share if whole else 0.0
            out.parts.append(effective * (score or 0.0))
            out.of.append(effective * 100)
    if whole:
        out.score = round(sum(out.parts), 10)
        except_(card.exceptions, values, out, out.score)
    return out


def except_(rules: Sequence[ScoreException], values: Sequence[float | None], out: Interpreted, computed: float) -> None:
    """Apply caps, floors and sets in order, and spread what they did over the contributions in proportion."""
    final = computed
    for rule in rules:
        value = values[INDEX[rule.when]]
        if value is None or (rule.above is not None and value <= rule.above):
            continue
        if rule.below is not None and value >= rule.below:
            continue
        before = final
        final = final if rule.cap is None else min(final, rule.cap)
        final = final if rule.floor is None else max(final, rule.floor)
        final = final if rule.set is None else rule.set
        if final != before and rule.why:
            out.fired.append(rule.why)
    if final != computed:
        shares = out.parts if computed > 0 else out.of
        out.parts = [share / sum(shares) * final for share in shares]
        out.score, out.excepted = final, True
