"""What comes in: events still as bytes, cut out of a body, and the outside of each."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec
from truenorth import codec
from truenorth.errors import RefusedError

from truenorth_ingest.domain.lenient import as_strict_json
from truenorth_ingest.domain.limits import Limits

BATCH_PREFIX: Final = "application/cloudevents-batch"
STRUCTURED_PREFIX: Final = "application/cloudevents"
BINARY_MARK: Final = "ce-type"
ATTRIBUTE: Final = re.compile(r"^[a-z0-9]{1,20}$")


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """The outside of an event as senders write it; ids may be numbers, most of it may be absent."""

    type: str
    subject: str | int | None = None
    id: str | int | None = None
    source: str | None = None
    time: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")
    specversion: str | None = None
    traceparent: str | None = None
    backfill: bool | str | None = None


class Body(msgspec.Struct, frozen=True):
    """The events of one request, in order, each still raw; ``repaired`` when the JSON was not strict."""

    events: Sequence[bytes | msgspec.Raw]
    repaired: bool = False


_list = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder(msgspec.Raw)


def cut(body: bytes, headers: Mapping[str, str], limits: Limits) -> Body:
    """Cut a body into its events, by content type first and by its first character otherwise.

    Args:
        body: inflated bytes.
        headers: lower-case names.
        limits: of the edge.

    Raises:
        RefusedError: ``body_invalid`` or ``batch_too_long``; the whole request is meant.
    """
    kind = headers.get("content-type", "").lower()
    if not kind.startswith(STRUCTURED_PREFIX) and BINARY_MARK in headers:
        return Body([_binary(body, headers)])
    opening = body.lstrip()[:1]
    batch = kind.startswith(BATCH_PREFIX)
    if batch and opening != b"[":
        raise RefusedError("body_invalid", "a batch is a JSON array of events: [{...}, {...}]")
    if opening == b"[" and not batch and kind.startswith(STRUCTURED_PREFIX):
        raise RefusedError("body_invalid", f"one event is a JSON object; send arrays as {BATCH_PREFIX}+json")
    if opening not in {b"[", b"{"}:
        raise RefusedError("body_invalid", "the body is a JSON object (one event) or a JSON array (several)")
    return _split(body, limits, is_list=opening == b"[")


def _split(body: bytes, limits: Limits, *, is_list: bool) -> Body:
    repaired = False
    try:
        events = _list.decode(body) if is_list else [_any.decode(body)]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        strict = as_strict_json(body, what="body_invalid")
        events = _list.decode(strict) if is_list else [_any.decode(strict)]
        repaired = True
    if len(events) > limits.batch_events_max:
        raise RefusedError(
            "batch_too_long", f"{len(events)} events in one batch; send at most {limits.batch_events_max} at a time"
        )
    return Body(events, repaired)


def _binary(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return the structured form of a binary-mode event: attributes from ``ce-`` headers, the body as data."""
    outside: dict[str, object] = {}
    for name, value in headers.items():
        attribute = name.removeprefix("ce-")
        if attribute != name and ATTRIBUTE.match(attribute):
            outside[attribute] = _percent_decoded(attribute, value)
    if "traceparent" in headers:
        outside.setdefault("traceparent", headers["traceparent"])
    if body.strip():
        try:
            outside["data"] = _any.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            outside["data"] = msgspec.Raw(as_strict_json(body, what="body_invalid"))
    return codec.encode_json(outside)


def _percent_decoded(attribute: str, value: str) -> str:
    try:
        return unquote_to_bytes(value.encode("latin-1", "replace")).decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedError(
            "header_invalid", f"header ce-{attribute} is not percent-encoded UTF-8", field=attribute
        ) from None
