"""Bring a service's schema up to date: Alembic's history, one schema and one version table per service.

A service keeps ``<script_location>/versions/*.py`` and nothing else of Alembic: no ini file, no env.py.
Migrations name tables without a schema. All pending ones run in one transaction, under an advisory lock, so
that any number of processes may migrate at once.
"""

import logging
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from truenorth.clock import Clock
from truenorth.errors import MissingError, TransientError
from truenorth.postgres.engine import lock_key, make_engine, transient_errors

VERSION_TABLE: Final = "schema_version"
LOCK_WAIT_MS: Final = 10_000
STATEMENT_TIMEOUT_MS: Final = 600_000
DATABASE_RETRY_S: Final = 1.0

log = logging.getLogger(__name__)


async def migrate(database_url: str, schema: str, script_location: str | Path) -> str:
    """Create ``schema`` where it is missing, run what is pending, and return the revision it is at then.

    Raises:
        TransientError: when the database is away, or a table stays locked for longer than 10 seconds.
    """
    engine = make_engine(database_url, schema=schema, pool_connections=1, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    try:
        with transient_errors():
            async with engine.begin() as connection:
                await connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(f"{schema} migration")}
                )
                await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
                await connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}"))
                return await connection.run_sync(_upgrade, schema, script_location)
    finally:
        await engine.dispose()


async def require_current(engine: AsyncEngine, schema: str, script_location: str | Path, *, command: str) -> None:
    """Refuse to go on over a schema that is not at the newest revision of this code.

    Raises:
        MissingError: naming ``command`` as the remedy.
        TransientError: when the database is away.
    """
    wanted = _scripts(script_location).get_current_head()
    with transient_errors():
        async with engine.connect() as connection:
            found = await connection.run_sync(_revision, schema)
    if found != wanted:
        raise MissingError(
            f"the database schema {schema} is at revision {found or 'none'}, this release needs {wanted}; run {command}"
        )


async def wait_until_current(
    engine: AsyncEngine, schema: str, script_location: str | Path, *, command: str, clock: Clock
) -> None:
    """Wait for the database, which may be starting too, then require the schema; the start's deadline bounds it.

    Raises:
        MissingError: see `require_current`.
    """
    while True:
        try:
            await require_current(engine, schema, script_location, command=command)
        except TransientError as error:
            log.warning("waiting for the database: %s", error)
            await clock.sleep(DATABASE_RETRY_S)
        else:
            return


def _scripts(script_location: str | Path) -> ScriptDirectory:
    return ScriptDirectory(str(script_location))


def _revision(connection: Connection, schema: str) -> str | None:
    options = {"version_table": VERSION_TABLE, "version_table_schema": schema}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _upgrade(connection: Connection, schema: str, script_location: str | Path) -> str:
    scripts = _scripts(script_location)

    def pending(revision: object, _context: MigrationContext) -> object:
        return scripts._upgrade_revs("head", revision)  # type: ignore[arg-type]  # noqa: SLF001 - as alembic's own command does

    with EnvironmentContext(Config(), scripts, fn=pending) as environment:
        environment.configure(
            connection=connection,
            version_table=VERSION_TABLE,
            version_table_schema=schema,
            transactional_ddl=True,
        )
        environment.run_migrations()
    return _revision(connection, schema) or ""
