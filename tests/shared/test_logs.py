"""Every log line is one JSON object."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from truenorth import logs


@pytest.fixture(autouse=True)
def _root_put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("aiokafka", "uvicorn", "alembic", "sqlalchemy", "asyncio", "faust", "mode"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_line_has_service_level_message_and_the_extra_fields() -> None:
    stream = io.StringIO()
    logs.configure("playbooks", stream=stream)
    logging.getLogger("truenorth.x").info("batch applied", extra={"records": 3})
    line = json.loads(stream.getvalue())
    assert line["service"] == "playbooks"
    assert line["level"] == "INFO"
    assert line["message"] == "batch applied"
    assert line["records"] == 3
    assert "time" in line


def test_an_exception_stays_on_its_line() -> None:
    stream = io.StringIO()
    logs.configure("playbooks", stream=stream)
    try:
        int("broken")
    except ValueError:
        logging.getLogger("truenorth.x").exception("it failed")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert "ValueError: invalid literal" in json.loads(lines[0])["exception"]


def test_libraries_are_heard_from_warning_on() -> None:
    stream = io.StringIO()
    logs.configure("playbooks", stream=stream)
    logging.getLogger("aiokafka.consumer").info("chatter")
    assert stream.getvalue() == ""
