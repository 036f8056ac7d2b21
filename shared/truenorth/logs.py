"""Logs: one JSON object a line on standard error, with time, level, service, logger, message and extra fields."""

import logging
import sys
from typing import Final, TextIO

from pythonjsonlogger.json import JsonFormatter

from truenorth.clock import Clock, SystemClock

_FIELDS: Final = "%(levelname)s %(name)s %(message)s"
_QUIET: Final = ("aiokafka", "uvicorn", "alembic", "sqlalchemy", "asyncio", "faust", "mode")
"""Libraries that are heard from WARNING on only."""
REPEATED_AFTER_S: Final = 5.0
"""A library that repeats itself is heard again after this."""


class Unrepeated(logging.Filter):
    """Lets a library say one thing (a logger's line of code) once in five seconds, with how often it was held back.

    While the broker is away its client writes hundreds of lines a second, and the lines that say why are rotated
    away. What our own loggers say is never held back.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._held: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is written."""
        if record.name.partition(".")[0] not in _QUIET:
            return True
        place = record.pathname, record.lineno
        now_s = self._clock.monotonic()
        last_s, held = self._held.get(place, (-REPEATED_AFTER_S, 0))
        if now_s - last_s < REPEATED_AFTER_S:
            self._held[place] = last_s, held + 1
            return False
        self._held[place] = now_s, 0
        if held:
            record.held_back = held
        return True


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
    handler.addFilter(Unrepeated(SystemClock()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
