"""``python -m truenorth_ingest`` serves; ``python -m truenorth_ingest migrate`` brings its schema up to date."""

import sys

import uvloop
from truenorth.entry import Entry
from truenorth.lifecycle import run_service

from truenorth_ingest.adapters.schema import migrate
from truenorth_ingest.app import make_parts
from truenorth_ingest.settings import Settings


async def _run(settings: Settings) -> int:
    return await run_service(*make_parts(settings))


if __name__ == "__main__":
    sys.exit(Entry("ingest", Settings.from_env, _run, migrate, uvloop.new_event_loop).main())
