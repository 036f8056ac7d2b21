"""``python -m truenorth_playbooks`` runs the service, ``... migrate`` brings its schema up to date."""

import sys

from truenorth.entry import Entry

from truenorth_playbooks.app import App, run_migrations
from truenorth_playbooks.settings import Settings


async def _run(settings: Settings) -> int:
    return await App(settings).run()


if __name__ == "__main__":
    sys.exit(Entry("playbooks", Settings.from_env, _run, run_migrations).main())
