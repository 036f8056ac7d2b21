"""Drivers: which measures moved a score, by how many points, and in which words."""

from typing import Final, NamedTuple

from truenorth.events.health import Driver

from truenorth_health.domain.compiled import CompiledMeasure
from truenorth_health.domain.display import display, told
from truenorth_health.domain.view import View

Runs = list[tuple[str, bool]]
"""Runs of text, the strong ones marked."""

TOLD_POINTS_MIN: Final = 1.0
_SHORT_TAIL_WORDS: Final = 2
_NOTHING: Final = {"open_p1_days": "no P1 open", "days_overdue": "nothing overdue"}


class Move(NamedTuple):
    """One measure: ``points`` against the comparison (negative: fell), ``lost`` against what it could give."""

    measure: CompiledMeasure
    points: float
    lost: float
    value: float | None

    @property
    def is_told(self) -> bool:
        """Whether it can be blamed: it has data, and it gives less than it could.

        Points also go when the weight of another measure that lost its data is shared out anew.
        """
        return self.value is not None and self.lost >= TOLD_POINTS_MIN


def moves(view: View, was: list[float] | None) -> list[Move]:
    """Return the measures ranked by points lost, most first: against ``was`` when known, else against the possible."""
    scored = view.scored
    against = scored.of if was is None else was
    ranked = [
        Move(measure, part - before, of - part, view.signals.values[measure.signal])
        for measure, part, of, before in zip(view.card.measures, scored.parts, scored.of, against, strict=True)
    ]
    ranked.sort(key=_points)
    return ranked


def _points(move: Move) -> float:
    return move.points


def drivers(ranked: list[Move], *, fell: bool, limit: int = 5) -> list[Driver]:
    """Return what moved the score most, in the direction it went first."""
    ordered = [one for one in ranked if one.is_told] if fell else ranked[::-1]
    return [
        Driver(one.measure.source.id, one.measure.source.name, one.points, plain(why(one)))
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
