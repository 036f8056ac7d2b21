"""One record of any topic as a line: for people, or as JSON."""

from typing import Any, Final

from truenorth import codec
from truenorth.kafka import Record
from truenorth.samples.decoding import Decoded, DescribePart, decoded, key_text

_VALUE_CHARS_MAX: Final = 48


def as_text(record: Record, describe: DescribePart) -> str:
    """Return time, place, key, kind and the fields of a record, one line; long values are cut short."""
    head = f"{codec.rfc3339(record.timestamp_ms)} {record.partition}/{record.offset} {key_text(record.key)}"
    told = decoded(record, describe)
    return " ".join(part for part in (head.rstrip(), told.kind, _fields(told)) if part)


def as_json_line(record: Record, describe: DescribePart) -> str:
    """Return the whole record as one line of JSON; a value that is no JSON is given decoded, or as text."""
    told = decoded(record, describe)
    line = {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": codec.rfc3339(record.timestamp_ms),
        "key": None if record.key is None else key_text(record.key),
        "kind": told.kind,
        "value": None if record.value is None else told.value,
    }
    return codec.encode_json(line).decode()


def _fields(told: Decoded) -> str:
    if not isinstance(told.fields, dict):
        return "" if told.fields is None else str(told.fields)
    return " ".join(f"{name}={_short(value)}" for name, value in told.fields.items())


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else codec.encode_json(value).decode()
    return text if len(text) <= _VALUE_CHARS_MAX else f"{text[:_VALUE_CHARS_MAX]}…"
