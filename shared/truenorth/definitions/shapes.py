"""What the model expects at a place, in words: the part of parsing that knows types but no files."""

import difflib
import re
from collections.abc import Iterable
from math import isfinite
from typing import Any, Final

from msgspec import inspect

_RANGE_TEXT: Final = re.compile(r"^\s*[<>]?=?\s*\d+(\.\d+)?\s*%?\s*(-|\.\.|/|to)\s*\d")
_PERCENT_TEXT: Final = re.compile(r"^\s*\d+(\.\d+)?\s*%\s*$")
WINDOW_DAYS_MAX: Final = 90
_LISTED_MAX: Final = 20
_CUTS_CURE: Final = (
    "cut points are numbers, one between each two bands: cuts: [3, 10] with scores: [100, 50, 0] "
    "gives 100 below 3, 50 from 3 to below 10, 0 from 10 on"
)


def struct_of(shape: inspect.Type) -> dict[str, inspect.Field]:
    """Return the fields of a struct type by name; empty when it is none (an optional struct counts as one)."""
    if isinstance(shape, inspect.StructType):
        return {known.encode_name: known for known in shape.fields}
    if isinstance(shape, inspect.UnionType):
        return next((fields for member in shape.types if (fields := struct_of(member))), {})
    return {}


def item_or_none(shape: inspect.Type) -> inspect.Type | None:
    """Return what a list type holds; None when it is no list (an optional list counts as one)."""
    if isinstance(shape, inspect.ListType):
        return shape.item_type
    if isinstance(shape, inspect.UnionType):
        return next((inner for member in shape.types if (inner := item_or_none(member))), None)
    return None


def value_or_none(shape: inspect.Type) -> inspect.Type | None:
    """Return what a mapping type with free names holds; None when it is no such mapping."""
    if isinstance(shape, inspect.DictType):
        return shape.value_type
    if isinstance(shape, inspect.UnionType):
        return next((inner for member in shape.types if (inner := value_or_none(member))), None)
    return None


def item_of(shape: inspect.Type) -> inspect.Type:
    """Return what a list type holds."""
    inner = item_or_none(shape)
    if inner is None:
        raise TypeError(f"not a list: {shape}")
    return inner


