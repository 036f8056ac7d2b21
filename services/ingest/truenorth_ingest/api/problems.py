"""Errors as RFC 9457 problems, with ``code`` and ``message`` beside the standard members.

Several SDKs repeat a refused request until they give up unless a body has both of these at its top.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from truenorth.codec import encode_json
from truenorth.errors import RefusedError

from truenorth_ingest.domain.ceilings import OverRateError
from truenorth_ingest.handlers.intake import NothingTakenError

PROBLEM_TYPE: Final = b"application/problem+json"
RETRY_AFTER_SECONDS: Final = 2

TITLES: Final[dict[int, str]] = {
    400: "The request cannot be read",
    401: "Who sends is not known",
    403: "This key may not do this",
    404: "There is nothing here",
    405: "Not with this method",
    408: "Too slow",
    409: "Not in this state",
    413: "Too much at once",
    415: "An encoding this edge does not read",
    422: "What was sent does not fit",
    429: "Too much for now: send it again later",
    500: "Our mistake",
    503: "Not now: send it again",
}

TITLE_OF_CODE: Final[dict[str, str]] = {"nothing_taken": "Nothing of it was taken"}
"""Titles of codes that their status does not tell."""

STATUS_OF_CODE: Final[dict[str, int]] = {
    "nothing_taken": 400,
    "body_invalid": 400,
    "header_invalid": 400,
    "length_invalid": 400,
    "route_unknown": 400,
    "key_missing": 401,
    "key_malformed": 401,
    "key_unknown": 401,
    "key_revoked": 401,
    "scope_missing": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "body_too_slow": 408,
    "body_too_large": 413,
    "event_too_large": 413,
    "batch_too_long": 413,
    "encoding_unsupported": 415,
    "upload_over": 409,
    "parameter_invalid": 422,
    "file_invalid": 422,
    "column_unknown": 422,
    "column_missing": 422,
    "column_twice": 422,
    "row_invalid": 422,
    "encoding_invalid": 422,
    "event_invalid": 422,
    "data_invalid": 422,
    "subject_invalid": 422,
    "account_missing": 422,
    "id_invalid": 422,
    "time_unreadable": 422,
    "time_out_of_range": 422,
    "too_many_uploads": 429,
    "rate_exceeded": 429,
    "account_over_ceiling": 429,
    "signature_missing": 401,
    "signature_wrong": 401,
    "signature_stale": 401,
    "connector_unknown": 404,
    "too_many_failures": 429,
    "internal_error": 500,
    "connector_broken": 503,
    "keys_unavailable": 503,
    "too_much_waiting": 503,
    "broker_unavailable": 503,
}

BUSY_CODES: Final = frozenset({"keys_unavailable", "too_much_waiting", "broker_unavailable"})
"""Not the sender's doing: repeat the request. Their status can be set, see `problem`."""

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: status, headers with content length, body."""

    status: int
    headers: Headers
    body: bytes


def reply(status: int, kind: bytes, body: bytes, more: Headers | None = None) -> Reply:
    """Return a reply with its content type and length."""
    length = str(len(body)).encode()
    return Reply(status, [(b"content-type", kind), (b"content-length", length), *(more or [])], body)


def refusal_problem(refusal: RefusedError, *, busy_status: int = 503) -> Reply:
    """Return the problem of a refused request."""
    if isinstance(refusal, OverRateError):
        return problem(
            refusal.code,
            refusal.message,
            field=refusal.field,
            retry_after_seconds=refusal.retry_after_seconds,
            headers=refusal.headers,
        )
    if isinstance(refusal, NothingTakenError):
        rejected = msgspec.to_builtins(refusal.answer.rejected)
        more = {"success": False, "accepted": 0, "rejected": rejected}
        return problem(refusal.code, refusal.message, field=refusal.field, more=more)
    return problem(refusal.code, refusal.message, field=refusal.field, busy_status=busy_status)


def problem(
    code: str,
    message: str,
    *,
    field: str = "",
    allow: str = "POST",
    retry_after_seconds: int = RETRY_AFTER_SECONDS,
    busy_status: int = 503,
    headers: Sequence[tuple[bytes, bytes]] = (),
    more: Mapping[str, object] | None = None,
) -> Reply:
    """Return the problem of a code, with the headers that its status asks for, and ``more`` members.

    ``busy_status`` is what `BUSY_CODES` are answered with: some SDKs wait as ``Retry-After`` says on 429 alone.
    """
    status = busy_status if code in BUSY_CODES else STATUS_OF_CODE[code]
    fields: Headers = list(headers)
    if status == 401:
        fields.append((b"www-authenticate", b'Bearer realm="truenorth"'))
    elif status in {429, 503}:
        fields.append((b"retry-after", str(retry_after_seconds).encode()))
    elif status == 405:
        fields.append((b"allow", allow.encode()))
    elif status == 408:
        fields.append((b"connection", b"close"))  # the rest of the body may still come
    body = {
        "type": f"urn:truenorth:problem:{code}",
        "title": TITLE_OF_CODE.get(code, TITLES[status]),
        "status": status,
        "detail": message,
        "code": code,
        "message": message,
        "field": field,
        **(more or {}),
    }
    return reply(status, PROBLEM_TYPE, encode_json(body), fields)
