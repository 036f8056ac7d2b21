"""``python -m truenorth_console`` runs the service, ``... migrate`` brings its schema up to date."""

import sys

from truenorth.entry import Entry
from truenorth.lifecycle import run_service
from truenorth.postgres.migrations import migrate

from truenorth_console.adapters.tables import SCHEMA
from truenorth_console.app import MIGRATIONS, App
from truenorth_console.settings import Settings


async def _run(settings: Settings) -> int:
    return await run_service(*App(settings).parts())


async def _migrate(database_url: str) -> None:
    await migrate(database_url, SCHEMA, MIGRATIONS)


if __name__ == "__main__":
    sys.exit(Entry("console", Settings.from_env, _run, _migrate).main())
