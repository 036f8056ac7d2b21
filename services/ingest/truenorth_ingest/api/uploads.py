"""``/v1/uploads``: whole files of account facts or events, taken row by row in the background."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.requests import ClientDisconnect
from truenorth.clock import Clock
from truenorth.codec import encode_json
from truenorth.ids import IdSource, derived_id

from truenorth_ingest.api.control import Gate, too_slow
from truenorth_ingest.api.door import BODY_SECONDS_MAX
from truenorth_ingest.api.reading import SenderGoneError
from truenorth_ingest.api.upload_answers import RefusalPage, UploadList, progress
from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.columns import Kind
from truenorth_ingest.domain.keys import ACCOUNTS_SCOPE, WRITE_SCOPE
from truenorth_ingest.domain.uploads import Format, Upload
from truenorth_ingest.handlers.uploads import Uploads

PAGE_MAX: Final = 1000
UPLOADS_PATH: Final = "/v1/uploads"


def uploads_router(gate: Gate, uploads: Uploads, *, clock: Clock, new_id: IdSource) -> APIRouter:
    """Return the roads of uploads: what a key may read of them is what some key may send."""
    router = APIRouter(prefix=UPLOADS_PATH, tags=["uploads"])
    _receiving(router, gate, uploads, clock, new_id)
    reader = Annotated[Sender, Depends(gate.caller_with(ACCOUNTS_SCOPE))]

    @router.get("", operation_id="listUploads", summary="List uploads", responses={200: _answer("UploadList")})
    async def list_uploads(_: reader, limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50) -> Response:
        found = await uploads.store.newest(limit=limit)
        return _json(UploadList([progress(upload) for upload in found]))

    @router.get("/{upload_id}", operation_id="getUpload", summary="How far it is", responses={200: _PROGRESS})
    async def get_upload(_: reader, upload_id: str) -> Response:
        return _json(progress(await uploads.found(upload_id)))

    @router.get(
        "/{upload_id}/refusals",
        operation_id="getUploadRefusals",
        summary="Which rows were refused, and why",
        responses={200: _answer("RefusalPage")},
    )
    async def get_refusals(
        _: reader,
        upload_id: str,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    ) -> Response:
        await uploads.found(upload_id)
        rows = list(await uploads.store.refusals(upload_id, after=after, limit=limit))
        return _json(RefusalPage(rows, rows[-1].row if len(rows) == limit else None))

    @router.delete("/{upload_id}", operation_id="cancelUpload", summary="Call it off", responses={200: _PROGRESS})
    async def cancel_upload(_: reader, upload_id: str) -> Response:
        return _json(progress(await uploads.cancel(upload_id)))

    return router


def _receiving(router: APIRouter, gate: Gate, uploads: Uploads, clock: Clock, new_id: IdSource) -> None:
    @router.post(
        "",
        operation_id="upload",
        summary="Upload a file",
        description=(
            "The file is kept and taken row by row in the background: 202 means that it is here, its progress tells "
            "the rest. `backfill` marks the past, which alerts nobody. A repeat with the same `Idempotency-Key` is the "
            "same upload."
        ),
        status_code=202,
        openapi_extra=_FILE,
        responses={202: _PROGRESS},
    )
    async def upload(
        request: Request,
        caller: Annotated[Sender, Depends(gate.caller_with(ACCOUNTS_SCOPE))],
        kind: Kind,
        format: Format,  # noqa: A002 - the parameter's public name
        backfill: bool = False,  # noqa: FBT001, FBT002 - a query parameter
        idempotency_key: Annotated[str, Header(max_length=256)] = "",
    ) -> Response:
        if kind == "events":
            await gate.caller_with(WRITE_SCOPE)(request)
        upload_id = derived_id("upload", caller.key_id, idempotency_key) if idempotency_key else new_id()
        fresh = Upload(upload_id, caller.key_id, caller.name, kind, format, backfill, clock.now_ms())
        encoding = request.headers.get("content-encoding", "")
        kept = await uploads.receive(fresh, _parts(request), encoding=encoding)
        return _json(progress(kept), 202, {"location": f"{UPLOADS_PATH}/{kept.upload_id}"})


async def _parts(request: Request) -> AsyncIterator[bytes]:
    """Return the body part by part; a sender that stalls does not hold its place for ever."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                part = await anext(stream, None)
        except TimeoutError:
            raise too_slow() from None
        except ClientDisconnect:
            raise SenderGoneError from None
        if part is None:
            return
        yield part


def _json(answer: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(encode_json(answer), status, headers, media_type="application/json")


def _answer(schema: str) -> dict[str, Any]:
    return {
        "description": "As far as it is",
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


_PROGRESS: Final = _answer("Progress")
_FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "the file itself; `Content-Encoding: gzip` is welcome",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "account_id,name,arr_major,external_ids.stripe\nacct-1,Acme,12000.50,cus_1\n",
            },
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": '{"account_id": "acct-1", "name": "Acme"}\n',
            },
        },
    }
}
