"""``/v1/identities/{system}/{external_id}``: whose an id of another system, or an actor, is, said by hand."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from truenorth.codec import encode_json

from truenorth_ingest.api.control import Gate
from truenorth_ingest.api.desk_answers import IdentityTold
from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.asking import AskedIdentity, lookup_of, read_asked
from truenorth_ingest.domain.keys import ACCOUNTS_SCOPE
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.handlers.desks import IdentityDesk


def identities_router(gate: Gate, *, desk: IdentityDesk, pseudonyms: Pseudonyms) -> APIRouter:
    """Return the roads of identities. An actor's raw id goes no further than here."""
    router = APIRouter(prefix="/v1/identities", tags=["accounts"])
    caller_with_scope = Annotated[Sender, Depends(gate.caller_with(ACCOUNTS_SCOPE))]
    path = "/{system}/{external_id:path}"

    @router.put(
        path,
        operation_id="putIdentity",
        summary="Say whose it is",
        description=(
            "From now on this id belongs to this account and to no other. `system` is another system's name, such as "
            "`stripe`, or `actor` for a person's id as your product sends it. What waited for it goes on."
        ),
        openapi_extra=_BODY,
        responses={200: _TOLD},
    )
    async def put_identity(system: str, external_id: str, request: Request, _: caller_with_scope) -> Response:
        lookup = lookup_of(system, external_id, pseudonyms)
        account = read_asked(await gate.body(request), AskedIdentity).account
        await desk.put(lookup, account)
        return _told(lookup, [account])

    @router.get(path, operation_id="getIdentity", summary="Whose it is", responses={200: _TOLD})
    async def get_identity(system: str, external_id: str, _: caller_with_scope) -> Response:
        lookup = lookup_of(system, external_id, pseudonyms)
        return _told(lookup, await desk.accounts_of(lookup))

    @router.delete(
        path,
        operation_id="deleteIdentity",
        summary="Forget whose it is",
        description="The answer says whose it was.",
        responses={200: _TOLD},
    )
    async def delete_identity(system: str, external_id: str, _: caller_with_scope) -> Response:
        lookup = lookup_of(system, external_id, pseudonyms)
        return _told(lookup, await desk.delete(lookup))

    return router


def _told(lookup: str, accounts: Sequence[str]) -> Response:
    return Response(encode_json(IdentityTold(True, lookup, list(accounts))), media_type="application/json")


_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/AskedIdentity"},
                "example": {"account": "acct-1042"},
            }
        },
    }
}
_TOLD: Final[dict[str, Any]] = {
    "description": "Acknowledged; whose it is",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/IdentityTold"}}},
}