def unknown(name: str, known: Iterable[str], word: str) -> str:
    """Say that a name is unknown, with the nearest known one, or all of them where they are few."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        cure = f"did you mean {near[0]!r}?"
    elif len(names) > _LISTED_MAX:
        cure = f"none of the {len(names)} known ones is like it; docs/guides/definitions.md lists them"
    else:
        cure = f"known here: {', '.join(names)}"
    return f"unknown {word} {name!r}; {cure}"


def length_refusal(count: int, shape: inspect.Type) -> str:
    """Return why a list of this many items is refused; empty when it is fine."""
    if isinstance(shape, inspect.UnionType):
        return next((text for member in shape.types if (text := length_refusal(count, member))), "")
    if not isinstance(shape, inspect.ListType):
        return ""
    if shape.min_length is not None and count < shape.min_length:
        return f"at least {shape.min_length} are needed here, this has {count}"
    if shape.max_length is not None and count > shape.max_length:
        return f"at most {shape.max_length} are allowed here, this has {count}"
    return ""


def refusal(value: Any, shape: inspect.Type, path: str) -> str:
    """Return why this value is refused where ``shape`` is expected; empty when it is fine."""
    wanted = in_words(shape)
    if isinstance(value, str) and ("cuts" in path or "scores" in path) and "text" not in wanted:
        return f"{value!r} is text where numbers belong; {_CUTS_CURE}"
    if isinstance(value, str) and _PERCENT_TEXT.match(value) and "number" in wanted:
        return f"{value!r} is text; write the bare number, {value.strip().rstrip('%').strip()}"
    if isinstance(value, str) and _RANGE_TEXT.match(value) and "number" in wanted:
        return f"{value!r} is text; {wanted} is expected here"
    if _fits(value, shape):
        return ""
    if path.endswith("within_days") and isinstance(value, int) and value > WINDOW_DAYS_MAX:
        return f"{value} days is too long; windows are at most {WINDOW_DAYS_MAX} days, nothing is kept for longer"
    shown = "nothing" if value is None else f"a {_kind(value)}" if isinstance(value, dict | list) else repr(value)
    return f"{shown} does not fit; expected {wanted}"


def in_words(shape: inspect.Type) -> str:  # noqa: PLR0911 - one line per kind of type
    """Return what a type expects, for people."""
    if isinstance(shape, inspect.UnionType):
        return " or ".join(in_words(member) for member in shape.types if not isinstance(member, inspect.NoneType))
    if isinstance(shape, inspect.LiteralType):
        return " | ".join(str(value) for value in shape.values)
    if isinstance(shape, inspect.Metadata):
        return in_words(shape.type)
    if isinstance(shape, inspect.IntType | inspect.FloatType):
        noun = "a whole number" if isinstance(shape, inspect.IntType) else "a number"
        return noun + _limits(shape)
    if isinstance(shape, inspect.StrType):
        return _text_in_words(shape)
    if isinstance(shape, inspect.BoolType):
        return "true | false"
    if isinstance(shape, inspect.ListType):
        return f"a list of {in_words(shape.item_type)}"
    if isinstance(shape, inspect.DictType):
        return f"fields of any name, each {in_words(shape.value_type)}"
    if isinstance(shape, inspect.StructType):
        return f"fields ({', '.join(known.encode_name for known in shape.fields)})"
    return type(shape).__name__


def _text_in_words(shape: inspect.StrType) -> str:
    if shape.pattern and "bd" in shape.pattern:
        return "text like 30s, 15m, 6h, 14d or 2bd (business days)"
    if shape.pattern:
        return "text in lower case: a letter, then letters, digits, - and _"
    return "text that is not empty" if shape.min_length else "text"


def _limits(shape: inspect.IntType | inspect.FloatType) -> str:
    words = []
    if shape.gt is not None:
        words.append(f"above {shape.gt:g}")
    if shape.ge is not None:
        words.append(f"from {shape.ge:g}")
    if shape.le is not None:
        words.append(f"to {shape.le:g}")
    return f" {' '.join(words)}" if words else ""


def _fits(value: Any, shape: inspect.Type) -> bool:  # noqa: PLR0911 - one line per kind of type
    if isinstance(shape, inspect.UnionType):
        return any(_fits(value, member) for member in shape.types)
    if isinstance(shape, inspect.Metadata):
        return _fits(value, shape.type)
    if isinstance(shape, inspect.NoneType):
        return value is None
    if isinstance(shape, inspect.LiteralType):
        return value in shape.values and not isinstance(value, bool)
    if isinstance(shape, inspect.BoolType):
        return isinstance(value, bool)
    if isinstance(shape, inspect.StrType):
        return _text_fits(value, shape)
    if isinstance(shape, inspect.IntType | inspect.FloatType):
        return _number_fits(value, shape)
    return isinstance(value, list) and isinstance(shape, inspect.ListType)


def _text_fits(value: Any, shape: inspect.StrType) -> bool:
    if not isinstance(value, str) or len(value) < (shape.min_length or 0):
        return False
    if shape.max_length is not None and len(value) > shape.max_length:
        return False
    return shape.pattern is None or re.search(shape.pattern, value) is not None


def _number_fits(value: Any, shape: inspect.IntType | inspect.FloatType) -> bool:
    types = int if isinstance(shape, inspect.IntType) else (int, float)
    if isinstance(value, bool) or not isinstance(value, types) or not _is_kept(value):
        return False
    low = (shape.gt is None or value > shape.gt) and (shape.ge is None or value >= shape.ge)
    return low and (shape.le is None or value <= shape.le) and (shape.lt is None or value < shape.lt)


def _is_kept(value: float) -> bool:
    """Whether a number is finite, and a whole one fits the 64 bits it travels in."""
    return -(2**63) <= value < 2**63 if isinstance(value, int) else isfinite(value)


def _kind(value: Any) -> str:
    return "mapping" if isinstance(value, dict) else "list"
