"""Checks of a measure: its signal, its words, and the one way in which it maps the signal to 0..100."""

from collections.abc import Iterator
from itertools import pairwise
from math import isfinite

from truenorth.definitions import findings
from truenorth.definitions.findings import Found
from truenorth.definitions.model import AgeBand, Banded, Measure


def measure_findings(measure: Measure, path: str) -> Iterator[Found]:
    """Check one measure."""
    yield from findings.unknown_signal(f"{path}.signal", measure.signal)
    yield from findings.unknown_placeholders(f"{path}.why", measure.why, ("value",))
    yield from findings.unknown_placeholders(f"{path}.fix", measure.fix, ())
    given = [measure.linear is not None, measure.banded is not None, bool(measure.by_age)]
    if sum(given) != 1:
        message = "a measure maps its signal by linear, banded or by_age: give exactly one of them"
        yield Found("mapping_unclear", path, message)
    yield from _mapping(measure, path)
    if measure.banded is not None and len(set(measure.banded.scores)) == 1:
        message = "all bands give the same score, so that the signal says nothing"
        yield Found("bands_flat", f"{path}.banded.scores", message)
    for index, step in enumerate(measure.by_age):
        below = f"{path}.by_age[{index}]"
        if (step.linear is None) == (step.banded is None):
            yield Found("mapping_unclear", below, "each age maps the signal by linear or banded: give exactly one")
        yield from _mapping(step, below)
    for index, (before, after) in enumerate(pairwise(measure.by_age), start=1):
        if after.from_days <= before.from_days:
            message = f"ages must rise, but {after.from_days} days follows {before.from_days}"
            yield Found("ages_out_of_order", f"{path}.by_age[{index}].from_days", message)


def _mapping(mapping: Measure | AgeBand, path: str) -> Iterator[Found]:
    if mapping.linear is not None and mapping.linear.worst == mapping.linear.best:
        message = "worst and best are equal; from worst (0) to best (100) there must be some way"
        yield Found("linear_flat", f"{path}.linear", message)
    if mapping.linear is not None and not isfinite(mapping.linear.best - mapping.linear.worst):
        message = "worst and best are so far apart that nothing lies between them; take the values that occur"
        yield Found("linear_too_wide", f"{path}.linear", message)
    if mapping.banded is not None:
        yield from _banded(mapping.banded, f"{path}.banded")


def _banded(banded: Banded, path: str) -> Iterator[Found]:
    for index, (lower, upper) in enumerate(pairwise(banded.cuts), start=1):
        if upper <= lower:
            message = f"cuts must rise, but {upper:g} follows {lower:g}"
            yield Found("cuts_out_of_order", f"{path}.cuts[{index}]", message)
    bands = len(banded.cuts) + 1
    if len(banded.scores) != bands:
        message = f"{len(banded.cuts)} cuts make {bands} bands, but there are {len(banded.scores)} scores"
        yield Found("scores_do_not_fit", f"{path}.scores", message)
