"""``python -m truenorth_console`` runs the service, ``... migrate`` brings its schema up to date."""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Final

from truenorth import logs
from truenorth.errors import MissingError, RefusedError, TransientError
from truenorth.lifecycle import run_service
from truenorth.postgres.migrations import migrate

from truenorth_console.adapters.tables import SCHEMA
from truenorth_console.app import MIGRATIONS, App
from truenorth_console.settings import Settings, database_url

EXIT_WRONG_USE: Final = 2
EXIT_MISSING: Final = 3


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for and return the exit code."""
    try:
        if list(arguments) == ["migrate"]:
            asyncio.run(migrate(database_url(os.environ), SCHEMA, MIGRATIONS))
            return 0
        if arguments:
            print("write: python -m truenorth_console [migrate]", file=sys.stderr)
            return EXIT_WRONG_USE
        return asyncio.run(_serve(Settings.read(os.environ)))
    except RefusedError as error:
        print(error.message, file=sys.stderr)
        return EXIT_WRONG_USE
    except (MissingError, TransientError) as error:
        print(error, file=sys.stderr)
        return EXIT_MISSING


async def _serve(settings: Settings) -> int:
    logs.configure("console", level=settings.log_level)
    return await run_service(*App(settings).parts())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
