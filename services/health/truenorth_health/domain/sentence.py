"""The sentence that says why, made from the same contributions that make the score."""

from dataclasses import dataclass

from truenorth import words
from truenorth.clock import date_of_day
from truenorth.events.health import Driver, Sentence

from truenorth_health.domain.bands import asked
from truenorth_health.domain.compiled import CompiledMeasure
from truenorth_health.domain.limits import DAY_MS
from truenorth_health.domain.milestones import Standing
from truenorth_health.domain.signals import display
from truenorth_health.domain.signals import told as in_words
from truenorth_health.domain.view import View

Runs = list[tuple[str, bool]]
_NOUNS = {"distinct_features": "features in use", "distinct_actors": "people active", "events": "done"}
_TOLD_POINTS_MIN = 1.0
_LOST_SHARE_MIN = 0.4
_RISE_POINTS_MIN = 5.0
_RENEWAL_SOON_DAYS = 90


@dataclass(frozen=True, slots=True)
class Move:
    """One measure's points against the comparison (negative: lost), and its words when it lost."""

    measure: CompiledMeasure
    points: float
    value: float | None


def moves(view: View, was: list[float] | None) -> list[Move]:
    """Return the measures ranked by points lost, most first: against ``was`` when known, else against the possible."""
    scored = view.scored
    against = scored.of if was is None else was
    ranked = [
        Move(measure, part - before, view.signals[measure.signal])
        for measure, part, before in zip(view.card.measures, scored.parts, against, strict=True)
    ]
    ranked.sort(key=_points)
    return ranked


def _points(move: Move) -> float:
    return move.points


def drivers(ranked: list[Move], *, fell: bool, limit: int = 5) -> list[Driver]:
    """Return what moved the score most, in the direction it went first."""
    ordered = ranked if fell else ranked[::-1]
    kept = [one for one in ordered if abs(one.points) >= 0.05][:limit]
    return [Driver(one.measure.source.id, one.measure.source.name, one.points, _plain(_why(one))) for one in kept]


def _why(move: Move) -> Runs:
    """Return a driver's words.

    ``**`` in a template marks the strong run; without, it ends with the number, or is the whole where the number
    comes first.
    """
    source = move.measure.source
    value = in_words(source.signal, move.value)
    if not source.why:
        return [(f"{source.name} {display(source.signal, move.value)}", True)]
    if "**" in source.why:
        pieces = source.why.replace("{value}", value).split("**")
        return [(text, index % 2 == 1) for index, text in enumerate(pieces) if text]
    head, mark, tail = source.why.partition("{value}")
    if not head:
        return [(value + tail.replace("{value}", value), True)]
    return [(head + (value if mark else ""), True), *([(tail.replace("{value}", value), False)] if tail else [])]


def _plain(runs: Runs) -> str:
    return "".join(text for text, _ in runs)


def compose(
    view: View, *, band: str, was: list[float] | None, delta: float | None, standings: list[Standing], open_: set[str]
) -> Sentence:
    """Return the sentence: a person's word, a milestone at risk, what is missing, what was lost, or steady."""
    told: list[Runs] = []
    if view.override is not None:
        told.append([(f"Set by {view.override.by}", True), (f": {view.override.reason}", False)])
    told += [_at_risk(one) for one in standings if one.progress.status == "at_risk"][:1]
    if band == "unknown" and not told:
        told.append(_unknown(view))
    if "champion_gone" in open_ and band in {"red", "yellow"}:
        told.append([("champion left", True)])
    if band != "unknown":
        told += _losses(view, was, delta, band, room=2 - len(told))
    if view.scored.fired and len(told) < 2:
        told.append([(view.scored.fired[-1], True)])
    if not told:
        told.append(_steady(view, was, delta))
    if "champion_gone" in open_ and band == "green" and len(told) < 2:
        told.append([("champion left", True)])
    return Sentence(_join(told))


def _losses(view: View, was: list[float] | None, delta: float | None, band: str, *, room: int) -> list[Runs]:
    """Return the top drivers: what fell in two weeks, filled up with what is low now, unless all is well."""
    if room <= 0 or (band == "green" and (delta is None or delta > -_RISE_POINTS_MIN)):
        return []
    if delta is not None and delta >= _RISE_POINTS_MIN:
        return []
    fell = [] if was is None else [one for one in moves(view, was) if one.points <= -_TOLD_POINTS_MIN]
    named = {one.measure.source.id for one in fell}
    possible = dict(zip((m.source.id for m in view.card.measures), view.scored.of, strict=True))
    low = [
        one
        for one in moves(view, None)
        if one.measure.source.id not in named
        and one.points <= -max(_TOLD_POINTS_MIN, _LOST_SHARE_MIN * possible[one.measure.source.id])
    ]
    return [_why(one) for one in [*fell, *low][:room]]


def _at_risk(one: Standing) -> Runs:
    wanted = one.compiled.source
    have = f", {one.progress.have} of {one.progress.need} {_NOUNS[wanted.count]}"
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
    ranked = moves(view, was)
    if was is not None and delta is not None and delta >= _RISE_POINTS_MIN:
        rise = ranked[-1]
        said = f"{rise.measure.source.name.lower()} {display(rise.measure.source.signal, rise.value)}"
        return [(f"Up {words.plural(words.shown(delta), 'point')} in 14 days: ", False), (said, True)]
    left = None if view.facts.renews_day is None else view.facts.renews_day - view.facts.day
    if left is not None and 0 <= left <= _RENEWAL_SOON_DAYS:
        return [("Steady. ", False), (f"Renews in {words.days(left)}", True)]
    parts = list(zip(view.scored.parts, view.card.measures, strict=True))
    best = max(parts, key=_given, default=None)
    if best is None or best[0] <= 0:
        return [("Steady.", False)]
    source = best[1].source
    return [("Steady. ", False), (f"{source.name} {display(source.signal, view.signals[best[1].signal])}", False)]


def _given(part: tuple[float, CompiledMeasure]) -> float:
    return part[0]


def _join(told: list[Runs]) -> Runs:
    """Join the told parts with semicolons, upper case first, strong only in the first: the strongest."""
    runs: Runs = []
    has_strong = False
    for index, part in enumerate(told):
        if index:
            runs.append(("; ", False))
        words_of = [(_lowered(part[0][0]), part[0][1]), *part[1:]] if index else part
        runs += [(text, strong and not has_strong) for text, strong in words_of]
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


def _lowered(text: str) -> str:
    """Lower the first letter inside a sentence, except of an abbreviation (``P1``)."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def churned(churned_ms: int, reason: str) -> Sentence:
    """Return the sentence of an account that left."""
    when = date_of_day(churned_ms // DAY_MS)
    because = f": {reason}" if reason else ""
    return Sentence([("Churned", True), (f" on {when.day} {when:%B %Y}{because}", False)])


def help_text(view: View, band: str) -> str:
    """Return what would help most: the largest recoverable contribution, and the band it would lead to."""
    if view.score is None or view.override is not None:
        return ""
    lost = [one for one in moves(view, None) if one.points <= -_TOLD_POINTS_MIN]
    if not lost:
        return ""
    best = next((one for one in lost if one.measure.source.fix), lost[0])
    what = best.measure.source.fix or f"better {best.measure.source.name.lower()}"
    said = f"{what} gives back up to {words.points(-best.points)} points"
    after = asked(view.card.source.bands, band, view.score - best.points)
    if after != band and not view.scored.excepted:
        said += f" and would make this account {after}"
    return said
