"""Logs: one JSON object a line on standard error, with time, level, service, logger, message and extra fields."""

import logging
import sys
from typing import Final, TextIO

from pythonjsonlogger.json import JsonFormatter

_FIELDS: Final = "%(levelname)s %(name)s %(message)s"
_QUIET: Final = ("aiokafka", "uvicorn", "alembic", "sqlalchemy", "asyncio", "faust", "mode")
"""Libraries that are heard from WARNING on only."""


def configure(service: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logging of this process to ``stream`` (standard error) as JSON lines.

    ``level`` is the least severe level of our own loggers; libraries speak from WARNING on. Fields given
    as ``extra={...}`` appear beside the message. Calling it again replaces what was set before.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        JsonFormatter(
            _FIELDS,
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            static_fields={"service": service},
            timestamp="time",
            json_ensure_ascii=False,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
