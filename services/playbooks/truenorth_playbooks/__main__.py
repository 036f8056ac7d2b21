"""``python -m truenorth_playbooks``: run the service; ``migrate``: its schema; ``--check-config``: its settings."""

import argparse
import asyncio
import os
import sys

from truenorth import logs
from truenorth.errors import MissingError, RefusedError, TransientError

from truenorth_playbooks.app import App, run_migrations
from truenorth_playbooks.settings import Settings


def main() -> int:
    """Run what the command line asks for and return the exit code: 0 fine, 1 failed, 2 wrong use, 3 missing."""
    parser = argparse.ArgumentParser(prog="python -m truenorth_playbooks", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["run", "migrate"], default="run")
    parser.add_argument("--check-config", action="store_true", help="check the settings and stop")
    asked = parser.parse_args()
    try:
        settings = Settings.from_env(os.environ)
        if asked.check_config:
            print("the settings are fine")
            return 0
        logs.configure("playbooks", level=settings.log_level)
        if asked.command == "migrate":
            print(f"schema playbooks is at {asyncio.run(run_migrations(settings))}")
            return 0
        return asyncio.run(_run(settings))
    except RefusedError as error:
        print(error.message, file=sys.stderr)
        return 2
    except (MissingError, TransientError) as error:
        print(error, file=sys.stderr)
        return 3


async def _run(settings: Settings) -> int:
    return await App(settings).run()


if __name__ == "__main__":
    sys.exit(main())
