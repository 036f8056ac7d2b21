"""Signals to measures to dimensions to a score, exactly; shown scores are rounded elsewhere, once."""

from collections.abc import Callable, Sequence

from truenorth_health.domain.compiled import CompiledScorecard
from truenorth_health.domain.scored import Scored

__all__ = ["Scored", "evaluate", "fresh_coverage"]


def evaluate(
    card: CompiledScorecard, values: Sequence[float | None], usage_factor: float = 1.0, age_days: int | None = None
) -> Scored:
    """Return the weighted mean of the weighted means; what has no data drops out and its weight is redistributed.

    ``usage_factor`` (0..1) scales the weight of the usage dimension; ``age_days`` since the account signed up (None:
    nobody said) picks the mapping of measures by age. Coverage is the share of the configured weight that has data; a
    score that stands in for missing data is not data.
    """
    return card.run(values, usage_factor, -1 if age_days is None else age_days)


def fresh_coverage(
    card: CompiledScorecard,
    values: Sequence[float | None],
    age_days: int | None,
    is_fresh: Callable[[int], bool],
) -> float:
    """Return the share of the configured weight with data from sources that are not silent for everybody.

    ``is_fresh`` is asked for the position of a signal.
    """
    age = -1 if age_days is None else age_days
    covered = sum(
        dimension.share * measure.share
        for dimension in card.dimensions
        for measure in dimension.measures
        if values[measure.signal] is not None and age >= measure.from_days and is_fresh(measure.signal)
    )
    return min(1.0, covered)
