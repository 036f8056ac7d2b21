"""Fixtures every test may ask for. They start real parts, and only when a test asks."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from truenorth.clock import SystemClock
from truenorth_local.leftovers import end_abandoned
from truenorth_local.places import Ports
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

PREFIX = "truenorth-test-"


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """Real Kafka, PostgreSQL and mail on free ports, with the catalogue's topics, once for all tests.

    ``bootstrap``, ``database_url`` (of an empty database), ``smtp_url``, ``mail_dir``; ``start_service(name, env)``
    runs a service against them, after ``migrate(name)``. Nothing is emptied between tests: take accounts, groups
    and databases (``new_database()``) of your own.
    """
    end_abandoned(Path(tempfile.gettempdir()), PREFIX)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    whole = LocalStack(folder, ports=Ports.free(), environment=clean_environment(), clock=SystemClock(), durable=False)
    try:
        whole.start_backing()
        whole.create_topics()
        yield whole
    finally:
        whole.stop()
        shutil.rmtree(folder)
