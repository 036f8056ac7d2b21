"""What goes over the wire to ``POST /v1/events`` and comes back, whoever carries it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from truenorth import codec
from truenorth.clock import MILLIS_PER_SECOND, to_millis
from truenorth.errors import RefusedError, TransientError
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.payload import PayloadStruct

EVENTS_PATH: Final = "/v1/events"
BATCH_TYPE: Final = "application/cloudevents-batch+json"
BATCH_EVENTS_MAX: Final = 500
"""Far below what the edge takes at once, so that one repeat costs little."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as its producer means it. ``backfill`` marks history, which alerts nobody."""

    id: str
    account: str
    time_ms: int
    data: PayloadStruct
    backfill: bool = False

    def cloud_event(self, source: str) -> dict[str, object]:
        """Return the CloudEvents form, ready for the codec; an empty ``source`` is the name of the key."""
        event: dict[str, object] = {
            "specversion": "1.0",
            "id": self.id,
            "type": TYPE_OF_PAYLOAD[type(self.data)],
            "subject": self.account,
            "time": codec.rfc3339(self.time_ms),
            "data": self.data,
        }
        if source:
            event["source"] = source
        if self.backfill:
            event["backfill"] = True
        return event


class Refusal(msgspec.Struct, frozen=True):
    """Why the edge did not take one event: its place in the request, a stable code, the field, and what is right."""

    index: int
    code: str
    message: str
    id: str | None = None
    field: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What became of one request: ``accepted`` events are on the broker, ``rejected`` ones are named.

    ``unresolved`` of the accepted ones wait until their account is known; nothing has to be done about them.
    """

    accepted: int
    rejected: list[Refusal] = []
    unresolved: int = 0


class _Problem(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""
    field: str = ""


def encoded(event: NewEvent, source: str, *, bytes_max: int) -> bytes:
    """Return the event's JSON.

    Raises:
        RefusedError: ``data_invalid`` with the field, or ``event_too_large``; the edge would say the same.
    """
    data = codec.encode_json(event.data)
    try:
        msgspec.json.decode(data, type=type(event.data))
    except msgspec.ValidationError as error:
        raise codec.refusal("data_invalid", error, under="data") from None
    written = codec.encode_json(event.cloud_event(source))
    if len(written) > bytes_max:
        raise RefusedError("event_too_large", f"{len(written)} bytes; one event may have {bytes_max}: send less data")
    return written


def batch_of(events: Sequence[bytes]) -> bytes:
    """Return the body of a request with these encoded events."""
    return b"[" + b",".join(events) + b"]"


def may_be_repeated(status: int) -> bool:
    """Tell whether a request with this answer is to be sent again, unchanged: later it may be taken."""
    return status in {408, 429} or status >= 500


def answer_of(status: int, body: bytes) -> Answer | None:
    """Return what became of the request's events: all of a 200, and of a 400 that refused each by itself.

    None means that the request was refused as a whole, see `refused_whole`.

    Raises:
        TransientError: a 200 that is not an answer of ingest, so nothing was promised.
    """
    if status == 400:
        return _nothing_taken(body)
    if status != 200:
        return None
    try:
        return msgspec.json.decode(body, type=Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise TransientError(f"this is not how ingest answers: {error}") from None


def _nothing_taken(body: bytes) -> Answer | None:
    try:
        answer = msgspec.json.decode(body, type=Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return answer if answer.rejected else None


def refused_whole(status: int, body: bytes) -> RefusedError:
    """Return the refusal of a request as a whole; the code is the problem's, else ``status_<number>``."""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        problem = _Problem()
    said = problem.message or body[:200].decode(errors="replace")
    return RefusedError(problem.code or f"status_{status}", said or f"status {status}", field=problem.field)


def asked_wait_s(retry_after: str, *, now_ms: int) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for (a number or a date); None when it says neither."""
    asked = retry_after.strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        moment = parsedate_to_datetime(asked)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (to_millis(aware) - now_ms) / MILLIS_PER_SECOND)
