"""The hot roads in the document; they are plain callables, so nothing generates this."""

from typing import Any, Final

from truenorth_ingest.api.document_schemas import ref
from truenorth_ingest.api.events import EVENTS_PATH
from truenorth_ingest.domain.limits import Limits

STATUSES: Final = (400, 401, 403, 405, 408, 413, 415, 429, 503)
_EVENT: Final = {
    "specversion": "1.0",
    "id": "b1f7c2",
    "source": "billing-backend",
    "type": "usage.recorded",
    "subject": "acct-1042",
    "time": "2026-11-22T09:05:00Z",
    "data": {"feature": "export", "count": 3, "actor": "u-77"},
}


def hot_roads(limits: Limits, *, security: list[dict[str, list[str]]]) -> dict[str, Any]:
    """Return the path items of the hot roads."""
    return {EVENTS_PATH: {"post": _events(limits) | {"security": security}}}


def responses(*more: int) -> dict[str, Any]:
    """Return the answer and the problems of a hot road."""
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit-Policy", "RateLimit")}
    taken = {
        "description": "Acknowledged; what was refused is named",
        "headers": headers,
        "content": {"application/json": {"schema": ref("Answer")}},
    }
    problems = {
        str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted({*STATUSES, *more})
    }
    return {"200": taken} | problems


def _events(limits: Limits) -> dict[str, Any]:
    event = {"schema": ref("Event"), "example": _EVENT}
    batch_schema = {"type": "array", "items": ref("Event"), "maxItems": limits.batch_events_max}
    batch = {"schema": batch_schema, "example": [_EVENT]}
    return {
        "tags": ["events"],
        "summary": "Take events",
        "description": (
            "Each event is accepted or refused by itself. 200 is sent after the broker has acknowledged every "
            "accepted event. A body may be gzipped and has at most "
            f"{limits.body_bytes_max} bytes, an event {limits.event_bytes_max}. Binary mode is understood too: "
            "attributes as `ce-` headers, the body as data."
        ),
        "operationId": "takeEvents",
        "requestBody": {
            "required": True,
            "content": {
                "application/cloudevents+json": event,
                "application/cloudevents-batch+json": batch,
                "application/json": event,
            },
        },
        "responses": responses(),
    }
