"""When a call happened, by the sender's clock made good against ours.

The published formula is ``timestamp = receivedAt - (sentAt - originalTimestamp)``. A difference between ``sentAt`` and
our clock of `SKEW_MS_MIN` or less is the way here, not a wrong clock: such times stay as they were told.
"""

from typing import Final

from truenorth import codec
from truenorth.errors import RefusedError

from truenorth_ingest.domain.times import Times, written
from truenorth_ingest.domain.tracking.calls import Call

SKEW_MS_MIN: Final = 2_000


class Moments:
    """The times of one request's calls. ``sent_at`` is the request's own, for calls that have none."""

    def __init__(self, times: Times, *, sent_at: str | None, now_ms: int) -> None:
        self._times = times
        self._now_ms = now_ms
        self._sent_at = sent_at
        self._skews: dict[str, int] = {}

    def of(self, call: Call) -> str:
        """Return when a call happened, in the house's form, never more than a little in the future.

        Raises:
            RefusedError: ``time_unreadable`` or ``time_out_of_range``.
        """
        told = call.original_timestamp or call.timestamp
        if not told:
            return self._times.now(self._now_ms)
        sent_at = call.sent_at or self._sent_at
        skew_ms = self._skew_ms(sent_at) if sent_at else 0
        if skew_ms:
            told = written(max(0, codec.parse_time(told, field="timestamp") + skew_ms))
        return self._times.happened(told, self._now_ms, field="timestamp")

    def _skew_ms(self, sent_at: str) -> int:
        """Return how far the sender's clock is behind ours; 0 when it is right, or cannot be read."""
        known = self._skews.get(sent_at)
        if known is None:
            try:
                skew_ms = self._now_ms - codec.parse_time(sent_at)
            except RefusedError:  # the call has a time of its own; a broken sentAt only cannot correct it
                skew_ms = 0
            known = self._skews[sent_at] = skew_ms if abs(skew_ms) > SKEW_MS_MIN else 0
        return known
