"""Uploads in PostgreSQL: what is known of each, its content in chunks until it is over, and its refused rows."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from truenorth.errors import TransientError
from truenorth.postgres.engine import transaction

from truenorth_ingest.domain.uploads import OPEN_STATES, RefusedRow, Upload
from truenorth_ingest.handlers.uploads import ARRIVING_MS_MAX
from truenorth_ingest.settings import SCHEMA

REFUSALS_KEPT_MAX: Final = 100_000
"""Of one upload; more are counted, and on the quarantine topic, but not listed."""
UNFINISHED_MS_MAX: Final = 60 * 60 * 1000
"""A file that is not whole after so long will never be."""
KEPT_MS: Final = 30 * 24 * 60 * 60 * 1000
"""How long an upload that is over is listed; as long as the quarantine keeps what was refused of it."""

_metadata = MetaData(schema=SCHEMA)

_upload = Table(
    "upload",
    _metadata,
    Column("upload_id", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("backfill", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("finished", BigInteger),
    Column("worker", Text, nullable=False, server_default=""),
    Column("leased_until", BigInteger, nullable=False, server_default="0"),
)
_chunk = Table(
    "upload_chunk",
    _metadata,
    Column("upload_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
_refusal = Table(
    "upload_refusal",
    _metadata,
    Column("upload_id", Text, primary_key=True),
    Column("row", BigInteger, primary_key=True),
    Column("code", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("message", Text, nullable=False),
)
_NAMES: Final = Upload.__struct_fields__
_KNOWN: Final = [_upload.c[name] for name in _NAMES]


class PostgresUploads:
    """See `truenorth_ingest.handlers.uploading.WorkStore`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def begin(self, upload: Upload) -> Upload | None:
        """See `UploadStore.begin`."""
        values = {name: getattr(upload, name) for name in _NAMES}
        stale = and_(_upload.c.state == "receiving", _upload.c.created < upload.created - ARRIVING_MS_MAX)
        async with transaction(self._engine) as connection:
            await _forget(connection, _upload.c.upload_id == upload.upload_id, stale)
            made = upsert(_upload).values(**values).on_conflict_do_nothing().returning(_upload.c.upload_id)
            if (await connection.execute(made)).first() is not None:
                return None
            there = await connection.execute(select(*_KNOWN).where(_upload.c.upload_id == upload.upload_id))
            return _read(there.mappings().one())

    async def add_chunk(self, upload_id: str, number: int, content: bytes) -> None:
        """See `UploadStore.add_chunk`."""
        async with transaction(self._engine) as connection:
            values = {"upload_id": upload_id, "number": number, "content": content}
            await connection.execute(upsert(_chunk).values(**values).on_conflict_do_nothing())

    async def received(self, upload_id: str, *, size: int) -> None:
        """See `UploadStore.received`."""
        kept = select(func.sum(func.length(_chunk.c.content))).where(_chunk.c.upload_id == upload_id)
        whole = and_(_upload.c.upload_id == upload_id, _upload.c.state == "receiving", kept.scalar_subquery() == size)
        async with transaction(self._engine) as connection:
            noted = await connection.execute(update(_upload).where(whole).values(state="waiting", bytes=size))
        if not noted.rowcount:
            raise TransientError("another request took this upload over while it was arriving")

    async def drop(self, upload_id: str) -> None:
        """See `UploadStore.drop`."""
        async with transaction(self._engine) as connection:
            await _forget(connection, _upload.c.upload_id == upload_id, _upload.c.state == "receiving")

    async def open_uploads(self) -> int:
        """See `UploadStore.open_uploads`."""
        async with transaction(self._engine) as connection:
            counted = select(func.count()).select_from(_upload).where(_upload.c.state.in_(OPEN_STATES))
            return int((await connection.execute(counted)).scalar_one())

    async def find(self, upload_id: str) -> Upload | None:
        """See `UploadStore.find`."""
        async with transaction(self._engine) as connection:
            row = (await connection.execute(select(*_KNOWN).where(_upload.c.upload_id == upload_id))).mappings().first()
        return None if row is None else _read(row)

    async def newest(self, *, limit: int) -> Sequence[Upload]:
        """See `UploadStore.newest`."""
        async with transaction(self._engine) as connection:
            rows = await connection.execute(select(*_KNOWN).order_by(_upload.c.created.desc()).limit(limit))
            return [_read(row) for row in rows.mappings()]

    async def refusals(self, upload_id: str, *, after: int, limit: int) -> Sequence[RefusedRow]:
        """See `UploadStore.refusals`."""
        asked = select(_refusal).where(_refusal.c.upload_id == upload_id, _refusal.c.row > after)
        async with transaction(self._engine) as connection:
            rows = await connection.execute(asked.order_by(_refusal.c.row).limit(limit))
            return [RefusedRow(row["row"], row["code"], row["field"], row["message"]) for row in rows.mappings()]

    async def end(self, upload_id: str, *, worker: str | None, state: str, problem: str, now_ms: int) -> bool:
        """See `UploadStore.end`."""
        mine = _upload.c.worker == worker if worker is not None else _upload.c.upload_id == upload_id
        async with transaction(self._engine) as connection:
            ended = await connection.execute(
                update(_upload)
                .where(_upload.c.upload_id == upload_id, _upload.c.state.in_(OPEN_STATES), mine)
                .values(state=state, problem=problem, finished=now_ms, worker="", leased_until=0)
            )
            if ended.rowcount:
                await connection.execute(delete(_chunk).where(_chunk.c.upload_id == upload_id))
            return bool(ended.rowcount)

    async def claim(self, *, worker: str, now_ms: int, lease_ms: int) -> Upload | None:
        """See `WorkStore.claim`."""
        free = and_(_upload.c.state.in_({"waiting", "running"}), _upload.c.leased_until <= now_ms)
        oldest = select(_upload.c.upload_id).where(free).order_by(_upload.c.created).limit(1)
        taken = (
            update(_upload)
            .where(_upload.c.upload_id == oldest.with_for_update(skip_locked=True).scalar_subquery())
            .values(state="running", worker=worker, leased_until=now_ms + lease_ms)
            .returning(*_KNOWN)
        )
        async with transaction(self._engine) as connection:
            row = (await connection.execute(taken)).mappings().first()
        return None if row is None else _read(row)

    async def chunk(self, upload_id: str, number: int) -> bytes | None:
        """See `WorkStore.chunk`."""
        asked = select(_chunk.c.content).where(_chunk.c.upload_id == upload_id, _chunk.c.number == number)
        async with transaction(self._engine) as connection:
            content = (await connection.execute(asked)).scalar_one_or_none()
        return None if content is None else bytes(content)

    async def advance(
        self, upload_id: str, *, worker: str, position: int, accepted: int, refused: Sequence[RefusedRow], until_ms: int
    ) -> bool:
        """See `WorkStore.advance`."""
        values = {
            "position": func.greatest(_upload.c.position, position),
            "accepted": _upload.c.accepted + accepted,
            "refused": _upload.c.refused + len(refused),
            "leased_until": until_ms,
        }
        mine = and_(_upload.c.upload_id == upload_id, _upload.c.worker == worker, _upload.c.state == "running")
        async with transaction(self._engine) as connection:
            noted = await connection.execute(update(_upload).where(mine).values(**values).returning(_upload.c.refused))
            count = noted.scalar_one_or_none()
            if count is None:
                return False
            room = max(0, REFUSALS_KEPT_MAX - (int(count) - len(refused)))
            rows = [
                {"upload_id": upload_id, "row": r.row, "code": r.code, "field": r.field, "message": r.message}
                for r in refused[:room]
            ]
            if rows:
                await connection.execute(insert(_refusal), rows)
            return True

    async def sweep(self, *, now_ms: int) -> None:
        """See `WorkStore.sweep`."""
        broken = and_(_upload.c.state == "receiving", _upload.c.created < now_ms - UNFINISHED_MS_MAX)
        async with transaction(self._engine) as connection:
            await _forget(connection, or_(broken, _upload.c.finished < now_ms - KEPT_MS))


async def _forget(connection: AsyncConnection, *which: Any) -> None:
    """Delete uploads with all that hangs on them."""
    gone = (await connection.execute(delete(_upload).where(*which).returning(_upload.c.upload_id))).scalars().all()
    if gone:
        await connection.execute(delete(_chunk).where(_chunk.c.upload_id.in_(gone)))
        await connection.execute(delete(_refusal).where(_refusal.c.upload_id.in_(gone)))


def _read(row: RowMapping) -> Upload:
    return Upload(**{name: row[name] for name in _NAMES})
