"""Drivers: which measures moved a score, by how many points, and in which words."""

from operator import itemgetter
from typing import Final

from truenorth.events.health import Driver

from truenorth_health.domain.display import display, told
from truenorth_health.domain.move import Move
from truenorth_health.domain.view import View

Runs = list[tuple[str, bool]]
"""Runs of text, the strong ones marked."""

_new = tuple.__new__  # a named tuple's own constructor is a Python function, and this runs for every measure
_points: Final = itemgetter(1)
_SHORT_TAIL_WORDS: Final = 2
_NOTHING: Final = {"open_p1_days": "no P1 open", "days_overdue": "nothing overdue"}


def moves(view: View, was: list[float] | None) -> list[Move]:
    """Return the measures ranked by points lost, most first: against ``was`` when known, else against the possible."""
    scored, values = view.scored, view.signals.values
    against = scored.of if was is None else was
    parts = scored.parts
    if scored.excepted and scored.score:
        # what a cap took is no measure's doing: they are compared as they would stand without it
        without = (scored.score - scored.moved) / scored.score
        parts = [part * without for part in parts]
    ranked = [
        _new(Move, (measure, part - before, of - part, values[measure.signal], of))
        for measure, part, of, before in zip(view.card.measures, parts, scored.of, against, strict=True)
    ]
    ranked.sort(key=_points)
    return ranked


def losses(view: View) -> list[Move]:
    """Return what can be blamed, ranked by points below the possible, most first; worked out once per view."""
    if view.losses is None:
        view.losses = [one for one in moves(view, None) if one.is_told]
    return view.losses


def exception(view: View, score_before: float | None) -> list[Driver]:
    """Return the exception that decides the score as a driver, where it began to since ``score_before``.

    A score that stood at the cap already did not move because of it.
    """
    scored, score = view.scored, view.scored.score
    if not scored.fired or score is None or view.override is not None:
        return []
    is_new = score_before is None or (score_before > score if scored.moved < 0 else score_before < score)
    return [Driver("exception", "Exception", scored.moved, scored.fired[-1])] if is_new else []


def drivers(ranked: list[Move], *, fell: bool, limit: int = 5) -> list[Driver]:
    """Return what moved the score most, in the direction it went first."""
    ordered = [one for one in ranked if one.is_told] if fell else ranked[::-1]
    return [
        Driver(
            one.measure.source.id,
            one.measure.source.name,
            one.points,
            plain(why(one)) if one.points < 0 else stand(one),
        )
        for one in ordered[:limit]
        if abs(one.points) >= 0.05
    ]


def why(move: Move) -> Runs:
    """Return a driver's words.

    ``**`` in a template marks the strong run. Without, the strong run ends with the number, or is the whole where the
    number comes first or little follows it.
    """
    source = move.measure.source
    value = told(source.signal, move.value)
    if not source.why:
        return [(f"{source.name} {display(source.signal, move.value)}", True)]
    if "**" in source.why:
        pieces = source.why.replace("{value}", value).split("**")
        return [(text, index % 2 == 1) for index, text in enumerate(pieces) if text]
    head, mark, tail = source.why.partition("{value}")
    if value == "1":
        tail = _singular(tail)
    if not mark or not head or len(tail.split()) <= _SHORT_TAIL_WORDS:
        return [(head + (value if mark else "") + tail, True)]
    return [(head + value, True), (tail, False)]


def _singular(tail: str) -> str:
    """Take the plural off the noun that follows a one: ``1 open ticket``."""
    nouns = tail.split(" ")
    for index, noun in enumerate(nouns[:3]):
        if noun.endswith("s") and not noun.endswith("ss"):
            nouns[index] = noun[:-1]
            break
    return " ".join(nouns)


def stand(move: Move) -> str:
    """Return how a measure stands, where nothing is to be blamed: ``78 % of seats active``."""
    source = move.measure.source
    if source.signal == "days_since_activity" and move.value is not None:
        return f"last active {display(source.signal, move.value)} ago" if move.value else "active today"
    if source.signal in _NOTHING and not move.value:
        return _NOTHING[source.signal]
    if source.why and "days" not in source.signal:
        return plain(why(move))
    return f"{source.name} {display(source.signal, move.value)}"


def plain(runs: Runs) -> str:
    """Return runs as text."""
    return "".join(text for text, _ in runs)
