"""``python -m truenorth_health`` runs one worker."""

import sys

from truenorth.entry import Entry

from truenorth_health.app import App
from truenorth_health.settings import Settings


async def _run(settings: Settings) -> int:
    return await App(settings).run()


if __name__ == "__main__":
    sys.exit(Entry("health", Settings.from_env, _run).main())
