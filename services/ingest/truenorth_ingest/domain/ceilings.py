"""How much of what may come in: token buckets, which refill by the second and may be overdrawn by one request.

A request is let in when its bucket holds anything at all and is charged whole: so no batch is too large for ever,
and over time nobody gets more than the rate.
"""

from collections import OrderedDict
from collections.abc import Sequence
from math import ceil
from typing import Final, Protocol

from truenorth.errors import RefusedError

BUCKETS_MAX: Final = 200_000


class OverRateError(RefusedError):
    """Too much for now; the same request is welcome after ``retry_after_seconds``."""

    def __init__(self, code: str, message: str, *, retry_after_seconds: int, field: str = "") -> None:
        super().__init__(code, message, field=field)
        self.retry_after_seconds = retry_after_seconds


class Keyed(Protocol):
    """A record with its key."""

    @property
    def key(self) -> bytes | None: ...  # noqa: D102


class Buckets:
    """One token bucket per name; a bucket that is full again is forgotten, the least used go first."""

    def __init__(self, *, per_second: float, burst: float, buckets_max: int = BUCKETS_MAX) -> None:
        self.per_second = per_second
        self.burst = burst
        self._buckets_max = buckets_max
        self._buckets: OrderedDict[bytes | str, tuple[float, float]] = OrderedDict()

    def left(self, name: bytes | str, now_s: float) -> float:
        """Return how many tokens a bucket holds; below zero when it is overdrawn."""
        kept = self._buckets.get(name)
        if kept is None:
            return self.burst
        tokens, at_s = kept
        return min(self.burst, tokens + (now_s - at_s) * self.per_second)

    def charge(self, name: bytes | str, tokens: float, now_s: float) -> None:
        """Take tokens out, however many there are."""
        buckets = self._buckets
        buckets[name] = (self.left(name, now_s) - tokens, now_s)
        buckets.move_to_end(name)
        while len(buckets) > self._buckets_max:
            buckets.popitem(last=False)

    def seconds_until_open(self, name: bytes | str, now_s: float) -> int:
        """Return after how many whole seconds the bucket holds something again, at least 1."""
        return max(1, ceil((1.0 - self.left(name, now_s)) / self.per_second))


class Ceilings:
    """The ceiling per account, which spares the partition that it shares with others."""

    def __init__(self, *, events_per_second: float, burst_events: float) -> None:
        self._buckets = Buckets(per_second=events_per_second, burst=burst_events)

    def admit(self, records: Sequence[Keyed], now_s: float) -> None:
        """Charge the accounts of a request.

        Raises:
            OverRateError: ``account_over_ceiling``: an account has had its share; nobody was charged.
        """
        counts: dict[bytes, int] = {}
        for record in records:
            key = record.key
            if key is not None:
                counts[key] = counts.get(key, 0) + 1
        buckets = self._buckets
        for key in counts:
            if buckets.left(key, now_s) < 1.0:
                wait_s = buckets.seconds_until_open(key, now_s)
                raise OverRateError(
                    "account_over_ceiling",
                    f"account {key.decode()!r} sends more than {buckets.per_second:g} events a second;"
                    " nothing was taken, send it again later",
                    retry_after_seconds=wait_s,
                )
        for key, count in counts.items():
            buckets.charge(key, count, now_s)
