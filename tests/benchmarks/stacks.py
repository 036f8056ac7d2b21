"""Stacks for benches: fresh ones, beside whatever runs on the usual ports."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from truenorth.clock import SystemClock
from truenorth_local.places import Ports
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack


@contextmanager
def fresh_stack(clock: SystemClock) -> Iterator[LocalStack]:
    """Yield a stack with the catalogue's topics; it is gone afterwards, with its data."""
    folder = Path(tempfile.mkdtemp(prefix="truenorth-bench-"))
    stack = LocalStack(folder, ports=Ports.free(), environment=clean_environment(), clock=clock)
    try:
        stack.start_backing()
        stack.create_topics()
        yield stack
    finally:
        stack.stop()
        shutil.rmtree(folder)
