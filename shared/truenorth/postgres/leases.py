"""Claim with a lease: a table is its own queue, and a crashed worker's rows come back by themselves.

A leased table has `lease_columns` and a single-column primary key. A row is due when ``due_ms`` has come and
no lease holds it. Recovery is part of the claim query, so no separate job can stall.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Column, ColumnElement, Integer, Row, Table, Text, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

ROWS_PER_CLAIM: Final = 100


def lease_columns() -> tuple[Column[Any], ...]:
    """Return the columns that make a table claimable. ``due_ms`` NULL means nothing is due, ever."""
    return (
        Column("due_ms", BigInteger, nullable=True),
        Column("lease_until_ms", BigInteger, nullable=False, server_default="0"),
        Column("lease_by", Text, nullable=False, server_default=""),
        Column("attempts", Integer, nullable=False, server_default="0"),
    )


async def claim(
    connection: AsyncConnection,
    table: Table,
    *,
    worker: str,
    now_ms: int,
    lease_ms: int,
    limit: int = ROWS_PER_CLAIM,
    where: ColumnElement[bool] | None = None,
) -> Sequence[Row[Any]]:
    """Take up to ``limit`` due rows for ``lease_ms`` and return them, the longest due first.

    Counts an attempt on each. Commit before working, so that others see the lease; rows another claim is
    taking at this moment are passed over, never waited for.
    """
    key = _key(table)
    due = and_(table.c.due_ms <= now_ms, table.c.lease_until_ms <= now_ms)
    chosen = (
        select(key)
        .where(due if where is None else and_(due, where))
        .order_by(table.c.due_ms)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = await connection.execute(
        update(table)
        .where(key.in_(chosen.scalar_subquery()))
        .values(lease_until_ms=now_ms + lease_ms, lease_by=worker, attempts=table.c.attempts + 1)
        .returning(*table.c)
    )
    return sorted(taken.all(), key=lambda row: row.due_ms)


async def finish(
    connection: AsyncConnection, table: Table, key: Any, *, worker: str, due_ms: int | None, **values: Any
) -> bool:
    """Give a claimed row back with its next due time (None: never) and other ``values``.

    Returns False, and changes nothing, when the lease has passed to another worker meanwhile.
    """
    result = await connection.execute(
        update(table)
        .where(_key(table) == key, table.c.lease_by == worker)
        .values(due_ms=due_ms, lease_until_ms=0, lease_by="", **values)
    )
    return result.rowcount == 1


def _key(table: Table) -> Column[Any]:
    (key,) = table.primary_key.columns
    return key
