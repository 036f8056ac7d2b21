"""Signals in words: ``9 days``, ``−38 %``, ``31``."""

from functools import lru_cache
from typing import Final

from truenorth import words
from truenorth.definitions.signals import BY_NAME

_MEANS: Final = frozenset({"score_1_5", "score_1_7", "score_0_10"})


@lru_cache(maxsize=65_536)
def display(signal: str, value: float | None) -> str:  # noqa: PLR0911 - one line per unit
    """Return a signal in words: ``9 days``, ``−38 %``, ``31``; a dash for none."""
    if value is None:
        return "–"
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
    if signal in {"pulse", "essential"}:
        return f"{words.shown(value)} of 5"
    if unit in _MEANS or not float(value).is_integer():
        return words.points(value).removesuffix(".0")
    return str(words.shown(value))


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
