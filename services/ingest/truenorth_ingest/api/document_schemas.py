"""The schemas of the document: events by type, answers, and problems by status."""

from typing import Any, Final

import msgspec
from truenorth.events.catalogue import CATALOGUE
from truenorth.events.inputs import AccountUpdated

from truenorth_ingest.api.desk_answers import ErasuresMade, ErasureStanding, IdentityTold
from truenorth_ingest.api.problems import BUSY_CODES, STATUS_OF_CODE, TITLES
from truenorth_ingest.api.replay import Replay
from truenorth_ingest.api.upload_answers import Progress, RefusalPage, UploadList
from truenorth_ingest.domain.accepting import TYPES_TAKEN
from truenorth_ingest.domain.asking import AskedErasure, AskedIdentity
from truenorth_ingest.handlers.intake import Answer

SCHEMAS: Final = "#/components/schemas/"
_OUTSIDE: Final = {
    "type": "object",
    "required": ["type", "subject"],
    "properties": {
        "specversion": {"type": "string"},
        "id": {"type": ["string", "integer"], "description": "makes a repeat harmless"},
        "source": {"type": "string"},
        "type": {"type": "string"},
        "subject": {"type": ["string", "integer"], "description": "the account"},
        "time": {"type": "string", "format": "date-time"},
        "backfill": {"type": "boolean", "description": "the past: folded, and alerts nobody"},
        "data": {"type": "object"},
    },
}
_ID: Final = {"type": ["string", "integer", "null"]}
_TEXT: Final = {"type": ["string", "null"]}
_ANYTHING: Final = {"type": ["object", "null"]}
_CALL: Final = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "description": "in a batch: track, identify, group, page, screen or alias"},
        "messageId": _ID | {"description": "makes a repeat harmless"},
        "userId": _ID,
        "anonymousId": _ID,
        "groupId": _ID | {"description": "the account, of a group call"},
        "previousId": _ID,
        "event": _TEXT | {"description": "what was done, of a track call"},
        "name": _TEXT | {"description": "of a page or screen call"},
        "timestamp": _TEXT,
        "originalTimestamp": _TEXT,
        "sentAt": _TEXT,
        "properties": _ANYTHING,
        "traits": _ANYTHING,
        "context": _ANYTHING | {"description": "context.groupId is the account"},
        "writeKey": _TEXT,
    },
}
_ASKED_BY_HAND: Final = (AskedErasure, ErasuresMade, ErasureStanding, AskedIdentity, IdentityTold)


def ref(name: str) -> dict[str, str]:
    """Return the reference to a named schema."""
    return {"$ref": f"{SCHEMAS}{name}"}


def schemas() -> dict[str, Any]:
    """Return the named schemas: answers, problems, what is sent, and the data of each event type."""
    payloads = {event_type: CATALOGUE[event_type] for event_type in sorted(TYPES_TAKEN)}
    answers = [Answer, Replay, Progress, UploadList, RefusalPage, *_ASKED_BY_HAND]
    refs, parts = msgspec.json.schema_components([*answers, *payloads.values()], ref_template=f"{SCHEMAS}{{name}}")
    kinds = [
        {
            "properties": {"type": {"const": event_type}, "data": data},
            "required": ["type", "data"] if _has_required(payload) else ["type"],
        }
        for (event_type, payload), data in zip(payloads.items(), refs[len(answers) :], strict=True)
    ]
    return parts | {
        "Outside": _OUTSIDE,
        "Event": {"allOf": [ref("Outside"), {"oneOf": kinds}]},
        "Call": _CALL,
        "AccountFacts": _account_facts(parts),
        "AccountTold": _account_told(),
        "Problem": _problem_schema(sorted(STATUS_OF_CODE)),
    }


def problem_responses() -> dict[str, Any]:
    """Return a named response per status, with the codes that it may have."""
    responses: dict[str, Any] = {}
    for status in sorted({*STATUS_OF_CODE.values()}):
        codes = [code for code, of in STATUS_OF_CODE.items() if of == status]
        if status == 429:  # which a setting may make of them
            codes += sorted(BUSY_CODES)
        responses[f"Problem{status}"] = {
            "description": f"{TITLES[status]}: {', '.join(codes)}",
            "content": {
                "application/problem+json": {
                    "schema": {"allOf": [ref("Problem"), {"properties": {"code": {"enum": codes}}}]}
                }
            },
        }
        if status in {429, 503}:
            responses[f"Problem{status}"]["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return responses


def _problem_schema(codes: list[str]) -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("type", "title", "detail", "message", "field")}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "message", "field"],
        "properties": {**texts, "status": {"type": "integer"}, "code": {"type": "string", "enum": codes}},
    }


def _account_facts(parts: dict[str, Any]) -> dict[str, Any]:
    facts = {name: _without_null(schema) for name, schema in parts[AccountUpdated.__name__]["properties"].items()}
    beside = {
        "id": {"type": "string", "minLength": 1, "maxLength": 256, "description": "the event's id"},
        "time": {"type": "string", "format": "date-time", "description": "since when this is so; now, when left out"},
    }
    return {"type": "object", "properties": facts | beside, "additionalProperties": False, "minProperties": 1}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a fact that is told: null would not clear it, so it is refused."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema


def _account_told() -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("account_id", "id", "time")}
    return {
        "type": "object",
        "required": ["success", *texts, "facts"],
        "properties": {"success": {"const": True}, **texts, "facts": ref(AccountUpdated.__name__)},
    }


def _has_required(payload: type[msgspec.Struct]) -> bool:
    return any(field.required for field in msgspec.structs.fields(payload))
