"""How many points curing one measure would give back: no more than what then holds the score down leaves."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from truenorth_health.domain.move import TOLD_POINTS_MIN, Move
from truenorth_health.domain.signals import INDEX
from truenorth_health.domain.view import View

_FULL: Final = 100.0


def recoverable(view: View, lost: Sequence[Move]) -> list[Move]:
    """Return the moves with what the whole score gains when that measure becomes as good as it can be, most first.

    In a dimension that is as good as its worst measure the next worst one is the end of it, under a cap the cap is,
    unless the cure lifts it. Where children entered as the worst member nothing is promised beyond the next worst, and
    as the share of members that are red nothing at all.
    """
    is_plain = view.rolled is None and not view.scored.excepted
    if is_plain and all(dimension.source.combine == "mean" for dimension in view.card.dimensions):
        return list(lost)
    found = [one._replace(lost=_gained(view, one)) for one in lost]
    return sorted((one for one in found if one.lost >= TOLD_POINTS_MIN), key=_most_first)


def _most_first(one: Move) -> float:
    return -one.lost


def _gained(view: View, one: Move) -> float:
    gained = _in_dimension(view, one)
    rolled = view.rolled
    if rolled is None and view.scored.excepted:
        return _under_exceptions(view, one, gained)
    if rolled is None or rolled.how not in {"worst", "share_poor"}:
        return gained
    if rolled.how == "share_poor":
        return 0.0
    others = [child.score for child in rolled.children if child.score is not None]
    return max(0.0, min(gained, min(others, default=_FULL) - (view.scored.score or 0.0)))


def _under_exceptions(view: View, one: Move, gained: float) -> float:
    """Exceptions that hold because of another signal go on holding; those on the measure's own are cured with it."""
    score = view.scored.score or 0.0
    reached, values = score - view.scored.moved + gained, view.signals.values
    for rule in view.card.source.exceptions:
        value = values[INDEX[rule.when]]
        is_other = rule.when != one.measure.source.signal
        above, below = rule.above, rule.below
        if value is None or (above is not None and value <= above) or (below is not None and value >= below):
            continue
        if is_other and rule.set is not None:
            reached = rule.set
        elif is_other and rule.cap is not None:
            reached = min(reached, rule.cap)
    return max(0.0, reached - score)


def _in_dimension(view: View, one: Move) -> float:
    scores, of = iter(view.scored.scores), iter(view.scored.of)
    for dimension in view.card.dimensions:
        count = len(dimension.measures)
        inside = list(zip(dimension.measures, islice(scores, count), islice(of, count), strict=True))
        own = [score for measure, score, _ in inside if measure is one.measure]
        if own and dimension.source.combine == "worst":
            others = [score for measure, score, _ in inside if measure is not one.measure and score is not None]
            weight = sum(points for _, _, points in inside) / _FULL
            return max(0.0, weight * (min(others, default=_FULL) - (own[0] or 0.0)))
    return one.lost
