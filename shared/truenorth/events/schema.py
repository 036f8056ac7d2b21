"""The events as JSON Schema, for producers that check before they send and readers that check what they read."""

import inspect
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from truenorth.events.catalogue import CATALOGUE, FAMILY_OF_TYPE, TYPES_FROM_OUTSIDE
from truenorth.events.payload import PayloadStruct
from truenorth.topics import full_name

_DEFS: Final = "#/$defs/"
_ENVELOPE: Final = "Envelope"

_OUTSIDE: Final[dict[str, Any]] = {
    "title": "Envelope",
    "description": "A CloudEvents 1.0 envelope in JSON. A producer may leave out whatever is not required here; "
    "on a topic `specversion`, `id`, `source`, `time` and `recordedtime` are always there.",
    "type": "object",
    "required": ["type", "subject"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {
            "description": "Makes a repeat harmless: an id is taken once per account and source within 24 hours.",
            "type": "string",
            "minLength": 1,
            "maxLength": 256,
        },
        "source": {
            "description": "Who says so; the name of the write key when left out.",
            "type": "string",
            "minLength": 1,
            "maxLength": 256,
        },
        "type": {"type": "string"},
        "subject": {"description": "The id of the account.", "type": "string", "minLength": 1},
        "time": {
            "description": "When it happened; when it is accepted, if left out.",
            "type": "string",
            "format": "date-time",
        },
        "recordedtime": {"description": "When the edge accepted it.", "type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "traceparent": {"description": "W3C trace context.", "type": "string", "maxLength": 64},
        "backfill": {"description": "True marks history, which alerts nobody.", "type": "boolean", "default": False},
        "data": {"type": "object"},
    },
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of every event; ``$defs`` has one schema per event type, named like it.

    ``x-topic`` says which topic an event type travels on, ``x-from-outside`` whether outsiders may send it.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "truenorth events",
        "oneOf": [{"$ref": f"{_DEFS}{event_type}"} for event_type in CATALOGUE],
        "$defs": components(CATALOGUE, at=_DEFS),
    }


def components(event_types: Iterable[str], *, at: str) -> dict[str, Any]:
    """Return the schemas of these event types by name, with all that they refer to, for a document with them ``at``."""
    payloads = {event_type: CATALOGUE[event_type] for event_type in event_types}
    refs, parts = msgspec.json.schema_components(list(payloads.values()), ref_template=f"{at}{{name}}")
    found = {_ENVELOPE: _OUTSIDE} | {name: _readable(part) for name, part in parts.items()}
    for (event_type, payload), data in zip(payloads.items(), refs, strict=True):
        found[event_type] = _event(event_type, payload, data, at)
    return found


def meaning_of(payload: type[msgspec.Struct]) -> str:
    """Return what a struct's docstring says, as Markdown, without the event type that it may begin with."""
    text = _markdown(payload.__doc__ or "")
    head, colon, rest = text.partition(": ")
    said = rest if colon and head.startswith("`") and "\n" not in head else text
    return said[:1].upper() + said[1:]


def _event(event_type: str, payload: type[PayloadStruct], data: dict[str, Any], at: str) -> dict[str, Any]:
    needs_data = any(field.required for field in msgspec.structs.fields(payload))
    return {
        "title": event_type,
        "description": meaning_of(payload),
        "allOf": [{"$ref": f"{at}{_ENVELOPE}"}],
        "properties": {"type": {"const": event_type}, "data": data},
        "required": ["type", "data"] if needs_data else ["type"],
        "x-topic": full_name(FAMILY_OF_TYPE[event_type]),
        "x-from-outside": event_type in TYPES_FROM_OUTSIDE,
    }


def _readable(part: dict[str, Any]) -> dict[str, Any]:
    if "description" in part:
        part["description"] = _markdown(part["description"])
    return part


def _markdown(docstring: str) -> str:
    return inspect.cleandoc(docstring).replace("``", "`")
