"""A scorecard as Python: written out as one function, compiled once, and then ten times as fast as interpreting it.

Only numbers (as Python writes a float or an int) and names counted up here (``s0``, ``d1``) get into the source; no
text of a definition ever does. What it looks like, for two measures of one dimension::

    def run(v, factor, age):
        m = 0
        x = v[17]
        if x is None:
            m |= 1
            s0 = 0.0
        else:
            s0 = 0.0 if x <= 0.0 else 100.0 if x >= 10.0 else (x - 0.0) / 10.0 * 100.0
        x = v[4]
        if x is None:
            m |= 2
            s1 = 0.0
        else:
            s1 = 100.0 if x < 3.0 else 50.0 if x < 10.0 else 0.0
        (i0, i1), (w0,), of, coverage, known, gaps, empty = weights[m if factor == 1.0 else (m, factor)]
        t0 = s0 * i0
        t1 = s1 * i1
        d0 = t0 + t1
        ...
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any, Final

from truenorth.definitions import model

from truenorth_health.domain.scored import Scored
from truenorth_health.domain.scoring_weights import Weights

Runner = Callable[[Sequence[float | None], float, int], Scored]
"""(signals by position, usage factor, age in days or -1) -> what the scorecard gives."""

_TENTHS: Final = "10000000000.0"
_TURN: Final = "6755399441055744.0"
_NEVER_LOWEST: Final = 101.0


def compile_scorecard(card: model.Scorecard, positions: Mapping[str, int]) -> Runner:
    """Return the function of a scorecard; ``positions`` says where each signal is.

    Raises:
        KeyError: a measure or an exception names a signal that does not exist.
        ValueError: a measure has no mapping, its scores do not fit its cuts, or a number is not finite.
    """
    names: dict[str, Any] = {
        "Scored": Scored,
        "weights": Weights(card.dimensions),
        "spread": spread,
        "why": tuple(rule.why for rule in card.exceptions),
    }
    # The source holds numbers and counted names alone (see `_number`), whatever the definition says.
    exec(compile(source_of(card, positions), "<scorecard>", "exec"), names)  # noqa: S102
    run: Runner = names["run"]
    return run


def spread(shares: Sequence[float], score: float) -> list[float]:
    """Return contributions in proportion to ``shares`` that add up to ``score``."""
    scale = score / sum(shares)
    return [share * scale for share in shares]


def source_of(card: model.Scorecard, positions: Mapping[str, int]) -> str:
    """Return the source of a scorecard's function ``run``."""
    lines = ["def run(v, factor, age):", " m = 0"]
    numbers: list[range] = []
    for dimension in card.dimensions:
        first = numbers[-1].stop if numbers else 0
        numbers.append(range(first, first + len(dimension.measures)))
        for index, measure in zip(numbers[-1], dimension.measures, strict=True):
            lines += _measure(index, measure, positions[measure.signal], is_worst=dimension.combine == "worst")
    lines += _combined(card.dimensions, numbers)
    lines += _excepted(card.exceptions, positions)
    lines.append(" return Scored(score, coverage, scores, parts, of, dimensions, fired, excepted, moved)")
    return "\n".join(lines) + "\n"


def _measure(index: int, measure: model.Measure, position: int, *, is_worst: bool) -> Iterator[str]:
    """The score of a measure, or its bit in the pattern and what stands in for it."""
    # A measure without a score weighs nothing, so any number will do; in a worst-of it must not be the lowest.
    nothing = _NEVER_LOWEST if is_worst else 0.0
    missing = nothing if measure.when_missing == "ignore" else measure.when_missing
    steps = measure.by_age
    yield f" x = v[{int(position)}]"
    yield f" if x is None or age < {int(steps[0].from_days)}:" if steps else " if x is None:"
    yield f"  m |= {1 << index}"
    yield f"  s{index} = {_number(missing)}"
    for step, following in pairwise(steps):
        yield f" elif age < {int(following.from_days)}:"
        yield f"  s{index} = {_mapped(step.linear, step.banded)}"
    yield " else:"
    last = steps[-1] if steps else measure
    yield f"  s{index} = {_mapped(last.linear, last.banded)}"


