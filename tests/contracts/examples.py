"""One example of every payload, made from its types alone, so that no event type can be left out."""

import re
from typing import Any

import msgspec
from msgspec import inspect
from truenorth.codec import encode
from truenorth.events.payload import PayloadStruct


def examples(payload: type[PayloadStruct]) -> PayloadStruct:
    """Return a payload with every field given."""
    return msgspec.convert(_struct(payload, everything=True), payload)


def minimal_of(payload: type[PayloadStruct]) -> PayloadStruct:
    """Return a payload with only the required fields given."""
    return msgspec.convert(_struct(payload, everything=False), payload)


def event_of(event_type: str, payload: PayloadStruct) -> bytes:
    """Return the record value of a payload in the example envelope."""
    return encode(
        payload,
        event_id=f"golden-{event_type}",
        source="golden",
        account="acc-1",
        time_ms=1_763_802_300_123,
        recorded_ms=1_763_802_300_456,
        backfill=True,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )


def _struct(payload: type[Any], *, everything: bool) -> dict[str, Any]:
    shape = inspect.type_info(payload)
    assert isinstance(shape, inspect.StructType)
    return {
        field.encode_name: _value(field.type, field.encode_name, everything=everything)
        for field in shape.fields
        if everything or field.required
    }


def _value(shape: inspect.Type, name: str, *, everything: bool) -> Any:  # noqa: C901, PLR0911 - one case per kind of type
    match shape:
        case inspect.UnionType(types=types):
            return _value(next(t for t in types if not isinstance(t, inspect.NoneType)), name, everything=everything)
        case inspect.StructType(cls=cls):
            return _struct(cls, everything=everything)
        case inspect.ListType(item_type=item):
            return [_value(item, name, everything=everything)]
        case inspect.TupleType(item_types=items):
            return [_value(item, name, everything=everything) for item in items]
        case inspect.DictType(value_type=value):
            return {"key": _value(value, name, everything=everything)}
        case inspect.LiteralType(values=values):
            return values[-1]
        case inspect.RawType():
            return msgspec.Raw(b"{}")
        case inspect.BoolType():
            return True
        case inspect.IntType() | inspect.FloatType():
            return _number(shape)
        case inspect.StrType(pattern=pattern):
            return "2026-11-22" if pattern and re.match(pattern, "2026-11-22") else f"{name}-é"
        case inspect.Metadata(type=inner):
            return _value(inner, name, everything=everything)
    raise TypeError(shape)


def _number(shape: inspect.IntType | inspect.FloatType) -> float:
    low = shape.ge if shape.ge is not None else 0
    return int(low) + 3 if isinstance(shape, inspect.IntType) and shape.le is None else low + 1
