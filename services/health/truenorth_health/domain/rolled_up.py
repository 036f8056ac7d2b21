"""How the scores of an account's children enter its own: pure arithmetic, with weights that explain it."""

from collections.abc import Sequence
from math import fsum
from typing import Final, NamedTuple

from truenorth.definitions import model
from truenorth.events.health import Band

_FULL: Final = 100.0


class ChildScore(NamedTuple):
    """A child as its parent sees it. ``arr`` is yearly, in minor units; None is not known."""

    account: str
    score: float | None
    band: Band
    arr: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it has a score at all."""
        return self.score is not None and self.band != "unknown"


class Rolled(NamedTuple):
    """A rolled-up score (None: nobody has one) and what it is made of.

    ``own_part`` and ``parts`` (in the order of the children) are points; they add up to ``score``. ``own_weight`` and
    ``weights`` are shares of the whole (0..1): score = own_weight * own + the sum of weight * child, except for
    ``share_poor``, where a member that is not red gives its weight times 100 points and a red one none.
    """

    score: float | None
    own_weight: float
    weights: tuple[float, ...]
    own_part: float
    parts: tuple[float, ...]


class _Member(NamedTuple):
    score: float
    arr: int
    is_red: bool


def roll_up(
    rule: model.RollUp | None,
    own: float | None,
    own_arr: int | None,
    children: Sequence[ChildScore],
    *,
    own_is_red: bool = False,
) -> Rolled:
    """Return the score of an account with these children.

    Children without a score or with an unknown band do not count; where none counts the account's ``own`` does, and so
    it does under ``own``. Weighted by ARR a member whose ARR is not known weighs nothing; where all of it is unknown or
    nothing they weigh the same. Several that are equally the worst share the weight. ``own_is_red`` is whether ``own``
    lies in the red, for ``share_poor``.
    """
    counted = [index for index, child in enumerate(children) if child.counts]
    if rule is None or rule.how == "own" or not counted:
        return Rolled(own, 0.0 if own is None else 1.0, (0.0,) * len(children), own or 0.0, (0.0,) * len(children))
    members = [_member(children[index]) for index in counted]
    if own is not None and rule.include_parent:
        members.append(_Member(own, max(own_arr or 0, 0), own_is_red))
    shares = _shares(rule.how, members)
    points = [share * _given(rule.how, member) for share, member in zip(shares, members, strict=True)]
    with_own = len(members) > len(counted)
    own_weight, own_part = (shares.pop(), points.pop()) if with_own else (0.0, 0.0)
    weights, parts = [0.0] * len(children), [0.0] * len(children)
    for index, share, given in zip(counted, shares, points, strict=True):
        weights[index], parts[index] = share, given
    score = round(fsum([own_part, *parts]), 10)  # exact before it is rounded: the order of children tells nothing
    return Rolled(score, own_weight, tuple(weights), own_part, tuple(parts))


def _member(child: ChildScore) -> _Member:
    return _Member(child.score or 0.0, max(child.arr or 0, 0), child.band == "red")


def _given(how: str, member: _Member) -> float:
    """Return the points of a member that weighs everything."""
    if how == "share_poor":
        return 0.0 if member.is_red else _FULL
    return member.score


def _shares(how: str, members: Sequence[_Member]) -> list[float]:
    """Return the members' weights; they add up to 1."""
    if how == "arr_weighted" and (whole := sum(member.arr for member in members)):
        return [member.arr / whole for member in members]
    if how == "worst":
        lowest = min(member.score for member in members)
        equal = sum(member.score == lowest for member in members)
        return [1 / equal if member.score == lowest else 0.0 for member in members]
    return [1 / len(members)] * len(members)
