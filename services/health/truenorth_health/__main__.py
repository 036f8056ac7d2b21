"""``python -m truenorth_health``: run the worker; ``--check-config``: check its settings and stop."""

import argparse
import asyncio
import os
import sys

from truenorth import logs
from truenorth.errors import MissingError, RefusedError, TransientError

from truenorth_health.app import App
from truenorth_health.settings import Settings


def main() -> int:
    """Run what the command line asks for and return the exit code: 0 fine, 1 failed, 2 wrong use, 3 missing."""
    parser = argparse.ArgumentParser(prog="python -m truenorth_health", description=__doc__)
    parser.add_argument("--check-config", action="store_true", help="check the settings and stop")
    asked = parser.parse_args()
    try:
        settings = Settings.from_env(os.environ)
        if asked.check_config:
            print("the settings are fine")
            return 0
        logs.configure("health", level=settings.log_level)
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
