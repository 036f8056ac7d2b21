"""Bytes <-> events: the only JSON of the house.

Values are CloudEvents 1.0 envelopes in structured mode. `encode` renders one, `parse_envelope` reads the
outside, `parse_event` the payload. All refusals are `RefusedError`s that name field and cure.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeVar

import msgspec

from truenorth.clock import from_millis, to_millis
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE, TYPE_OF_PAYLOAD
from truenorth.events.envelope import Envelope, Event
from truenorth.events.payload import PayloadStruct

CONTENT_TYPE: Final = "application/cloudevents+json"
HEADERS: Final[tuple[tuple[str, bytes], ...]] = (("content-type", CONTENT_TYPE.encode()),)
"""The one header of every record."""

_P = TypeVar("_P", bound=PayloadStruct)
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The escape itself, not a backslash followed by these letters."""


class _Wire(msgspec.Struct, gc=False):
    """What readers need of an envelope, with times parsed by the decoder (five times as fast as text)."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: msgspec.Raw
    recordedtime: datetime | None = None
    traceparent: str = ""
    backfill: bool = False


_encoder = msgspec.json.Encoder()
_records = msgspec.json.Decoder(_Wire)
_envelopes = msgspec.json.Decoder(Envelope)
_payloads = {name: msgspec.json.Decoder(payload) for name, payload in CATALOGUE.items()}


def encode_json(value: object) -> bytes:
    """Return compact JSON of a struct, dict, list or scalar."""
    return _encoder.encode(value)


@lru_cache(maxsize=256)
def rfc3339(millis: int) -> str:
    """Return ``2026-11-22T09:05:00.123Z``; kept for a while, as all that is written in one turn has one time."""
    return from_millis(millis).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str, *, field: str = "time") -> int:
    """Return epoch milliseconds of RFC 3339 text; text without a zone is taken as UTC.

    Raises:
        RefusedError: ``time_unreadable`` when it is not a time.
    """
    try:
        moment = datetime.fromisoformat(text)
        return to_millis(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise RefusedError(
            "time_unreadable", f"{text[:40]!r} is not a time; write 2026-11-22T09:05:00Z", field=field
        ) from None


def encode(
    payload: PayloadStruct,
    *,
    event_id: str,
    source: str,
    account: str,
    time_ms: int,
    recorded_ms: int | None = None,
    backfill: bool = False,
    traceparent: str = "",
) -> bytes:
    """Return the record value of a payload: its envelope in JSON. ``recorded_ms`` defaults to ``time_ms``."""
    return _encoder.encode(
        Envelope(
            id=event_id,
            source=source,
            type=TYPE_OF_PAYLOAD[type(payload)],
            subject=account,
            time=rfc3339(time_ms),
            data=msgspec.Raw(_encoder.encode(payload)),
            specversion="1.0",
            recordedtime=rfc3339(time_ms if recorded_ms is None else recorded_ms),
            datacontenttype="application/json",
            traceparent=traceparent,
            backfill=backfill,
        )
    )


def parse_envelope(value: bytes) -> Envelope:
    """Parse the outside of a record value.

    Raises:
        RefusedError: ``envelope_invalid`` with the field, when it is not a CloudEvents envelope.
    """
    try:
        return _envelopes.decode(value)
    except msgspec.MsgspecError as error:
        raise refusal("envelope_invalid", error) from None


def parse_payload(envelope: Envelope) -> PayloadStruct:
    """Parse the payload by the envelope's type.

    Raises:
        RefusedError: ``type_unknown`` or ``data_invalid`` with the field.
    """
    decoder = _payloads.get(envelope.type)
    if decoder is None:
        raise RefusedError("type_unknown", f"{envelope.type[:80]!r} is not an event type", field="type")
    try:
        return decoder.decode(envelope.data)
    except msgspec.MsgspecError as error:
        raise refusal("data_invalid", error, under="data") from None


def parse_event(value: bytes) -> Event:
    """Parse a whole record value.

    Raises:
        RefusedError: see `parse_envelope`, `parse_payload` and `parse_time`.
    """
    try:
        wire = _records.decode(value)
        data = _payloads[wire.type].decode(wire.data)
        time_ms = _millis(wire.time)
        recorded_ms = time_ms if wire.recordedtime is None else _millis(wire.recordedtime)
    except (msgspec.MsgspecError, KeyError, OverflowError):
        return _parse_event_slowly(value)
    return Event(
        wire.id, wire.source, wire.type, wire.subject, time_ms, recorded_ms, data, wire.backfill, wire.traceparent
    )


def parse_storable(value: bytes) -> Event:
    """Parse a whole record value whose texts go into a database.

    Raises:
        RefusedError: as `parse_event`, or ``text_invalid`` for a NUL character, which PostgreSQL's text cannot hold.
    """
    if holds_nul(value):
        raise RefusedError("text_invalid", "a text holds a NUL character (\\u0000), which no database text can hold")
    return parse_event(value)


def holds_nul(value: bytes) -> bool:
    """Tell whether a text in this JSON holds a NUL character."""
    return b"\\u0000" in value and _NUL.search(value) is not None


def _parse_event_slowly(value: bytes) -> Event:
    """Parse step by step: takes times that are not strict RFC 3339, and makes refusals that name the field."""
    envelope = parse_envelope(value)
    time_ms = parse_time(envelope.time)
    return Event(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        account=envelope.subject,
        time_ms=time_ms,
        recorded_ms=parse_time(envelope.recordedtime, field="recordedtime") if envelope.recordedtime else time_ms,
        data=parse_payload(envelope),
        backfill=envelope.backfill,
        traceparent=envelope.traceparent,
    )


def _millis(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def parse_as(value: bytes, payload: type[_P]) -> _P:
    """Parse a record value whose payload must be of this one type.

    Raises:
        RefusedError: as `parse_event`, or ``type_unexpected``.
    """
    data = parse_event(value).data
    if not isinstance(data, payload):
        raise RefusedError("type_unexpected", f"expected {TYPE_OF_PAYLOAD[payload]}", field="type")
    return data


def refusal(code: str, error: msgspec.MsgspecError, *, under: str = "") -> RefusedError:
    """Turn a msgspec error ("... - at `$.count`") into a refusal that names the field."""
    text, _, place = str(error).partition(" - at `")
    path = place.rstrip("`").removeprefix("$").lstrip(".")
    if not path and "`" in text:  # "Object missing required field `feature`"
        path = text.split("`")[1] if "missing required field" in text else ""
    return RefusedError(code, text[:300], field=".".join(part for part in (under, path) if part))
