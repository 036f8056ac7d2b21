"""``python -m truenorth_ingest`` serves; ``python -m truenorth_ingest migrate`` brings the database up to date."""

import asyncio
import os
import sys

from truenorth.errors import MissingError, RefusedError, TransientError
from truenorth.lifecycle import run_service
from truenorth.logs import configure
from truenorth.settings import Reader

from truenorth_ingest.adapters.schema import migrate
from truenorth_ingest.app import make_parts
from truenorth_ingest.settings import read_settings


async def _serve() -> int:
    settings = read_settings(os.environ)
    configure("ingest", level=settings.log_level)
    return await run_service(*make_parts(settings))


async def _migrate() -> None:
    read = Reader(os.environ)
    database_url = read.database_url()
    read.finish()
    await migrate(database_url)


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 fine, 1 failed, 2 wrong use or settings, 3 something needed is not there."""
    try:
        match arguments:
            case []:
                return asyncio.run(_serve())
            case ["migrate"]:
                asyncio.run(_migrate())
                return 0
            case _:
                print("usage: python -m truenorth_ingest [migrate]", file=sys.stderr)
                return 2
    except RefusedError as error:
        print(f"truenorth_ingest: {error.message}", file=sys.stderr)
        return 2
    except (MissingError, TransientError) as error:
        print(f"truenorth_ingest: {error}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
