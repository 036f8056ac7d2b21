"""The hot roads in the document; they are plain callables, so nothing generates this."""

from typing import Any, Final

from truenorth.codec import encode_json

from truenorth_ingest.api.document_schemas import ref
from truenorth_ingest.api.events import EVENTS_PATH
from truenorth_ingest.api.replay import REPLAY_PATH, Replay
from truenorth_ingest.api.tracking import BATCH_PATHS
from truenorth_ingest.api.webhooks import WEBHOOKS_PREFIX
from truenorth_ingest.domain.keys import REPLAY_SCOPE
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.tracking.calls import KINDS

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
    """Return the path items of the hot roads. Paths that only repeat another one's call are left out."""
    secured = {"security": security}
    calls = {f"/v1/{kind}": {"post": _call(kind, limits) | secured} for kind in KINDS}
    return {
        EVENTS_PATH: {"post": _events(limits) | secured, "options": _wanted()},
        BATCH_PATHS[0]: {"post": _batch(limits) | secured},
        **calls,
        REPLAY_PATH: {"post": _replay(limits) | secured},
        f"{WEBHOOKS_PREFIX}{{connector}}": {"post": _webhook(limits)},
    }


def responses(*more: int) -> dict[str, Any]:
    """Return the answer and the problems of a hot road."""
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit-Policy", "RateLimit")}
    taken = {
        "description": "Acknowledged; what was refused is named",
        "headers": headers,
        "content": {"application/json": {"schema": ref("Answer")}},
    }
    return {"200": taken} | _problems(*STATUSES, *more)


def _problems(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted({*statuses})}


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


def _wanted() -> dict[str, Any]:
    names = ("WebHook-Allowed-Origin", "WebHook-Allowed-Rate")
    return {
        "tags": ["events"],
        "summary": "Ask whether events are wanted",
        "description": "The validation handshake of CloudEvents' HTTP webhooks; the rate is in events a minute.",
        "operationId": "askWhetherEventsAreWanted",
        "parameters": [
            {
                "name": "WebHook-Request-Origin",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
                "example": "eventemitter.example.com",
            }
        ],
        "responses": {
            "200": {
                "description": "They are",
                "headers": {name: {"schema": {"type": "string"}} for name in names},
            },
            **_problems(400, 413, 503),
        },
    }


def _batch(limits: Limits) -> dict[str, Any]:
    example = {"batch": [{"type": "track", **_CALLS["track"]}, {"type": "group", **_CALLS["group"]}]}
    return _tracking(
        "batch",
        "Take a batch of calls",
        {
            "type": "object",
            "required": ["batch"],
            "properties": {
                "batch": {"type": "array", "items": ref("Call"), "maxItems": limits.batch_events_max},
                "sentAt": {"type": ["string", "null"]},
                "writeKey": {"type": ["string", "null"], "description": "the key, where no header can have it"},
                "context": {"type": ["object", "null"], "description": "holds for every call of the batch"},
            },
        },
        example,
        limits,
    )


def _call(kind: str, limits: Limits) -> dict[str, Any]:
    return _tracking(kind, f"Take one {kind} call", ref("Call"), _CALLS[kind], limits)


def _tracking(
    name: str, summary: str, schema: dict[str, Any], example: dict[str, Any], limits: Limits
) -> dict[str, Any]:
    return {
        "tags": ["tracking"],
        "summary": summary,
        "description": (
            "The form of Segment's HTTP API, which RudderStack's SDKs speak too. The content type may be anything, the "
            f"body gzipped, the key in the body as `writeKey`. At most {limits.body_bytes_max} bytes."
        ),
        "operationId": f"track{name.capitalize()}" if name != "track" else "track",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}},
        "responses": responses(),
    }


def _replay(limits: Limits) -> dict[str, Any]:
    example = {"route": "events", "original": encode_json(_EVENT).decode(), "place": "0:17", "dry_run": True}
    return {
        "tags": ["quarantine"],
        "summary": "Take a refused event once more",
        "description": (
            "One event as the quarantine keeps it, on the road that it came by. With `dry_run` it is only told what "
            f"would become of it. Needs the scope `{REPLAY_SCOPE}`. At most {limits.body_bytes_max} bytes."
        ),
        "operationId": "replay",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref(Replay.__name__), "example": example}},
        },
        "responses": responses(404, 422),
    }


def _webhook(limits: Limits) -> dict[str, Any]:
    return {
        "tags": ["webhooks"],
        "summary": "Take a webhook",
        "description": (
            "What another system sends by itself, signed in its own way; the connector's definition says how, and what "
            f"it means. At most {limits.body_bytes_max} bytes."
        ),
        "operationId": "takeWebhook",
        "parameters": [
            {
                "name": "connector",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)?$"},
                "description": "the connector's id, and where it is authorised by its URL a slash and the token",
                "example": "stripe",
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": ["object", "array"]}}}},
        "responses": responses(404, 422),
    }


_CALLS: Final[dict[str, dict[str, Any]]] = {
    "track": {
        "userId": "u-77",
        "event": "Report Exported",
        "messageId": "m-1",
        "timestamp": "2026-11-22T09:05:00Z",
        "properties": {"format": "csv"},
        "context": {"groupId": "acct-1042"},
    },
    "identify": {"userId": "u-77", "traits": {"accountId": "acct-1042", "role": "admin"}},
    "group": {"userId": "u-77", "groupId": "acct-1042", "traits": {"name": "Acme", "plan": "pro"}},
    "page": {"userId": "u-77", "name": "Pricing", "context": {"groupId": "acct-1042"}},
    "screen": {"userId": "u-77", "name": "Home", "context": {"groupId": "acct-1042"}},
    "alias": {"userId": "u-77", "previousId": "anonymous-12"},
}
