"""Numbers as people say them: one place, so that console, mail and topic agree to the letter."""

from typing import Final

from truenorth.events.health import Sentence

MINUS: Final = "\N{MINUS SIGN}"
NARROW: Final = "\N{NO-BREAK SPACE}"
_DAYS_PER_MONTH: Final = 30.44
_MONTHS_FROM_DAYS: Final = 92
_THOUSAND: Final = 1_000
_MILLION: Final = 1_000_000
_HALF: Final = 0.5
_WRITTEN: Final = 1e-9
"""More than what a double differs from the decimal that was written, and less than anybody writes."""


def shown(score: float) -> int:
    """Return the score as people see it: rounded half-up, once (70.5 is shown 71)."""
    whole = int(score)
    rest = score - whole  # exact, so that only a true half rounds up
    return whole + (rest >= _HALF) - (rest <= -_HALF)


def shown_or_dash(score: float | None) -> str:
    """Return the shown score, or a dash for no score: never a zero."""
    return "–" if score is None else str(shown(score))


def points(value: float) -> str:
    """Return points with one decimal, rounded half-up: ``12.0``."""
    return f"{MINUS if value < 0 else ''}{_tenths(value)}"


def signed(value: float) -> str:
    """Return a whole delta with its sign: ``+3``, ``−22``, ``±0``."""
    whole = shown(abs(value))
    if whole == 0:
        return "±0"
    return f"+{whole}" if value > 0 else f"{MINUS}{whole}"


def money(minor: int | None) -> str:
    """Return money short, from minor units: ``$212k``, ``$4.1M``, ``$850``; a dash for none."""
    if minor is None:
        return "–"
    amount = minor / 100
    if shown(amount / _THOUSAND) >= _THOUSAND:
        return f"${_trim(amount / _MILLION)}M"
    if amount >= _THOUSAND:
        return f"${shown(amount / _THOUSAND)}k"
    return f"${shown(amount)}"


def days(count: float) -> str:
    """Return a span of whole days in words: ``1 day``, ``41 days``, ``5 months`` from three months on."""
    whole = shown(abs(count))
    if whole > _MONTHS_FROM_DAYS:
        return plural(shown(whole / _DAYS_PER_MONTH), "month")
    return plural(whole, "day")


def hours(value: float) -> str:
    """Return hours in words: ``45 m``, ``2 h 10 m``, ``3 days`` from two days on."""
    minutes = shown(value * 60)
    if minutes >= 48 * 60:
        return days(minutes / 1440)
    whole, rest = divmod(minutes, 60)
    if not whole:
        return f"{rest}{NARROW}m"
    return f"{whole}{NARROW}h {rest}{NARROW}m" if rest else f"{whole}{NARROW}h"


def percent(value: float) -> str:
    """Return percent points with the sign of a fall: ``38 %``, ``−38 %``."""
    whole = shown(abs(value))
    return f"{MINUS if value < 0 and whole else ''}{whole}{NARROW}%"


def plural(count: int, noun: str) -> str:
    """Return ``1 day``, ``2 days``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def plain(sentence: Sentence) -> str:
    """Return the sentence as plain text, its strong runs unmarked."""
    return "".join(text for text, _ in sentence.runs)


def _trim(value: float) -> str:
    return _tenths(value).removesuffix(".0")


def _tenths(value: float) -> str:
    """Return the absolute value with one decimal; 0.25, as written, is rounded up although its double may be less."""
    whole, tenth = divmod(int(abs(value) * 10 + _HALF + _WRITTEN), 10)
    return f"{whole}.{tenth}"
