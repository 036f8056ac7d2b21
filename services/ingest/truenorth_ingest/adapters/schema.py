"""The schema of this service: bringing it up to date, and refusing to serve over an old one."""

from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.postgres import migrations

from truenorth_ingest.settings import SCHEMA

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def migrate(database_url: str) -> str:
    """Run pending migrations; see `truenorth.postgres.migrations.migrate`."""
    return await migrations.migrate(database_url, SCHEMA, MIGRATIONS)


async def require_current(engine: AsyncEngine) -> None:
    """Raise `MissingError` unless the schema is at this release's revision."""
    await migrations.require_current(engine, SCHEMA, MIGRATIONS, command="'python -m truenorth_ingest migrate'")
