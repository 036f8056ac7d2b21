"""Which webhooks were taken and when connectors were heard, in PostgreSQL."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.postgres.engine import transaction

from truenorth_ingest.domain.webhooks.silence import Heard, Window, heard
from truenorth_ingest.settings import SCHEMA

_metadata = MetaData(schema=SCHEMA)

delivery_taken = Table(
    "delivery_taken",
    _metadata,
    Column("connector", Text, primary_key=True),
    Column("delivery", Text, primary_key=True),
    Column("taken", BigInteger, nullable=False),
)
connector_heard = Table(
    "connector_heard",
    _metadata,
    Column("connector", Text, primary_key=True),
    Column("last_ms", BigInteger, nullable=False),
    Column("gap_ms", BigInteger, nullable=False),
)
"""Times are epoch milliseconds."""


class PostgresDeliveries:
    """See `truenorth_ingest.ports.DeliveryTable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def taken_since(self, connector: str, delivery: str, *, since_ms: int) -> bool:
        """See `truenorth_ingest.ports.DeliveryTable.taken_since`."""
        row = delivery_taken.c
        asked = select(row.taken).where(row.connector == connector, row.delivery == delivery, row.taken >= since_ms)
        async with transaction(self._engine) as connection:
            return (await connection.execute(asked)).first() is not None

    async def note_taken(self, connector: str, delivery: str, *, now_ms: int) -> None:
        """See `truenorth_ingest.ports.DeliveryTable.note_taken`."""
        added = insert(delivery_taken).values(connector=connector, delivery=delivery, taken=now_ms)
        async with transaction(self._engine) as connection:
            await connection.execute(
                added.on_conflict_do_update(index_elements=["connector", "delivery"], set_={"taken": now_ms})
            )

    async def forget_before(self, before_ms: int) -> None:
        """See `truenorth_ingest.ports.DeliveryTable.forget_before`."""
        async with transaction(self._engine) as connection:
            await connection.execute(delete(delivery_taken).where(delivery_taken.c.taken < before_ms))


class PostgresHeard:
    """See `truenorth_ingest.ports.HeardTable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def share(self, windows: Mapping[str, Window]) -> Mapping[str, Heard]:
        """See `truenorth_ingest.ports.HeardTable.share`."""
        async with transaction(self._engine) as connection:
            asked = select(connector_heard).order_by(connector_heard.c.connector)
            rows = (await connection.execute(asked.with_for_update() if windows else asked)).mappings()
            known = {row["connector"]: Heard(row["last_ms"], row["gap_ms"]) for row in rows}
            for connector in sorted(windows):
                now = known[connector] = heard(known.get(connector), windows[connector])
                values = {"last_ms": now.last_ms, "gap_ms": now.gap_ms}
                added = insert(connector_heard).values(connector=connector, **values)
                await connection.execute(added.on_conflict_do_update(index_elements=["connector"], set_=values))
        return known
