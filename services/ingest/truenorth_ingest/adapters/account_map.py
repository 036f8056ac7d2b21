"""What was learned about whose account it is, in PostgreSQL: ``ingest.identity``."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.postgres.engine import transaction

from truenorth_ingest.settings import SCHEMA

ACCOUNTS_PER_LOOKUP_MAX: Final = 20

metadata = MetaData(schema=SCHEMA)

identity = Table(
    "identity",
    metadata,
    Column("lookup", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("learned", BigInteger, nullable=False),
)


class PostgresAccountMap:
    """See `truenorth_ingest.ports.AccountMap`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def accounts_of(self, lookups: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """See `truenorth_ingest.ports.AccountMap.accounts_of`."""
        asked = select(identity.c.lookup, identity.c.account).where(identity.c.lookup.in_(lookups))
        found: dict[str, list[str]] = {}
        async with transaction(self._engine) as connection:
            for lookup, account in await connection.execute(asked.order_by(identity.c.account)):
                accounts = found.setdefault(lookup, [])
                if len(accounts) < ACCOUNTS_PER_LOOKUP_MAX:
                    accounts.append(account)
        return found
