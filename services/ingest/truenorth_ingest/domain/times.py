"""When it happened, as told, clamped and written in the house's one form."""

from datetime import UTC, datetime

from truenorth import codec
from truenorth.clock import MILLIS_PER_SECOND
from truenorth.errors import RefusedError

_EARLIEST = "1970-01-01T00:00:00.000Z"
_UTC = ("Z", "+00:00")
_SECONDS_CHARS = 20
_DIGITS_AT = 19


class Times:
    """Writes times for one moment of arrival after another; remembers how the last arrival is written."""

    def __init__(self, *, future_ms_max: int) -> None:
        self._future_ms_max = future_ms_max
        self._now_ms = -1
        self._now_text = ""
        self._latest_text = ""

    def now(self, now_ms: int) -> str:
        """Return the arrival's own time."""
        if now_ms != self._now_ms:
            self._now_ms, self._now_text = now_ms, codec.rfc3339(now_ms)
            self._latest_text = codec.rfc3339(now_ms + self._future_ms_max)
        return self._now_text

    def happened(self, given: str | None, now_ms: int, *, field: str = "time") -> str:
        """Return the event's time: the arrival's when none was given or it lies too far ahead.

        Raises:
            RefusedError: ``time_unreadable`` or ``time_out_of_range``.
        """
        now = self.now(now_ms)
        if not given:
            return now
        time = _as_written(given)
        if not time:
            time_ms = codec.parse_time(given, field=field)
            if time_ms < 0:
                raise _too_early(field)
            time = written(time_ms)
        elif time < _EARLIEST:
            raise _too_early(field)
        return now if time > self._latest_text else time


def written(millis: int) -> str:
    """Return epoch milliseconds in the house's form: `codec.rfc3339` for times of which each is another one."""
    moment = datetime.fromtimestamp(millis // MILLIS_PER_SECOND, UTC)
    return f"{moment.isoformat()[:_DIGITS_AT]}.{millis % MILLIS_PER_SECOND:03d}Z"


def _too_early(field: str) -> RefusedError:
    return RefusedError("time_out_of_range", "a time lies after 1970-01-01T00:00:00Z", field=field)


def _as_written(text: str) -> str:
    """Return a time in UTC in the house's form without doing sums with it, or nothing when that takes more.

    The house's form sorts as the times do. Writing a time anew costs more than judging all the rest of an event, and
    nearly all senders use one of these: seconds, milliseconds or microseconds, in UTC as ``Z`` or ``+00:00``.
    """
    if len(text) < _SECONDS_CHARS or text[10] != "T" or text[7] != "-" or text[13] != ":" or not text.endswith(_UTC):
        return ""
    try:
        datetime.fromisoformat(text)  # whatever else is not as it should be does not get past this
    except ValueError:
        return ""
    end = -1 if text[-1] == "Z" else -6
    digits = len(text) + end - _DIGITS_AT
    if digits == 0:
        return f"{text[:_DIGITS_AT]}.000Z"
    return f"{text[:23]}Z" if text[_DIGITS_AT] == "." and digits in {4, 7} else ""
