"""The ladder: from satisfaction over loyalty to advocacy, each rung given by conditions on known numbers."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

from truenorth import words
from truenorth.definitions.model import Condition
from truenorth.definitions.model import Rung as RungRule
from truenorth.events.health import Rung

from truenorth_health.domain.conditions import holds
from truenorth_health.domain.display import display

_ORDER: Final = ("satisfaction", "loyalty", "advocacy")
_Number = Callable[[str], float | None]
Level = Literal["none", "satisfaction", "loyalty", "advocacy"]


def in_order(rungs: Sequence[RungRule]) -> tuple[RungRule, ...]:
    """Return the rungs from the lowest on."""
    return tuple(sorted(rungs, key=_height))


def level_of(rungs: Sequence[RungRule], number_of: _Number) -> Level:
    """Return the highest of the rungs, given in order, that is reached with all below it.

    ``number_of`` is a signal by name, or ``score``.
    """
    level: Level = "none"
    for rung in rungs:
        for condition in rung.conditions:
            if not holds(condition, number_of(condition.of)):
                return level
        level = rung.level
    return level


def stand(rungs: Sequence[RungRule], number_of: _Number) -> Rung | None:
    """Return the highest rung reached, and what the next one lacks; None where no ladder is defined.

    It is the level of `level_of`, with the words for it.
    """
    if not rungs:
        return None
    level: Level = "none"
    reasons: list[str] = []
    for rung in in_order(rungs):
        lacking = [one for one in rung.conditions if not holds(one, number_of(one.of))]
        if lacking:
            return Rung(level, reasons, [_lack(one, number_of(one.of)) for one in lacking])
        level, reasons = rung.level, [_reason(one, number_of(one.of)) for one in rung.conditions]
    return Rung(level, reasons)


def _height(rung: RungRule) -> int:
    return _ORDER.index(rung.level)


def _reason(condition: Condition, value: float | None) -> str:
    """Return the condition in its own words, else as ``nps 9``."""
    said = _said(condition.of, value)
    return condition.why.replace("{value}", said) if condition.why else f"{_name(condition.of)} {said}"


def _lack(condition: Condition, value: float | None) -> str:
    """Return what is wanted and what is there: ``nps 9 or more, now 7``."""
    wanted = [f"{_said(condition.of, condition.at_least)} or more"] if condition.at_least is not None else []
    wanted += [f"below {_said(condition.of, condition.below)}"] if condition.below is not None else []
    now = "not known" if value is None else f"now {_said(condition.of, value)}"
    return f"{_name(condition.of)} {' and '.join(wanted)}, {now}"


def _said(of: str, value: float | None) -> str:
    return words.shown_or_dash(value) if of == "score" else display(of, value)


def _name(of: str) -> str:
    return of.replace("_", " ")
