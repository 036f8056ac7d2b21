"""One record of any topic as a line: for people, or as JSON."""

from typing import Any, Final

import msgspec

from truenorth import codec
from truenorth.kafka import Record

_VALUE_CHARS_MAX: Final = 48


def as_text(record: Record) -> str:
    """Return time, key, type and the fields of a record, one line."""
    key = "" if record.key is None else record.key.decode("utf-8", "replace")
    head = f"{codec.rfc3339(record.timestamp_ms)} {record.partition}/{record.offset} {key}"
    if record.value is None:
        return f"{head} (deleted)"
    value = _decoded(record.value)
    if not isinstance(value, dict):
        return f"{head} {value}"
    kind, data = value.get("type", ""), value.get("data", value)
    history = " (history)" if value.get("backfill") else ""
    return f"{head} {kind}{history} {_fields(data)}".rstrip()


def as_json_line(record: Record) -> str:
    """Return the record as one line of JSON; a value that is no JSON is given as text."""
    line = {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": codec.rfc3339(record.timestamp_ms),
        "key": None if record.key is None else record.key.decode("utf-8", "replace"),
        "value": None if record.value is None else _decoded(record.value),
    }
    return codec.encode_json(line).decode()


def _decoded(value: bytes) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.MsgspecError:
        return value.decode("utf-8", "replace")


def _fields(data: Any) -> str:
    if not isinstance(data, dict):
        return str(data)
    return " ".join(f"{name}={_short(value)}" for name, value in data.items())


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else codec.encode_json(value).decode()
    return text if len(text) <= _VALUE_CHARS_MAX else f"{text[:_VALUE_CHARS_MAX]}…"
