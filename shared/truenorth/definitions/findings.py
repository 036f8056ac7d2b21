"""A finding of the linter, before it is known in which file it was written; and words that several checks use."""

import difflib
import re
import string
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from truenorth.definitions import shapes
from truenorth.definitions.signals import BY_NAME

_WINDOW: Final = re.compile(r"_(\d+)d$")
_PER_DAY: Final = {"s": 86_400, "m": 1_440, "h": 24, "d": 1, "bd": 1}
_DIGITS_MAX: Final = 9


class Found(NamedTuple):
    """``code`` is stable, ``path`` is the field inside the merged definitions (``scorecards[0].bands.red``)."""

    code: str
    path: str
    message: str


def unknown_reference(path: str, name: str, known: Collection[str], noun: str) -> Iterator[Found]:
    """Yield a finding when ``name`` is none of ``known``."""
    if name in known:
        return
    if known:
        yield Found(f"{noun}_unknown", path, shapes.unknown(name, known, noun))
    else:
        yield Found(f"{noun}_unknown", path, f"unknown {noun} {name!r}; none is defined")


def unknown_signal(path: str, name: str, *, also: Collection[str] = ()) -> Iterator[Found]:
    """Yield a finding when ``name`` is no signal (nor one of ``also``); a window that is too long is told as such."""
    if name in BY_NAME or name in also:
        return
    window = _WINDOW.search(name)
    if window is not None and int(window[1]) > shapes.WINDOW_DAYS_MAX:
        longest = f"{name[: window.start()]}_{shapes.WINDOW_DAYS_MAX}d"
        near = difflib.get_close_matches(longest, BY_NAME, n=1, cutoff=0.0)
        message = f"{name!r}: windows are at most {shapes.WINDOW_DAYS_MAX} days; did you mean {near[0]!r}?"
        yield Found("window_too_long", path, message)
        return
    yield from unknown_reference(path, name, (*BY_NAME, *also), "signal")


def too_long(path: str, duration: str) -> Iterator[Found]:
    """Yield a finding when a duration (``6h``) is longer than anything is kept."""
    digits = duration.rstrip("smhbd")
    limit = shapes.WINDOW_DAYS_MAX * _PER_DAY[duration[len(digits) :]]
    if len(digits) > _DIGITS_MAX or int(digits) > limit:
        message = f"{duration} is too long; it is at most {shapes.WINDOW_DAYS_MAX} days"
        yield Found("duration_too_long", path, message)


def unknown_placeholders(path: str, text: str, known: Collection[str]) -> Iterator[Found]:
    """Yield a finding for every ``{name}`` in a text that nothing fills in."""
    allowed = ", ".join(f"{{{name}}}" for name in known)
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError:
        yield Found("placeholder_invalid", path, f"an unpaired brace; placeholders here are {allowed}")
        return
    for name in names:
        if name not in known:
            yield Found("placeholder_unknown", path, f"nothing fills in {{{name}}}; placeholders here are {allowed}")
