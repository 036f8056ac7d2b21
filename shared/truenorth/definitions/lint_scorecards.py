"""Checks of scorecards: weights, measures, bands, exceptions, and which scorecard an account can ever get."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from truenorth.definitions import findings
from truenorth.definitions.findings import Found
from truenorth.definitions.model import Bands, Definitions, Dimension, Measure, Scorecard, ScoreException
from truenorth.definitions.signals import BY_NAME

_PERCENT: Final = 100
_ROUNDING: Final = 1e-6


def scorecards(definitions: Definitions) -> Iterator[Found]:
    """Check every scorecard and their order."""
    yield from _order(definitions)
    segments = [segment.id for segment in definitions.segments]
    for index, card in enumerate(definitions.scorecards):
        path = f"scorecards[{index}]"
        if card.segment is not None:
            yield from findings.unknown_reference(f"{path}.segment", card.segment, segments, "segment")
        yield from _scorecard(card, path)


def _order(definitions: Definitions) -> Iterator[Found]:
    cards = definitions.scorecards
    defaults = [index for index, card in enumerate(cards) if card.segment is None]
    if not defaults:
        message = "a default scorecard is missing: end the list with one that names no segment"
        yield Found("default_missing", f"scorecards[{len(cards) - 1}]" if cards else "scorecards", message)
    for index in defaults:
        if index != len(cards) - 1:
            message = "the scorecard without a segment is the default and must be last; those after it are never used"
            yield Found("default_not_last", f"scorecards[{index}]", message)
    seen: dict[str, str] = {}
    for index, card in enumerate(cards):
        if card.segment is not None and (first := seen.setdefault(card.segment, card.id)) != card.id:
            message = f"never used: {first!r} comes before it for the same segment {card.segment!r}"
            yield Found("scorecard_unreachable", f"scorecards[{index}].segment", message)


def _scorecard(card: Scorecard, path: str) -> Iterator[Found]:
    yield from _weights([dimension.weight for dimension in card.dimensions], f"{path}.dimensions", "dimensions")
    yield from _twice([dimension.id for dimension in card.dimensions], f"{path}.dimensions[{{}}].id", "dimension")
    measures: dict[str, str] = {}
    for number, dimension in enumerate(card.dimensions):
        below = f"{path}.dimensions[{number}]"
        yield from _dimension(dimension, below)
        for place, measure in enumerate(dimension.measures):
            where = f"{below}.measures[{place}].id"
            if measures.setdefault(measure.id, where) != where:
                message = f"measure {measure.id!r} is in this scorecard already; give it another id"
                yield Found("measure_twice", where, message)
    yield from _bands(card.bands, f"{path}.bands")
    for number, exception in enumerate(card.exceptions):
        yield from _exception(exception, f"{path}.exceptions[{number}]")


def _dimension(dimension: Dimension, path: str) -> Iterator[Found]:
    yield from _weights([measure.weight for measure in dimension.measures], f"{path}.measures", "measures")
    for index, measure in enumerate(dimension.measures):
        yield from _measure(measure, f"{path}.measures[{index}]")


def _measure(measure: Measure, path: str) -> Iterator[Found]:
    yield from findings.unknown_reference(f"{path}.signal", measure.signal, BY_NAME, "signal")
    yield from findings.unknown_placeholders(f"{path}.why", measure.why, ("value",))
    yield from findings.unknown_placeholders(f"{path}.fix", measure.fix, ())
    if (measure.linear is None) == (measure.banded is None):
        yield Found("mapping_unclear", path, "a measure maps its signal by either linear or banded: give exactly one")
    if measure.linear is not None and measure.linear.worst == measure.linear.best:
        message = "worst and best are equal; from worst (0) to best (100) there must be some way"
        yield Found("linear_flat", f"{path}.linear", message)
    if measure.banded is None:
        return
    cuts, scores = measure.banded.cuts, measure.banded.scores
    for index, (lower, upper) in enumerate(pairwise(cuts), start=1):
        if upper <= lower:
            message = f"cuts must rise, but {upper:g} follows {lower:g}"
            yield Found("cuts_out_of_order", f"{path}.banded.cuts[{index}]", message)
    if len(scores) != len(cuts) + 1:
        message = f"{len(cuts)} cuts make {len(cuts) + 1} bands, but there are {len(scores)} scores"
        yield Found("scores_do_not_fit", f"{path}.banded.scores", message)


def _weights(weights: Sequence[float], path: str, noun: str) -> Iterator[Found]:
    total = sum(weights)
    if total > _PERCENT + _ROUNDING:
        message = (
            f"the weights of these {noun} sum to {total:g} %; percent must sum to 100, "
            "and plain ratios may be any smaller numbers"
        )
        yield Found("weights_over_100", path, message)


def _twice(names: Sequence[str], path: str, noun: str) -> Iterator[Found]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Found(f"{noun}_twice", path.format(index), f"{noun} {name!r} is given twice; merge them")


def _bands(bands: Bands, path: str) -> Iterator[Found]:
    for name in ("red", "yellow"):
        cut = getattr(bands, name)
        if cut.leave < cut.enter:
            message = f"{name} would be left at {cut.leave:g} before it is entered at {cut.enter:g}; leave >= enter"
            yield Found("leave_below_enter", f"{path}.{name}.leave", message)
    for name in ("enter", "leave"):
        red, yellow = getattr(bands.red, name), getattr(bands.yellow, name)
        if red >= yellow:
            message = f"red must lie below yellow, but red {name} is {red:g} and yellow {name} {yellow:g}"
            yield Found("red_above_yellow", f"{path}.red.{name}", message)


def _exception(exception: ScoreException, path: str) -> Iterator[Found]:
    yield from findings.unknown_reference(f"{path}.when", exception.when, BY_NAME, "signal")
    effects = [value for value in (exception.cap, exception.floor, exception.set) if value is not None]
    if len(effects) != 1:
        yield Found("effect_unclear", path, "give exactly one of cap, floor or set")
    if exception.above is None and exception.below is None:
        yield Found("condition_missing", path, "say when: above or below a value of the signal, or both")
    if exception.above is not None and exception.below is not None and exception.above >= exception.below:
        message = f"no value is above {exception.above:g} and below {exception.below:g}"
        yield Found("condition_never", path, message)
