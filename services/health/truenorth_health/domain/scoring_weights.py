"""Effective weights of a scorecard's measures, worked out once per pattern of missing data."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from truenorth.definitions import model

PATTERNS_MAX: Final = 2_048
"""Patterns kept per scorecard: accounts lack the same few things, so that a handful does nearly all the work."""
USAGE: Final = "usage"

Pattern = int | tuple[int, float]
"""Bits of the measures without data; with the usage factor where that is not 1."""


class Weighed(NamedTuple):
    """Weights under one pattern, positions in the order of the scorecard.

    ``inner`` are the measures' parts of their dimension (only of those that are means), ``outer`` the dimensions' of
    the score; what is absent has 0. ``of`` are the points each measure could give. ``gaps`` are the measures without
    a score, ``empty`` the dimensions without one. ``known`` is whether there is any weight at all.
    """

    inner: tuple[float, ...]
    outer: tuple[float, ...]
    of: tuple[float, ...]
    coverage: float
    known: bool
    gaps: tuple[int, ...]
    empty: tuple[int, ...]


class Weights(dict[Pattern, Weighed]):
    """Pattern -> weights, filled as patterns are met and emptied when there are too many of them."""

    def __init__(self, dimensions: Sequence[model.Dimension]) -> None:
        super().__init__()
        self._dimensions = tuple(dimensions)

    def __missing__(self, pattern: Pattern) -> Weighed:
        """Work out the weights of a pattern met for the first time."""
        missing, factor = pattern if isinstance(pattern, tuple) else (pattern, 1.0)
        if len(self) >= PATTERNS_MAX:
            self.clear()
        weighed = self[pattern] = weigh(self._dimensions, missing, factor)
        return weighed


def weigh(dimensions: Sequence[model.Dimension], missing: int, usage_factor: float) -> Weighed:
    """Return the weights when the measures in ``missing`` (bits, from the first) have no data.

    What has neither data nor a score that stands in gives its weight to the rest of its dimension, an empty dimension
    to the other dimensions. A stand-in scores, and is not coverage.
    """
    inner: list[float] = []
    shares: list[list[float]] = []
    outer: list[float] = []
    gaps: list[int] = []
    coverage, index = 0.0, 0
    configured = sum(dimension.weight for dimension in dimensions)
    for dimension in dimensions:
        total = sum(measure.weight for measure in dimension.measures)
        here: list[float] = []
        for measure in dimension.measures:
            absent = missing >> index & 1
            if not absent:
                coverage += dimension.weight / configured * (measure.weight / total)
            elif measure.when_missing == "ignore":
                gaps.append(index)
            here.append(0.0 if index in gaps else measure.weight)
            index += 1
        have = sum(here)
        shares.append([weight / have if have else 0.0 for weight in here])
        if dimension.combine == "mean":
            inner += shares[-1]
        factor = usage_factor if dimension.id == USAGE else 1.0
        outer.append(dimension.weight * factor if have else 0.0)
    whole = sum(outer)
    outer = [weight / whole if whole else 0.0 for weight in outer]
    return Weighed(
        inner=tuple(inner),
        outer=tuple(outer),
        of=tuple(weight * share * 100.0 for weight, here in zip(outer, shares, strict=True) for share in here),
        coverage=min(1.0, coverage),
        known=whole > 0,
        gaps=tuple(gaps),
        empty=tuple(number for number, here in enumerate(shares) if not any(here)),
    )
