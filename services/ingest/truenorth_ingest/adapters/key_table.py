"""Keys in PostgreSQL: ``ingest.api_key`` holds their hashes and nothing that could be used."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.postgres.engine import transaction

from truenorth_ingest.domain.keys import StoredKey
from truenorth_ingest.settings import SCHEMA

_metadata = MetaData(schema=SCHEMA)

api_key = Table(
    "api_key",
    _metadata,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger),
    Column("last_used", BigInteger),
    Column("next_hash", LargeBinary),
    Column("next_created", BigInteger),
    Column("events_per_second", Integer),
)
"""Times are epoch milliseconds, ``hash`` is SHA-256 of the key's secret, ``next_hash`` of the newer one of two."""


class PostgresKeyTable:
    """See `truenorth_ingest.ports.KeyTable`; the rest is for the command line."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def used(self, key_id: str, *, now_ms: int) -> StoredKey | None:
        """Return the key and note its use, in one statement."""
        statement = update(api_key).where(api_key.c.key_id == key_id).values(last_used=now_ms).returning(api_key)
        rows = await self._written(statement)
        return _key(rows[0]) if rows else None

    async def find(self, key_id: str) -> StoredKey | None:
        """Return the key without noting a use."""
        rows = await self._written(select(api_key).where(api_key.c.key_id == key_id))
        return _key(rows[0]) if rows else None

    async def every(self) -> Sequence[StoredKey]:
        """Return all keys, oldest first."""
        return [_key(row) for row in await self._written(select(api_key).order_by(api_key.c.created))]

    async def add(self, key: StoredKey) -> None:
        """Keep a new key."""
        await self._written(
            insert(api_key)
            .values(
                key_id=key.key_id,
                name=key.name,
                hash=key.secret_hash,
                scopes=sorted(key.scopes),
                created=key.created_ms,
                events_per_second=key.events_per_second,
            )
            .returning(api_key)
        )

    async def revoke(self, key_id: str, *, now_ms: int) -> bool:
        """Revoke a key; False when there is none that still works."""
        statement = (
            update(api_key)
            .where(api_key.c.key_id == key_id, api_key.c.revoked.is_(None))
            .values(revoked=now_ms)
            .returning(api_key)
        )
        return bool(await self._written(statement))

    async def add_secret(self, key_id: str, secret_hash: bytes, *, now_ms: int) -> bool:
        """Give a key a second secret; False when it has one already, or does not work."""
        statement = (
            update(api_key)
            .where(api_key.c.key_id == key_id, api_key.c.revoked.is_(None), api_key.c.next_hash.is_(None))
            .values(next_hash=secret_hash, next_created=now_ms)
            .returning(api_key)
        )
        return bool(await self._written(statement))

    async def retire_secret(self, key_id: str) -> bool:
        """Drop the older of a key's two secrets; False when it has one only, or does not work."""
        statement = (
            update(api_key)
            .where(api_key.c.key_id == key_id, api_key.c.revoked.is_(None), api_key.c.next_hash.is_not(None))
            .values(hash=api_key.c.next_hash, next_hash=None, next_created=None)
            .returning(api_key)
        )
        return bool(await self._written(statement))

    async def _written(self, statement: Any) -> Sequence[RowMapping]:
        async with transaction(self._engine) as connection:
            return (await connection.execute(statement)).mappings().all()


def _key(row: RowMapping) -> StoredKey:
    return StoredKey(
        key_id=row["key_id"],
        name=row["name"],
        secret_hash=bytes(row["hash"]),
        scopes=frozenset(row["scopes"]),
        created_ms=row["created"],
        revoked_ms=row["revoked"],
        last_used_ms=row["last_used"],
        next_hash=None if row["next_hash"] is None else bytes(row["next_hash"]),
        next_created_ms=row["next_created"],
        events_per_second=row["events_per_second"],
    )
