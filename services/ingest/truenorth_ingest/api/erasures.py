"""``/v1/erasures``: that somebody, or all of an account, is forgotten, and how far that is."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from truenorth.codec import encode_json
from truenorth.errors import RefusedError

from truenorth_ingest.api.control import Gate
from truenorth_ingest.api.desk_answers import ErasureMade, ErasuresMade, told
from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.asking import AskedErasure, read_asked
from truenorth_ingest.domain.keys import ERASURES_SCOPE
from truenorth_ingest.handlers.desks import ErasureDesk
from truenorth_ingest.ports import ErasureTable


def erasures_router(gate: Gate, *, desk: ErasureDesk, table: ErasureTable) -> APIRouter:
    """Return the roads of erasures."""
    router = APIRouter(prefix="/v1/erasures", tags=["erasures"])
    caller_with_scope = Annotated[Sender, Depends(gate.caller_with(ERASURES_SCOPE))]

    @router.post(
        "",
        operation_id="requestErasure",
        summary="Ask that somebody is forgotten",
        description=(
            "A person (`actor`, `contact`) is forgotten at `account`, without one at every account that is known to "
            "be theirs, one request each; an `account` with all that is known of it. 202 is sent after the broker has "
            "acknowledged. A repeat under the same `id` changes nothing."
        ),
        status_code=202,
        openapi_extra=_BODY,
        responses={202: _answer("ErasuresMade", "Acknowledged; every service carries it out")},
    )
    async def request_erasure(request: Request, caller: caller_with_scope) -> Response:
        asked = read_asked(await gate.body(request), AskedErasure)
        made = [ErasureMade(*one) for one in await desk.ask(asked, caller)]
        return Response(encode_json(ErasuresMade(True, made)), 202, media_type="application/json")

    @router.get(
        "/{request_id}",
        operation_id="getErasure",
        summary="How far it is",
        responses={200: _answer("ErasureStanding", "Who has carried it out, and who has not")},
    )
    async def get_erasure(request_id: str, _: caller_with_scope) -> Response:
        standing = await table.standing(request_id) if request_id.isprintable() else None
        if standing is None:
            raise RefusedError("not_found", "no request to forget has this id", field="request_id")
        return Response(encode_json(told(standing)), media_type="application/json")

    return router


def _answer(schema: str, description: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/AskedErasure"},
                "example": {"kind": "actor", "subject_id": "u-77", "by": "privacy desk"},
            }
        },
    }
}
