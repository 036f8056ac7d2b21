"""Time comes in as an argument; this module is the only one that reads a clock."""

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

MILLIS_PER_SECOND = 1000
MILLIS_PER_DAY = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """A source of wall time in epoch milliseconds, of monotonic seconds, and of waiting."""

    def now_ms(self) -> int:
        """Return the wall time in milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary origin that never runs backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """See `Clock.now_ms`."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is moved; ``sleep`` moves it and yields once."""

    def __init__(self, now_ms: int = 1_760_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """See `Clock.now_ms`."""
        return self._now_ms

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self._now_ms / MILLIS_PER_SECOND

    def advance(self, *, days: float = 0, hours: float = 0, seconds: float = 0) -> None:
        """Move time forward."""
        self._now_ms += round((days * 86_400 + hours * 3_600 + seconds) * MILLIS_PER_SECOND)

    async def sleep(self, seconds: float) -> None:
        """Move time by ``seconds`` and let other jobs run."""
        self.advance(seconds=seconds)
        await asyncio.sleep(0)


def to_millis(moment: datetime) -> int:
    """Return epoch milliseconds of an aware datetime."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * MILLIS_PER_SECOND + since.microseconds // 1_000


def from_millis(millis: int) -> datetime:
    """Return the aware UTC datetime of epoch milliseconds."""
    return _EPOCH + timedelta(milliseconds=millis)


def day_of(millis: int) -> int:
    """Return the epoch day (days since 1970-01-01, UTC) that holds this moment."""
    return millis // MILLIS_PER_DAY


def day_start_ms(day: int) -> int:
    """Return the first millisecond of an epoch day."""
    return day * MILLIS_PER_DAY


def date_of_day(day: int) -> date:
    """Return the calendar date of an epoch day."""
    return date(1970, 1, 1) + timedelta(days=day)


def day_of_date(when: date) -> int:
    """Return the epoch day of a calendar date."""
    return (when - date(1970, 1, 1)).days
