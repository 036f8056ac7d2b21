"""Requests to forget and what became of them, in PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.postgres.engine import transaction

from truenorth_ingest.adapters.tables import ERASURE, ERASURE_ASKED, ERASURE_DONE
from truenorth_ingest.domain.standing import Standing


class PostgresErasures:
    """See `truenorth_ingest.ports.ErasureTable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def asked(self, request_ids: Sequence[str], *, kind: str, now_ms: int) -> None:
        """See the port."""
        rows = [{"request_id": request_id, "kind": kind, "asked_ms": now_ms} for request_id in request_ids]
        async with transaction(self._engine) as connection:
            await connection.execute(insert(ERASURE_ASKED).on_conflict_do_nothing(), rows)

    async def standing(self, request_id: str) -> Standing | None:
        """See the port."""
        read = select(ERASURE).where(ERASURE.c.request_id == request_id)
        noted = select(ERASURE_ASKED).where(ERASURE_ASKED.c.request_id == request_id)
        said = select(ERASURE_DONE).where(ERASURE_DONE.c.request_id == request_id)
        async with transaction(self._engine) as connection:
            one = (await connection.execute(read)).first()
            asked = (await connection.execute(noted)).first() if one is None else None
            done = {row.service: row.done_ms for row in await connection.execute(said)}
        if one is not None:
            return Standing(request_id, one.kind, one.account, one.asked_ms, done)
        return None if asked is None else Standing(request_id, asked.kind, "", asked.asked_ms, done)
