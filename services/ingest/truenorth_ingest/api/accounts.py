"""``PUT /v1/accounts/{account_id}``: what is known of an account, told by whoever keeps it."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from truenorth.clock import Clock
from truenorth.codec import encode_json
from truenorth.events.inputs import AccountUpdated
from truenorth.ids import IdSource

from truenorth_ingest.api.control import Gate
from truenorth_ingest.domain.accepting import Acceptor, Sender
from truenorth_ingest.domain.drafts import Cut
from truenorth_ingest.domain.facts import account_id_of, event_id_of, read_facts
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.times import Times
from truenorth_ingest.handlers.intake import Intake

ACCOUNTS_SCOPE: Final = "accounts:write"


class AccountTold(msgspec.Struct, frozen=True):
    """The answer once the broker has the facts: what was understood, as it was written."""

    success: bool
    account_id: str
    id: str
    time: str
    facts: AccountUpdated


def accounts_router(
    gate: Gate, *, acceptor: Acceptor, intake: Intake, clock: Clock, limits: Limits, new_id: IdSource
) -> APIRouter:
    """Return the road that takes facts."""
    router = APIRouter(tags=["accounts"])
    times = Times(future_ms_max=limits.future_ms_max)

    @router.put(
        "/v1/accounts/{account_id}",
        operation_id="putAccount",
        summary="Tell facts of an account",
        description=(
            "Facts that are not named keep their value. A name that is no fact is refused. An `Idempotency-Key` (or "
            "`id`) makes a repeat harmless. 200 is sent after the broker has acknowledged."
        ),
        openapi_extra=_BODY,
        responses={200: _TOLD},
    )
    async def put_account(
        account_id: str,
        request: Request,
        caller: Annotated[Sender, Depends(gate.caller_with(ACCOUNTS_SCOPE))],
        idempotency_key: Annotated[str, Header(max_length=256, description="Becomes the event's id.")] = "",
    ) -> Response:
        account = account_id_of(account_id)
        told = read_facts(await gate.body(request), beside=("id", "time"))
        now_ms = clock.now_ms()
        event_id = idempotency_key or told.id
        draft = acceptor.drafted(
            told.facts,
            index=0,
            event_type="account.updated",
            event_id=event_id_of(event_id, chars_max=limits.id_chars_max) if event_id else new_id(),
            source=f"key {caller.name}",
            account=account,
            time=times.happened(told.time, now_ms),
        )
        await intake.take(Cut(1, [draft]), caller, route="accounts", now_ms=now_ms)
        answer = AccountTold(True, account, draft.id, draft.time, told.facts)
        return Response(encode_json(answer), media_type="application/json")

    return router


_FACTS_REF: Final = "#/components/schemas/AccountUpdated"
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/AccountFacts"},
                "example": {
                    "name": "Acme",
                    "owner_id": "csm-7",
                    "arr": 1_200_000,
                    "seats": 40,
                    "renews_on": "2027-03-01",
                    "external_ids": {"stripe": "cus_1"},
                },
            }
        },
    }
}
_TOLD: Final[dict[str, Any]] = {
    "description": "Acknowledged; what was understood",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AccountTold"}}},
}
