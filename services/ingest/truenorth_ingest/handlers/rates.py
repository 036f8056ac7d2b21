"""How many events a second a key may send, and how that is told."""

from math import ceil
from typing import Final

from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.ceilings import Buckets, OverRateError

BURST_SECONDS: Final = 10
"""A key may send this many seconds' worth at once."""

Headers = list[tuple[bytes, bytes]]


class Rates:
    """One token bucket per key, of the key's own rate or the edge's; each replica counts for itself."""

    def __init__(self, *, events_per_second: int) -> None:
        self._default = events_per_second
        self._of_rate: dict[int, tuple[Buckets, bytes]] = {}

    @property
    def events_per_minute(self) -> int:
        """How many events a key may send in a minute, unless it has a rate of its own."""
        return self._default * 60

    def admit(self, sender: Sender, now_s: float) -> None:
        """Let a request of this key in; asked before its body is read.

        Raises:
            OverRateError: ``rate_exceeded``; nothing was taken.
        """
        buckets, _ = self._buckets(sender)
        if not buckets.is_open(sender.key_id, now_s):
            raise OverRateError(
                "rate_exceeded",
                f"this key may send {buckets.per_second:g} events a second; nothing was taken, send it again later",
                retry_after_seconds=buckets.seconds_until_open(sender.key_id, now_s),
                headers=self.headers(sender, now_s),
            )

    def charge(self, sender: Sender, events: int, now_s: float) -> Headers:
        """Count the events of a request that was let in, before any of them is taken; return what the answer tells.

        Raises:
            OverRateError: as `admit`: the bucket was emptied while the body was on its way.
        """
        self.admit(sender, now_s)
        buckets, policy = self._buckets(sender)
        return _told(buckets, policy, buckets.charge(sender.key_id, events, now_s))

    def headers(self, sender: Sender, now_s: float) -> Headers:
        """Return ``RateLimit-Policy`` and ``RateLimit`` for an answer to this key."""
        buckets, policy = self._buckets(sender)
        return _told(buckets, policy, buckets.left(sender.key_id, now_s))

    def _buckets(self, sender: Sender) -> tuple[Buckets, bytes]:
        rate = sender.events_per_second or self._default
        found = self._of_rate.get(rate)
        if found is None:
            burst = rate * BURST_SECONDS
            policy = b'"default";q=%d;w=%d' % (burst, BURST_SECONDS)
            found = self._of_rate[rate] = Buckets(per_second=rate, burst=burst), policy
        return found


def _told(buckets: Buckets, policy: bytes, left: float) -> Headers:
    """Return the fields as draft 10 of the IETF's RateLimit fields has them.

    ``q`` events in ``w`` seconds; ``r`` of them may come now, and after ``t`` seconds it is more (0 when there is no
    more to come).
    """
    wait_s = 0 if left >= buckets.burst else max(1, ceil((1.0 - left) / buckets.per_second))
    return [(b"ratelimit-policy", policy), (b"ratelimit", b'"default";r=%d;t=%d' % (max(0, int(left)), wait_s))]
