"""The one OpenAPI document: the control roads as FastAPI generates them, and the hot roads beside them."""

from collections.abc import Callable
from typing import Any, Final

from truenorth_ingest.api.document_roads import hot_roads
from truenorth_ingest.api.document_schemas import problem_responses, schemas
from truenorth_ingest.domain.limits import Limits

SECURITY: Final[list[dict[str, list[str]]]] = [{"bearer": []}, {"basic": []}, {"writeKey": []}]
CONTROL_STATUSES: Final = (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503)


def documented(generated: Callable[[], dict[str, Any]], limits: Limits) -> Callable[[], dict[str, Any]]:
    """Return what makes the document: ``generated`` is FastAPI's own part of it."""

    def openapi() -> dict[str, Any]:
        document = generated()
        if "securitySchemes" in document.get("components", {}):
            return document  # FastAPI keeps what it generated, and this has been added to it
        for operations in document["paths"].values():
            for operation in operations.values():
                _complete(operation)
        document["paths"] |= hot_roads(limits, security=SECURITY)
        document["components"] = {
            "schemas": schemas(),
            "responses": problem_responses(),
            "headers": _HEADERS,
            "securitySchemes": _SCHEMES,
        }
        return document

    return openapi


def _complete(operation: dict[str, Any]) -> None:
    """Give an operation of a control road what all of them have: keys, problems, and the headers of the rate."""
    operation.setdefault("security", SECURITY)
    responses = {status: told for status, told in operation["responses"].items() if status < "400"}
    for told in responses.values():
        told["headers"] = told.get("headers", {}) | RATE_HEADERS
    problems = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in CONTROL_STATUSES}
    operation["responses"] = responses | problems


RATE_HEADERS: Final = {
    "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"},
    "RateLimit": {"$ref": "#/components/headers/RateLimit"},
}
_HEADERS: Final = {
    "RateLimit-Policy": {
        "description": 'The key\'s share: `"default";q=200000;w=10` is 200,000 events in 10 seconds.',
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": 'What is left of it: `"default";r=199000;t=1`; after `t` seconds it is more.',
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "After how many seconds to try again.", "schema": {"type": "string"}},
}
_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer <key>`"},
    "basic": {"type": "http", "scheme": "basic", "description": "the key is the user name, the password is empty"},
    "writeKey": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
}
