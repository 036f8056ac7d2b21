"""Signals in words: ``9 days``, ``−38 %``, ``31``."""

from functools import lru_cache
from typing import Final

from truenorth import words
from truenorth.definitions.signals import BY_NAME

_OF_5: Final = frozenset({"pulse", "essential"})
_SAID: Final[dict[str, dict[float, str]]] = {
    "renewal_intent": {1.0: "leave", 2.0: "reduce", 3.0: "undecided", 4.0: "renew", 5.0: "expand"},
    "usage_fit": {0.0: "does not fit", 0.5: "needs a look", 1.0: "fits"},
}
"""Signals that stand for a word."""


@lru_cache(maxsize=65_536)
def display(signal: str, value: float | None) -> str:  # noqa: PLR0911 - one line per unit
    """Return a signal in words: ``9 days``, ``−38 %``, ``31``; a dash for none."""
    if value is None:
        return "–"
    said = _SAID.get(signal, {}).get(value)
    if said is not None:
        return said
    unit = BY_NAME[signal].unit
    if unit in {"share", "percent"}:
        return words.percent(value * 100 if unit == "share" else value)
    if unit == "days":
        return _days(value)
    if unit == "hours":
        return words.hours(value)
    if unit == "money":
        return words.money(int(value))
    if unit == "yes_no":
        return "yes" if value else "no"
    number = str(words.shown(value)) if float(value).is_integer() else words.points(value).removesuffix(".0")
    return f"{number} of 5" if signal in _OF_5 else number


def told(signal: str, value: float | None) -> str:
    """Return a signal as a sentence says it: a change with its direction, ``down 38 %``; else as displayed."""
    if value is None or BY_NAME[signal].unit != "percent":
        return display(signal, value)
    if words.shown(abs(value)) == 0:
        return "unchanged"
    return f"{'down' if value < 0 else 'up'} {words.percent(abs(value))}"


def _days(value: float) -> str:
    if 0 < value < 1:
        return "since today"
    return (words.MINUS if value < 0 else "") + words.days(value)
