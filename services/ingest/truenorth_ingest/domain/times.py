"""When it happened, as told, clamped and written in the house's one form."""

from truenorth import codec
from truenorth.errors import RefusedError

_MILLIS_CHARS = 24
_SECONDS_CHARS = 20


class Times:
    """Writes times for one moment of arrival after another; remembers how the last arrival is written."""

    def __init__(self, *, future_ms_max: int) -> None:
        self._future_ms_max = future_ms_max
        self._now_ms = -1
        self._now_text = ""

    def now(self, now_ms: int) -> str:
        """Return the arrival's own time."""
        if now_ms != self._now_ms:
            self._now_ms, self._now_text = now_ms, codec.rfc3339(now_ms)
        return self._now_text

    def happened(self, given: str | None, now_ms: int, *, field: str = "time") -> str:
        """Return the event's time: the arrival's when none was given or it lies too far ahead.

        Raises:
            RefusedError: ``time_unreadable`` or ``time_out_of_range``.
        """
        if not given:
            return self.now(now_ms)
        time_ms = codec.parse_time(given, field=field)
        if time_ms < 0:
            raise RefusedError("time_out_of_range", "a time lies after 1970-01-01T00:00:00Z", field=field)
        if time_ms > now_ms + self._future_ms_max:
            return self.now(now_ms)
        return _as_given(given) or codec.rfc3339(time_ms)


def _as_given(text: str) -> str:
    """Return a time that parsed in the house's form without writing it anew, or nothing when that takes more.

    Writing a time costs more than judging all the rest of an event; most senders use one of these two forms.
    """
    if text[-1] != "Z" or text[10:11] != "T" or text[4:5] + text[7:8] + text[13:14] + text[16:17] != "--::":
        return ""
    if len(text) == _SECONDS_CHARS:
        return f"{text[:19]}.000Z"
    return text if len(text) == _MILLIS_CHARS and text[19] == "." else ""
