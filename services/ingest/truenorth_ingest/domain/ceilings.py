"""How much of what may come in: token buckets, which refill by the second and may be overdrawn by one request.

A request is let in when its bucket holds a token and is charged whole: so no batch is too large for ever, and in any
span of time a name gets at most the rate times the span, the burst, and one request more.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Final

from truenorth.errors import RefusedError

BUCKETS_MAX: Final = 200_000
_ONE_TOKEN: Final = 1.0 - 1e-6
"""A little less: whoever waits for as long as they were told is let in, however the sums were rounded."""


class OverRateError(RefusedError):
    """Too much for now; the same request is welcome after ``retry_after_seconds``. ``headers`` go with the answer."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry_after_seconds: int,
        field: str = "",
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(code, message, field=field)
        self.retry_after_seconds = retry_after_seconds
        self.headers = headers


class Buckets:
    """One token bucket per name, in bounded memory.

    A bucket that is full again is forgotten (it is as good as none). Only where more than ``buckets_max`` names are
    at it at once are the least recently charged forgotten too: they may start afresh.
    """

    def __init__(self, *, per_second: float, burst: float, buckets_max: int = BUCKETS_MAX) -> None:
        self.per_second = per_second
        self.burst = burst
        self._buckets_max = buckets_max
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many buckets are remembered."""
        return len(self._buckets)

    def left(self, name: str, now_s: float) -> float:
        """Return how many tokens a bucket holds; below zero when it is overdrawn."""
        kept = self._buckets.get(name)
        if kept is None:
            return self.burst
        tokens, at_s = kept
        return min(self.burst, tokens + (now_s - at_s) * self.per_second)

    def is_open(self, name: str, now_s: float) -> bool:
        """Tell whether the bucket holds a token."""
        return self.left(name, now_s) >= _ONE_TOKEN

    def charge(self, name: str, tokens: float, now_s: float) -> float:
        """Take tokens out, however many there are; return how many are left, below zero when it is overdrawn."""
        left = self.left(name, now_s) - tokens
        self._put(name, left, now_s)
        return left

    def charge_all(self, tokens: Mapping[str, float], now_s: float) -> str | None:
        """Take tokens out of several buckets, or out of none: return the first name whose bucket is not open."""
        kept, per_second, burst = self._buckets, self.per_second, self.burst
        left: dict[str, float] = {}
        for name, count in tokens.items():
            before = kept.get(name)
            holds = burst if before is None else min(burst, before[0] + (now_s - before[1]) * per_second)
            if holds < _ONE_TOKEN:
                return name
            left[name] = holds - count
        for name, holds in left.items():
            self._put(name, holds, now_s)
        return None

    def seconds_until_open(self, name: str, now_s: float) -> int:
        """Return after how many whole seconds the bucket holds a token (or one more), at least 1."""
        return max(1, ceil((1.0 - self.left(name, now_s)) / self.per_second))

    def _put(self, name: str, left: float, now_s: float) -> None:
        """Note what a bucket holds, and forget the two charged longest ago if they are full again.

        Two are enough, as one is added at a time.
        """
        buckets = self._buckets
        known = name in buckets
        buckets[name] = left, now_s
        if known:
            buckets.move_to_end(name)
        elif len(buckets) > self._buckets_max:
            buckets.popitem(last=False)
        for _ in range(2):
            oldest = next(iter(buckets), name)
            tokens, at_s = buckets[oldest]
            if oldest == name or tokens + (now_s - at_s) * self.per_second < self.burst:
                return
            del buckets[oldest]


class Ceilings:
    """The ceiling per account, which spares the partition that it shares with others."""

    def __init__(self, *, events_per_second: float, burst_events: float) -> None:
        self._buckets = Buckets(per_second=events_per_second, burst=burst_events)

    def admit(self, accounts: Iterable[str], now_s: float) -> None:
        """Charge the accounts of a request's events, each named as often as it has events.

        Raises:
            OverRateError: ``account_over_ceiling``: an account has had its share; nobody was charged.
        """
        counts = Counter(accounts)
        account = self._buckets.charge_all(counts, now_s)
        if account is not None:
            raise OverRateError(
                "account_over_ceiling",
                f"account {account!r} sends more than {self._buckets.per_second:g} events a second;"
                " nothing was taken, send it again later",
                retry_after_seconds=self._buckets.seconds_until_open(account, now_s),
            )
