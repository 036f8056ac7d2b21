"""What was learned about whose account it is, in PostgreSQL: ``ingest.identity``."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.postgres.engine import transaction

from truenorth_ingest.adapters.tables import IDENTITY

ACCOUNTS_PER_LOOKUP_MAX: Final = 20


class PostgresAccountMap:
    """See `truenorth_ingest.ports.AccountMap` and `truenorth_ingest.ports.IdentityTable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def accounts_of(self, lookups: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """See `truenorth_ingest.ports.AccountMap.accounts_of`; at most `ACCOUNTS_PER_LOOKUP_MAX` of each."""
        asked = select(IDENTITY.c.lookup, IDENTITY.c.account).where(IDENTITY.c.lookup.in_(lookups))
        found: dict[str, list[str]] = {}
        async with transaction(self._engine) as connection:
            for lookup, account in await connection.execute(asked.order_by(IDENTITY.c.account)):
                accounts = found.setdefault(lookup, [])
                if len(accounts) < ACCOUNTS_PER_LOOKUP_MAX:
                    accounts.append(account)
        return found

    async def all_accounts_of(self, lookup: str, *, limit: int) -> Sequence[str]:
        """See `truenorth_ingest.ports.IdentityTable.all_accounts_of`."""
        asked = select(IDENTITY.c.account).where(IDENTITY.c.lookup == lookup).order_by(IDENTITY.c.account).limit(limit)
        async with transaction(self._engine) as connection:
            return list(await connection.scalars(asked))
