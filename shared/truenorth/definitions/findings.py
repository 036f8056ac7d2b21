"""A finding of the linter, before it is known in which file it was written; and words that several checks use."""

import string
from collections.abc import Collection, Iterator
from typing import NamedTuple

from truenorth.definitions import shapes


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
