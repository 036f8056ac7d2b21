"""Refusals a sender can act on: the field by its path, and what would be right."""

import difflib
import typing
from collections.abc import Collection
from typing import Final

import msgspec
from truenorth import codec
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE
from truenorth.events.payload import PayloadStruct

_SHOWN_CHARS: Final = 80


def outside_refusal(error: Exception) -> RefusedError:
    """Return the refusal of an event whose outside cannot be read."""
    if not isinstance(error, msgspec.MsgspecError):
        return RefusedError("event_invalid", "nested too deeply to be read; an event's data is flat")
    plain = codec.refusal("event_invalid", error)
    if plain.field == "type" and "missing" in plain.message:
        return RefusedError("type_missing", "type says what happened, such as usage.recorded; add it", field="type")
    if not plain.field and "Expected `object`" in plain.message:
        return RefusedError("event_invalid", "an event is a JSON object with type, subject, time and data")
    return RefusedError("event_invalid", _cured(plain), field=plain.field)


def data_refusal(error: Exception, payload: type[PayloadStruct]) -> RefusedError:
    """Return the refusal of an event whose ``data`` does not fit its type."""
    if not isinstance(error, msgspec.MsgspecError):
        return RefusedError("data_invalid", "nested too deeply to be read; an event's data is flat", field="data")
    plain = codec.refusal("data_invalid", error, under="data")
    message = plain.message
    if "Invalid enum value" in message:
        allowed = _allowed(payload, plain.field.removeprefix("data."))
        message = f"{message}; write one of {', '.join(allowed)}" if allowed else message
    return RefusedError("data_invalid", _cured(RefusedError("", message, field=plain.field)), field=plain.field)


def type_refusal(event_type: str, taken: Collection[str]) -> RefusedError:
    """Return the refusal of a type that is ours alone, or that nobody knows."""
    shown = event_type[:_SHOWN_CHARS]
    if event_type in CATALOGUE:
        return RefusedError(
            "type_not_accepted", f"{shown!r} is written by truenorth itself; do not send it", field="type"
        )
    near = difflib.get_close_matches(shown, taken, n=1)
    cure = f"did you mean {near[0]}?" if near else "docs/topics.md lists the types"
    return RefusedError("type_not_accepted", f"{shown!r} is not an event type; {cure}", field="type")


def _cured(plain: RefusedError) -> str:
    if "missing required field" in plain.message:
        return f"{plain.message}; add it"
    if "malformed" in plain.message:
        return f"{plain.message}; send JSON"
    return f"{plain.message}; correct {plain.field}" if plain.field else plain.message


def _allowed(payload: type[PayloadStruct], field: str) -> list[str]:
    """Return the words a literal field takes."""
    annotation = typing.get_type_hints(payload).get(field)
    words = [*typing.get_args(annotation)]
    for part in list(words):
        words.extend(typing.get_args(part))
    return sorted({word for word in words if isinstance(word, str)})
