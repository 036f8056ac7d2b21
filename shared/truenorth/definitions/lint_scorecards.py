"""Checks of scorecards: weights, bands, exceptions, roll-up, and which scorecard an account can ever get."""

from collections.abc import Iterator, Sequence
from typing import Final

from truenorth.definitions import findings
from truenorth.definitions.findings import Found
from truenorth.definitions.lint_measures import measure_findings
from truenorth.definitions.model import Bands, Definitions, Dimension, Scorecard, ScoreException

_PERCENT: Final = 100
_ROUNDING: Final = 1e-6
_PERCENT_FROM: Final = 90
"""Whole numbers of at least five each that sum to this or more are meant as percent, and must make 100."""
_PERCENT_LEAST: Final = 5
_TOP: Final = 100


def scorecards(definitions: Definitions) -> Iterator[Found]:
    """Check every scorecard and their order."""
    if not any(card.segment is None and card.mode == "live" for card in definitions.scorecards):
        message = "a default scorecard is missing: end the list with a live one that names no segment"
        last = len(definitions.scorecards) - 1
        yield Found("default_missing", f"scorecards[{last}]" if last >= 0 else "scorecards", message)
    segments = [segment.id for segment in definitions.segments]
    for mode in ("live", "shadow"):
        yield from _order([(n, card) for n, card in enumerate(definitions.scorecards) if card.mode == mode])
    for index, card in enumerate(definitions.scorecards):
        path = f"scorecards[{index}]"
        if card.segment is not None:
            yield from findings.unknown_reference(f"{path}.segment", card.segment, segments, "segment")
        yield from _scorecard(card, path)


def _order(cards: Sequence[tuple[int, Scorecard]]) -> Iterator[Found]:
    """Check which of the live ones, or of the shadows, an account can get: the first whose segment matches."""
    seen: dict[str, str] = {}
    for place, (index, card) in enumerate(cards):
        if card.segment is None and place != len(cards) - 1:
            message = "a scorecard without a segment is everybody's and must be last; those after it are never used"
            yield Found("default_not_last", f"scorecards[{index}]", message)
        elif card.segment is not None and (first := seen.setdefault(card.segment, card.id)) != card.id:
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
    if card.roll_up is not None and card.roll_up.how == "own" and not card.roll_up.include_parent:
        message = "own leaves the children out, so that nothing would be left; leave include_parent out"
        yield Found("roll_up_of_nothing", f"{path}.roll_up.include_parent", message)


def _dimension(dimension: Dimension, path: str) -> Iterator[Found]:
    if dimension.combine == "mean":
        yield from _weights([measure.weight for measure in dimension.measures], f"{path}.measures", "measures")
    for index, measure in enumerate(dimension.measures):
        yield from measure_findings(measure, f"{path}.measures[{index}]")


def _weights(weights: Sequence[float], path: str, noun: str) -> Iterator[Found]:
    total = sum(weights)
    if total > _PERCENT + _ROUNDING:
        message = (
            f"the weights of these {noun} sum to {total:g} %; percent must sum to 100, "
            "and plain ratios may be any smaller numbers"
        )
        yield Found("weights_over_100", path, message)
    elif len(weights) > 1 and total >= _PERCENT_FROM and total < _PERCENT and all(map(_is_percent, weights)):
        message = (
            f"the weights of these {noun} read as percent and sum to {total:g} %; make them 100, "
            "or write ratios as smaller numbers (1, 1, 1 for three alike)"
        )
        yield Found("weights_miss_100", path, message)


def _is_percent(weight: float) -> bool:
    return weight >= _PERCENT_LEAST and float(weight).is_integer()


def _twice(names: Sequence[str], path: str, noun: str) -> Iterator[Found]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Found(f"{noun}_twice", path.format(index), f"{noun} {name!r} is given twice; merge them")


def _bands(bands: Bands, path: str) -> Iterator[Found]:
    yield from findings.too_long(f"{path}.hold_for", bands.hold_for)
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
    yield from findings.unknown_signal(f"{path}.when", exception.when)
    effects = [name for name in ("cap", "floor", "set") if getattr(exception, name) is not None]
    if len(effects) != 1:
        given = f", not {' and '.join(effects)}" if effects else ""
        yield Found("effect_unclear", path, f"give exactly one of cap, floor or set{given}")
    if exception.cap == _TOP:
        yield Found("effect_none", f"{path}.cap", "nothing is above 100, so a cap of 100 does nothing")
    if exception.floor == 0:
        yield Found("effect_none", f"{path}.floor", "nothing is below 0, so a floor of 0 does nothing")
    if exception.above is None and exception.below is None:
        yield Found("condition_missing", path, "say when: above or below a value of the signal, or both")
    if exception.above is not None and exception.below is not None and exception.above >= exception.below:
        message = f"no value is above {exception.above:g} and below {exception.below:g}"
        yield Found("condition_never", path, message)
