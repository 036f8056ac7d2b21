"""What a service with a database remembers of erasures: each request it carried out, which is its gravestone too.

All of it happens in the caller's transaction: the effect, the row and the acknowledgement in the outbox, or nothing.
Rows are kept for `truenorth.erasures.KEPT_MS`: who asked, when, for whom (an account's id or a person's pseudonym).
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Table,
    Text,
    and_,
    any_,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from truenorth import erasures
from truenorth.codec import encode, encode_json
from truenorth.erasures import DONE_TOPIC, Request
from truenorth.postgres import outbox
from truenorth.postgres.engine import lock_key

ERASED: Final = "erased"
"""What stands where a person's pseudonym stood."""
_STAYS_UNSENT: Final = (DONE_TOPIC, "contacts")
"""Topics whose unsent rows say that something is forgotten."""


def erasure_table(metadata: MetaData) -> Table:
    """Declare ``erasure``: one row per request. ``revision`` is the highest number that the account had here."""
    return Table(
        "erasure",
        metadata,
        Column("request_id", Text, primary_key=True),
        Column("account", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("asked_by", Text, nullable=False),
        Column("asked_ms", BigInteger, nullable=False),
        Column("erased_ms", BigInteger, nullable=False),
        Column("done_ms", BigInteger, nullable=False),
        Column("revision", BigInteger, nullable=False),
    )


async def hold(connection: AsyncConnection, schema: str, *, alone: bool) -> None:
    """Let batches run beside each other, and one that erases alone: nothing is founded behind its back.

    Call it first in the transaction, before `graves` is asked.
    """
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    await connection.execute(text(f"SELECT {function}(:key)"), {"key": lock_key(f"{schema} erasure")})


async def note(connection: AsyncConnection, table: Table, request: Request, *, now_ms: int, revision: int = 0) -> bool:
    """Note a request as carried out; False when it was before, and then there is nothing to do."""
    values = {**request._asdict(), "done_ms": now_ms, "revision": revision}
    noted = await connection.execute(insert(table).values(values).on_conflict_do_nothing())
    return noted.rowcount == 1


async def is_noted(connection: AsyncConnection, table: Table, request: Request) -> bool:
    """Tell whether a request was carried out before."""
    found = await connection.scalar(select(func.count()).where(table.c.request_id == request.request_id))
    return bool(found)


async def graves(
    connection: AsyncConnection, table: Table, accounts: Collection[str], persons: Collection[str] = ()
) -> dict[str, int]:
    """Return when (epoch ms) those of these accounts and pseudonyms that were erased were erased last."""
    if not accounts and not persons:
        return {}
    whole = and_(table.c.kind == "account", table.c.subject == any_(literal(sorted(accounts), ARRAY(Text))))
    one = and_(table.c.kind != "account", table.c.subject == any_(literal(sorted(persons), ARRAY(Text))))
    rows = await connection.execute(
        select(table.c.subject, func.max(table.c.erased_ms).label("erased_ms"))
        .where(or_(whole, one))
        .group_by(table.c.subject)
    )
    return {row.subject: row.erased_ms for row in rows}


async def acknowledge(
    connection: AsyncConnection, table: Table, request: Request, *, service: str, source: str, now_ms: int
) -> None:
    """Put the service's word that it carried out a request into its outbox ``table``."""
    event_id, payload = erasures.acknowledgement(request.request_id, request.kind, service)
    await outbox.put(
        connection,
        table,
        event_id=event_id,
        topic=DONE_TOPIC,
        key=request.account,
        event_type="erasure.acknowledged",
        value=encode(payload, event_id=event_id, source=source, account=request.account, time_ms=now_ms),
        now_ms=now_ms,
    )


async def drop_unsent(connection: AsyncConnection, table: Table, account: str) -> None:
    """Delete what waits in the outbox ``table`` to be said about an account, but for what says it is forgotten."""
    mine = and_(table.c.aggregateid == account, table.c.aggregatetype.not_in(_STAYS_UNSENT))
    await connection.execute(delete(table).where(mine))


async def redact(
    connection: AsyncConnection, table: Table, column: str, where: ColumnElement[bool], subject: str
) -> None:
    """Put `ERASED` where a pseudonym is a text of its own in the JSON of a bytes column."""
    kept = table.c[column]
    written = encode_json(subject)
    clean = func.convert_to(
        func.replace(func.convert_from(kept, "UTF8"), written.decode(), encode_json(ERASED).decode()), "UTF8"
    )
    holds = func.position(literal(written).op("IN")(kept)) > 0
    await connection.execute(update(table).where(where, holds).values({column: clean}))


async def forget_old(connection: AsyncConnection, table: Table, *, now_ms: int) -> None:
    """Delete the rows of requests that no kept record can be older than."""
    await connection.execute(delete(table).where(table.c.erased_ms < now_ms - erasures.KEPT_MS))
