"""What changes between two sets of definitions, in lines a person can read before saying yes."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Final

import msgspec

from truenorth.definitions.model import AgeBand, Definitions
from truenorth.definitions.named import name_of

_VALUE_CHARS_MAX: Final = 60
_ALIKE_CHARS: Final = 15
"""Of what is the same, so much is shown before the first difference."""
_MISSING: Final = object()


def differences(before: Definitions, after: Definitions) -> list[str]:
    """Return one line per item added (``+``), removed (``-``), moved (``↕``) or field changed (``~``)."""
    lines: list[str] = []
    for section in Definitions.__struct_fields__:
        lines += _section(section, getattr(before, section), getattr(after, section))
    return lines


def _section(section: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    old = {name_of(item): item for item in before}
    new = {name_of(item): item for item in after}
    for name in old:
        if name not in new:
            yield f"- {section} {name}"
    for name, item in new.items():
        if name not in old:
            yield f"+ {section} {name}"
            continue
        was, now = dict(_flat("", old[name])), dict(_flat("", item))
        for path in was | now:
            left, right = was.get(path, _MISSING), now.get(path, _MISSING)
            if left != right:
                yield f"~ {section} {name}: {path} {' → '.join(_pair(left, right))}"
    kept = [name for name in new if name in old]
    if kept != [name for name in old if name in new]:
        yield f"↕ {section}: now in the order {', '.join(new)}"


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the leaves below a value; list items that have an id are named by it, so that moving is no change."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _flat(f"{path}.{name}" if path else name, getattr(value, name))
    elif isinstance(value, list) and value and all(hasattr(item, "id") for item in value):
        for item in value:
            yield from _flat(f"{path}[{item.id}]", item)
    elif isinstance(value, list) and value and all(isinstance(item, AgeBand) for item in value):
        for item in value:
            yield from _flat(f"{path}[{item.from_days}]", item)
    else:
        yield path, value


def _pair(left: Any, right: Any) -> tuple[str, str]:
    """Return both in words, from where they differ when they begin alike for longer than is shown."""
    was, now = _shown(left), _shown(right)
    alike = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(was, now, strict=False)))
    start = alike - _ALIKE_CHARS if alike >= _VALUE_CHARS_MAX else 0
    return _cut(was, start), _cut(now, start)


def _cut(text: str, start: int) -> str:
    shown = text[start : start + _VALUE_CHARS_MAX]
    return ("…" if start else "") + shown + ("…" if start + len(shown) < len(text) else "")


def _shown(value: Any) -> str:
    if value is _MISSING or value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:g}"
    return msgspec.json.encode(value).decode()
