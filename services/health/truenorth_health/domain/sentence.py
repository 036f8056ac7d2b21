"""The sentence that says why, made from the same contributions that make the score."""

from typing import Final

from truenorth import words
from truenorth.clock import date_of_day
from truenorth.events.health import Help, Sentence

from truenorth_health.domain.bands import asked
from truenorth_health.domain.drivers import Runs, losses, moves, stand, why
from truenorth_health.domain.findings import watermelon_reds
from truenorth_health.domain.limits import DAY_MS
from truenorth_health.domain.milestones import Standing
from truenorth_health.domain.move import TOLD_POINTS_MIN, Move
from truenorth_health.domain.path import Path
from truenorth_health.domain.recoverable import recoverable
from truenorth_health.domain.view import View

PARTS_MAX: Final = 2
"""A sentence has at most this many parts: a person reads forty of them."""

HELPS_MAX: Final = 3

_NOUNS = {
    "events": "done",
    "distinct_actors": "people active",
    "distinct_features": "features in use",
    "distinct_modules": "modules in use",
    "share_of_seats": "% of seats active",
    "share_of_features": "% of features in use",
    "share_of_modules": "% of modules in use",
}
_LOST_SHARE_MIN = 0.4
_ALL = 101.0
_MOVED_POINTS_MIN = 5.0
_RENEWAL_SOON_DAYS = 90


def compose(
    view: View, path: Path, *, was: list[float] | None, delta: float | None, standings: list[Standing]
) -> Sentence:
    """Return the sentence: a person's word, a milestone at risk, the deciding exception, what is missing or lost."""
    told: list[Runs] = []
    if view.override is not None:
        told.append([(f"Set by {view.override.by}", True), (f": {view.override.reason}", False)])
    told += [_at_risk(one) for one in standings if one.mark.status == "at_risk"][:1]
    if view.scored.fired and view.override is None and path.band != "unknown":
        told.append([(view.scored.fired[-1], True)])  # it decides, whatever the measures say
    if path.band == "unknown":
        told += [] if told else [_unknown(view)]
    else:
        found, blamed = _findings(view, path)
        told += found
        told += _losses(view, path.band, was, delta, named=blamed)[: max(0, PARTS_MAX - len(told))]
    return Sentence(_join(told[:PARTS_MAX] or [_steady(view, was, delta)]))


def _findings(view: View, path: Path) -> tuple[list[Runs], set[str]]:
    """Return what a finding says better than any measure, and the measures named by it."""
    found: list[Runs] = []
    named: set[str] = set()
    if "champion_gone" in path.findings:
        found.append([("champion left", True)])
    if "watermelon" in path.findings:
        red = watermelon_reds(view.dimension_scores, was_open=True, red=_ALL)[:1]  # open: the worst is one of them
        for dimension in view.card.dimensions:
            if dimension.source.id in red:
                inside = [one for one in losses(view) if any(one.measure is inside for inside in dimension.measures)]
                because = [(": ", False), *((text, False) for text, _ in _lower(why(inside[0])))] if inside else []
                named |= {one.measure.source.id for one in inside[:1]}
                found.append([("usage green, ", False), (f"{dimension.source.name.lower()} red", True), *because])
    return found, named


def _losses(view: View, band: str, was: list[float] | None, delta: float | None, *, named: set[str]) -> list[Runs]:
    """Return the top drivers: what fell in two weeks, filled up with what is low now, unless all is well."""
    said: list[Runs] = []
    rises = delta is not None and delta >= _MOVED_POINTS_MIN
    if band == "green" and (delta is None or delta > -_MOVED_POINTS_MIN):
        return said
    if rises and delta is not None:
        said.append([("Recovering: ", False), (f"up {_points(delta)} in 14 days", True)])
    ranked = [] if was is None or rises else moves(view, was)
    fell = [
        one for one in ranked if one.is_told and one.points <= -TOLD_POINTS_MIN and one.measure.source.id not in named
    ]
    named = named | {one.measure.source.id for one in fell}
    low = [one for one in losses(view) if one.measure.source.id not in named and one.lost >= _LOST_SHARE_MIN * one.of]
    return [*said, *(why(one) for one in [*fell, *low][:PARTS_MAX])]