def _mapped(linear: model.Linear | None, banded: model.Banded | None) -> str:
    """0..100 for ``x``: half-open bands by cut points, or linear and clamped in either direction."""
    if banded is not None:
        if len(banded.scores) != len(banded.cuts) + 1:
            raise ValueError(f"{len(banded.cuts)} cuts with {len(banded.scores)} scores")
        bands = zip(banded.scores, banded.cuts, strict=False)
        chain = "".join(f"{_number(score)} if x < {_number(cut)} else " for score, cut in bands)
        return chain + _number(banded.scores[-1])
    if linear is None:
        raise ValueError("a measure without a mapping")
    worst, best = _number(linear.worst), _number(linear.best)
    if linear.worst == linear.best:
        return f"100.0 if x >= {worst} else 0.0"
    low, high = ("<=", ">=") if linear.worst < linear.best else (">=", "<=")
    span = _number(linear.best - linear.worst)
    return f"0.0 if x {low} {worst} else 100.0 if x {high} {best} else (x - {worst}) / {span} * 100.0"


def _combined(dimensions: Sequence[model.Dimension], numbers: Sequence[range]) -> Iterator[str]:
    """Measures to dimensions, contributions and the score."""
    means = [i for one, inside in zip(dimensions, numbers, strict=True) if one.combine == "mean" for i in inside]
    inner = "".join(f"i{index}, " for index in means)
    outer = "".join(f"w{number}, " for number in range(len(dimensions)))
    yield (f" ({inner}), ({outer}), of, coverage, known, gaps, empty = weights[m if factor == 1.0 else (m, factor)]")
    for number, (dimension, inside) in enumerate(zip(dimensions, numbers, strict=True)):
        yield from (_mean if dimension.combine == "mean" else _worst)(number, inside)
    measures = range(numbers[-1].stop)
    if len(means) < len(measures):
        weighed = ((number, index) for number, inside in enumerate(numbers) for index in inside if index in means)
        yield from (f" o{index} = w{number} * i{index} * 100.0" for number, index in weighed)
        yield f" of = ({''.join(f'o{index}, ' for index in measures)})"
    yield f" parts = [{', '.join(f'p{index}' for index in measures)}]"
    yield f" scores = [{', '.join(f's{index}' for index in measures)}]"
    yield f" dimensions = [{', '.join(_rounded(f'd{number}') for number in range(len(dimensions)))}]"
    yield " for n in gaps:"
    yield "  scores[n] = None"
    yield " for n in empty:"
    yield "  dimensions[n] = None"
    yield f" score = {_rounded('sum(parts)')} if known else None"


def _mean(number: int, inside: range) -> Iterator[str]:
    for index in inside:
        yield f" t{index} = s{index} * i{index}"
        yield f" p{index} = t{index} * w{number}"
    yield f" d{number} = {' + '.join(f't{index}' for index in inside)}"


def _worst(number: int, inside: range) -> Iterator[str]:
    """The lowest counts, and takes the weight; where several are lowest they share it."""
    yield f" d{number} = min(({''.join(f's{index}, ' for index in inside)}))"
    equal = " + ".join(f"(s{index} == d{number})" for index in inside)
    yield f" w{number} = w{number} / ({equal})"
    for index in inside:
        yield f" o{index} = w{number} * 100.0 if s{index} == d{number} else 0.0"
        yield f" p{index} = w{number} * s{index} if s{index} == d{number} else 0.0"


def _rounded(expression: str) -> str:
    """To 1e-10: 70.5 must not be 70.49999999999999 where a cut or half-up rounding looks.

    Adding and taking away 1.5 * 2**52 rounds to a whole number, in a fifth of the time that `round` takes.
    """
    return f"({expression} * {_TENTHS} + {_TURN} - {_TURN}) / {_TENTHS}"


def _excepted(rules: Sequence[model.ScoreException], positions: Mapping[str, int]) -> Iterator[str]:
    """Caps, floors and sets in order; what they did is spread over the contributions in proportion."""
    yield " fired = ()"
    yield " excepted = False"
    yield " moved = 0.0"
    if not rules:
        return
    yield " if known:"
    yield "  f = score"
    for number, rule in enumerate(rules):
        above = "" if rule.above is None else f" and x > {_number(rule.above)}"
        below = "" if rule.below is None else f" and x < {_number(rule.below)}"
        yield f"  x = v[{int(positions[rule.when])}]"
        yield f"  if x is not None{above}{below}:"
        yield "   b = f"
        if rule.cap is not None:
            yield f"   f = min(f, {_number(rule.cap)})"
        if rule.floor is not None:
            yield f"   f = max(f, {_number(rule.floor)})"
        if rule.set is not None:
            yield f"   f = {_number(rule.set)}"
        if rule.why:
            yield "   if f != b:"
            yield f"    fired += (why[{number}],)"
    yield "  if f != score:"
    yield "   parts = spread(parts if score > 0.0 else of, f)"
    yield "   moved = f - score"
    yield "   score = f"
    yield "   excepted = True"


def _number(value: float) -> str:
    """A float as source; nothing that is not a finite number passes."""
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{value!r} is not a finite number")
    return repr(number)
