"""The schema of this service: bringing it up to date, and refusing to serve over an old one."""

from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.clock import Clock
from truenorth.postgres import migrations

from truenorth_ingest.settings import SCHEMA

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def migrate(database_url: str) -> str:
    """Run pending migrations; see `truenorth.postgres.migrations.migrate`."""
    return await migrations.migrate(database_url, SCHEMA, MIGRATIONS)


async def wait_until_current(engine: AsyncEngine, clock: Clock) -> None:
    """Wait for the database; raise `MissingError` unless the schema is at this release's revision."""
    command = "python -m truenorth_ingest migrate"
    await migrations.wait_until_current(engine, SCHEMA, MIGRATIONS, command=command, clock=clock)


async def require_current(engine: AsyncEngine) -> None:
    """Raise at once: `MissingError` for an old schema, `TransientError` for a database that is away."""
    await migrations.require_current(engine, SCHEMA, MIGRATIONS, command="python -m truenorth_ingest migrate")