def _points(delta: float) -> str:
    return words.plural(words.shown(delta), "point")


def _at_risk(one: Standing) -> Runs:
    wanted = one.compiled.source
    have = f", {one.have} of {wanted.need} {_NOUNS[wanted.count]}"
    return [(f"Day {one.day_number} of {wanted.within_days}", True), (have, False)]


def _unknown(view: View) -> Runs:
    empty = [
        d.source.name.lower()
        for d, score in zip(view.card.dimensions, view.scored.dimensions, strict=True)
        if score is None
    ]
    head = f"Only {words.percent(view.scored.coverage * 100)} of its data is fresh"
    return [(head, False)] + ([("; ", False), (f"nothing on {' and '.join(empty[:2])}", True)] if empty else [])


def _steady(view: View, was: list[float] | None, delta: float | None) -> Runs:
    """Return what is said of an account that needs nobody: that it rises, renews soon, or what carries it."""
    if was is not None and delta is not None and delta >= _MOVED_POINTS_MIN:
        rise = moves(view, was)[-1]
        return [(f"Up {_points(delta)} in 14 days: ", False), *_lower([(stand(rise), True)])]
    left = None if view.facts.renews_day is None else view.facts.renews_day - view.facts.day
    if left is not None and 0 <= left <= _RENEWAL_SOON_DAYS:
        return [("Steady. ", False), (f"Renews in {words.days(left)}", True)]
    carrying = [
        one
        for one in moves(view, [0.0] * len(view.scored.parts))
        if one.value is not None and one.points > 0 and not (one.value < 0 and "_trend_" in one.measure.source.signal)
    ]
    if not carrying:
        return [("Steady.", False)]
    text = stand(carrying[-1])
    return [("Steady. ", False), (text[:1].upper() + text[1:], False)]


def _join(told: list[Runs]) -> Runs:
    """Join the told parts with semicolons, upper case first, strong only in the first: the strongest."""
    runs: Runs = []
    has_strong = False
    for index, part in enumerate(told):
        if index:
            runs.append(("; ", False))
        runs += [(text, strong and not has_strong) for text, strong in (_lower(part) if index else part)]
        has_strong = has_strong or any(strong for _, strong in part)
    first, strong = runs[0]
    runs[0] = (first[:1].upper() + first[1:], strong)
    merged: Runs = []
    for text, is_strong in runs:
        if merged and merged[-1][1] == is_strong:
            merged[-1] = (merged[-1][0] + text, is_strong)
        else:
            merged.append((text, is_strong))
    return merged


def _lower(runs: Runs) -> Runs:
    """Lower the first letter inside a sentence, except of an abbreviation (``P1``, ``NPS``)."""
    text, strong = runs[0]
    if text[1:2].islower() or text[1:2] == " ":
        text = text[:1].lower() + text[1:]
    return [(text, strong), *runs[1:]]


def churned(churned_ms: int, reason: str) -> Sentence:
    """Return the sentence of an account that left."""
    when = date_of_day(churned_ms // DAY_MS)
    because = f": {reason}" if reason else ""
    return Sentence([("Churned", True), (f" on {when.day} {when:%B %Y}{because}", False)])


def helps(view: View, band: str) -> list[Help]:
    """Return what would help most first: the recoverable contributions, each with the band it would lead to."""
    if view.score is None or view.override is not None:
        return []
    lost = recoverable(view, losses(view))
    with_cure = [one for one in lost if one.measure.source.fix]
    ranked = [*with_cure, *(one for one in lost if not one.measure.source.fix)][:HELPS_MAX]
    return [_help(view, band, view.score, one) for one in ranked]


def _help(view: View, band: str, score: float, one: Move) -> Help:
    what = one.measure.source.fix or f"better {_lower([(one.measure.source.name, False)])[0][0]}"
    said = f"{what} gives back up to {words.points(one.lost)} points"
    after = asked(view.card.source.bands, band, min(100.0, score + one.lost))
    if after == band:
        return Help(one.measure.source.id, one.lost, said)
    return Help(one.measure.source.id, one.lost, f"{said} and would make this account {after}", after)
