"""The FastAPI application behind the hot road: the OpenAPI document, and problems for everything else."""

from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from truenorth.events.catalogue import CATALOGUE

from truenorth_ingest.api.events import EVENTS_PATH
from truenorth_ingest.api.problems import STATUS_OF_CODE, TITLES, problem
from truenorth_ingest.domain.accepting import TYPES_TAKEN
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.handlers.intake import Answer

_EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "b1f7c2",
    "source": "billing-backend",
    "type": "usage.recorded",
    "subject": "acct-1042",
    "time": "2026-11-22T09:05:00Z",
    "data": {"feature": "export", "count": 3, "actor": "u-77"},
}


_SCHEMAS: Final = "#/components/schemas/"
_OUTSIDE: Final = {
    "type": "object",
    "required": ["type", "subject"],
    "properties": {
        "specversion": {"type": "string"},
        "id": {"type": ["string", "integer"]},
        "source": {"type": "string"},
        "type": {"type": "string"},
        "subject": {"type": ["string", "integer"], "description": "the account"},
        "time": {"type": "string", "format": "date-time"},
        "backfill": {"type": "boolean"},
        "data": {"type": "object"},
    },
}


def make_document_app(limits: Limits) -> FastAPI:
    """Return the application that serves ``/openapi.json`` and answers problems elsewhere."""
    app = FastAPI(title="truenorth ingest", version="1", docs_url=None, redoc_url=None)
    app.add_exception_handler(HTTPException, _http_problem)
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        document = generated()
        document["paths"][EVENTS_PATH] = {"post": _operation(limits)}
        document["components"] = {"schemas": _schemas(), "securitySchemes": _security()}
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
    return app


async def _http_problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    code = "method_not_allowed" if status == 405 else "not_found"
    answer = problem(code, f"events go to POST {EVENTS_PATH}; {request.url.path[:200]} is not served")
    return Response(answer.body, answer.status, {name.decode(): value.decode() for name, value in answer.headers})


def _security() -> dict[str, Any]:
    return {
        "bearer": {"type": "http", "scheme": "bearer"},
        "basic": {"type": "http", "scheme": "basic"},
        "writeKey": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
    }


def _operation(limits: Limits) -> dict[str, Any]:
    event = {"schema": _ref("Event"), "example": _EXAMPLE}
    batch_schema = {"type": "array", "items": _ref("Event"), "maxItems": limits.batch_events_max}
    batch = {"schema": batch_schema, "example": [_EXAMPLE]}
    return {
        "summary": "Take events",
        "description": (
            "Each event is accepted or refused by itself. 200 is sent after the broker has acknowledged every "
            "accepted event. A body may be gzipped and has at most "
            f"{limits.body_bytes_max} bytes, an event {limits.event_bytes_max}."
        ),
        "operationId": "takeEvents",
        "security": [{"bearer": []}, {"basic": []}, {"writeKey": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/cloudevents+json": event,
                "application/cloudevents-batch+json": batch,
                "application/json": event,
            },
        },
        "responses": _responses(),
    }


def _responses() -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {"description": "Acknowledged", "content": {"application/json": {"schema": _ref("Answer")}}}
    }
    for status in sorted({*STATUS_OF_CODE.values()} - {404, 405}):
        codes = [code for code, of in STATUS_OF_CODE.items() if of == status]
        responses[str(status)] = {
            "description": f"{TITLES[status]}: {', '.join(codes)}",
            "content": {"application/problem+json": {"schema": _problem_schema(codes)}},
        }
    return responses


def _problem_schema(codes: list[str]) -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("type", "title", "detail", "message", "field")}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "message"],
        "properties": {**texts, "status": {"type": "integer"}, "code": {"enum": codes}},
    }


def _schemas() -> dict[str, Any]:
    """Return the named schemas: the answer, the outside of an event, and the data of each type."""
    payloads = {event_type: CATALOGUE[event_type] for event_type in sorted(TYPES_TAKEN)}
    refs, parts = msgspec.json.schema_components([Answer, *payloads.values()], ref_template=f"{_SCHEMAS}{{name}}")
    kinds = [
        {
            "properties": {"type": {"const": event_type}, "data": data},
            "required": ["type", "data"] if _has_required(payload) else ["type"],
        }
        for (event_type, payload), data in zip(payloads.items(), refs[1:], strict=True)
    ]
    return parts | {"Outside": _OUTSIDE, "Event": {"allOf": [_ref("Outside"), {"oneOf": kinds}]}}


def _has_required(payload: type[msgspec.Struct]) -> bool:
    return any(field.required for field in msgspec.structs.fields(payload))


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"{_SCHEMAS}{name}"}
