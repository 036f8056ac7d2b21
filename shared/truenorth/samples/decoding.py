"""What a record says, whatever topic it is on.

Most topics hold events in an envelope. The others: bundles of definitions, dead letters and quarantined events (plain
JSON), and the changelog of health, whose own records are decoded here and whose state by the distribution it belongs
to, when that is installed.
"""

import base64
import struct
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Final, NamedTuple

import msgspec

from truenorth.codec import rfc3339
from truenorth.errors import HaltError
from truenorth.kafka import Record
from truenorth.streams.records import NO_OFFSET, OPEN_KEY, OWN_PART, POSITION_KEY, SEPARATOR, decode_own, split_key
from truenorth.streams.seen import SeenRing
from truenorth.streams.seen_ids import EARLY, PREFIX
from truenorth.topics import HEALTH_SOURCES, full_name

DescribePart = Callable[[str, bytes], object]
"""Returns a part of an account's state (its name, its bytes) in plain values. The part without a name is the core."""

ENTRY_POINTS: Final = "truenorth.changelog"
_CHANGELOG: Final = full_name("health-changelog")
_DEAD_LETTERS: Final = full_name("dead-letters")
_DEFINITIONS: Final = full_name("definitions")
_CONTROLS: Final = {POSITION_KEY: "position", OPEN_KEY: "open mark"}


class Decoded(NamedTuple):
    """A record's kind in words, its fields as they are shown in a line, and its whole value."""

    kind: str
    fields: object
    value: object


def installed_description() -> DescribePart:
    """Return how parts of health's state are described: by the health distribution, else by their size."""
    for entry in entry_points(group=ENTRY_POINTS, name="health"):
        describe: DescribePart = entry.load()
        return describe
    return size_of_part


def size_of_part(_part: str, value: bytes) -> object:
    """Describe a part that nobody here can read."""
    return {"bytes": len(value)}


def decoded(record: Record, describe: DescribePart) -> Decoded:
    """Return what a record says; what cannot be read is given as text."""
    if record.topic == _CHANGELOG:
        return _changelog(record, describe)
    if record.value is None:
        return Decoded("(deleted)", None, None)
    value = _json(record.value)
    if not isinstance(value, dict):
        return Decoded("", value, value)
    if record.topic == _DEAD_LETTERS:
        return Decoded("dead letter", _letter(value), value)
    if record.topic == _DEFINITIONS:
        return Decoded(*_definitions(value), value)
    kind = str(value.get("type", ""))
    return Decoded(f"{kind} (history)" if value.get("backfill") else kind, value.get("data", value), value)


def key_text(key: bytes | None) -> str:
    """Return a key for people; account and part of a changelog key are parted by a slash."""
    if key is None:
        return ""
    if key in _CONTROLS:
        return ""
    return key.decode("utf-8", "replace").replace(SEPARATOR, "/").replace(PREFIX, "~").rstrip("/")


def account_of(record: Record) -> str | None:
    """Return the account that a record is about; None when it is about none, or cannot be told."""
    if record.key in _CONTROLS:
        return None
    if record.topic == _CHANGELOG:
        return _split(record.key or b"")[0] or None
    value = None if record.value is None else _json(record.value)
    if isinstance(value, dict) and isinstance(value.get("subject"), str):
        return str(value["subject"])
    if record.topic == _DEFINITIONS:
        return None
    return None if record.key is None else record.key.decode("utf-8", "replace")


def _changelog(record: Record, describe: DescribePart) -> Decoded:
    key, value = record.key or b"", record.value
    control = _CONTROLS.get(key)
    part = "" if control else _split(key)[1]
    kind = control or ("account" if part == OWN_PART else _part_name(part))
    if value is None:
        return Decoded(f"{kind} (deleted)", None, None)
    try:
        fields = _json(value) if control else _part(part, value, describe)
    except (ValueError, IndexError, struct.error, HaltError, msgspec.MsgspecError) as error:
        fields = {"unreadable": str(error), "bytes": len(value)}
    return Decoded(kind, fields, fields)


def _split(key: bytes) -> tuple[str, str]:
    """Return account and part, also of a key that is no text."""
    return split_key(key.decode("utf-8", "replace").encode())


def _part_name(part: str) -> str:
    if not part.startswith(PREFIX):
        return part
    if part == EARLY:
        return "ids that left early"
    source, _, page = part[len(PREFIX) :].partition(".")
    named = HEALTH_SOURCES[int(source)] if source.isdigit() and int(source) < len(HEALTH_SOURCES) else source
    return f"seen ids of {named}, page {page}"


def _part(part: str, value: bytes, describe: DescribePart) -> object:
    if part == EARLY:
        return {"count": int(value)}
    if part.startswith(PREFIX):
        ring = SeenRing()
        ring.put_page(0, value)
        return {"accepted": ring.count, "newest": rfc3339(ring.newest_second() * 1000), "bytes": len(value)}
    if part != OWN_PART:
        return describe(part, value)
    own = decode_own(value)
    offsets = {
        HEALTH_SOURCES[number] if number < len(HEALTH_SOURCES) else str(number): offset
        for number, offset in enumerate(own.offsets)
        if offset != NO_OFFSET
    }
    due = None if own.next_due_ms is None else rfc3339(own.next_due_ms)
    core = describe(OWN_PART, own.core) if own.core else None
    return {"offsets": offsets, "next_due": due, "schema": own.schema, "core": core}


def _letter(value: dict[str, Any]) -> dict[str, Any]:
    """Return a dead letter with the place of its record first, and what it held as text."""
    place = f"{value.get('topic', '')} {value.get('partition', '')}/{value.get('offset', '')}"
    try:
        held = base64.b64decode(str(value.get("value_base64", ""))).decode("utf-8", "replace")
    except ValueError:
        held = "(not base64)"
    return {"from": place, "reader": value.get("reader"), "reason": value.get("reason"), "held": held}


def _definitions(value: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    applied = value.get("applied_ms")
    head = {
        "hash": value.get("hash"),
        "ordinal": value.get("ordinal"),
        "applied": rfc3339(applied) if isinstance(applied, int) else applied,
    }
    definitions = value.get("definitions")
    if not isinstance(definitions, dict):
        return "in force", head
    return "bundle", head | {name: len(items) for name, items in definitions.items() if isinstance(items, list)}


def _json(value: bytes) -> Any:
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return value.decode("utf-8", "replace")
