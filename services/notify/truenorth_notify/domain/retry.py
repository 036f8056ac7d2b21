"""When a delivery is tried again. The schedule has no jitter: few deliveries, and a date that can be named."""

from typing import Final

SCHEDULE_S: Final[tuple[int, ...]] = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Wait before each attempt, in seconds: ten attempts within 75.6 hours (Standard Webhooks 1.0.0)."""

RETRY_AFTER_MAX_S: Final = 86_400
"""The longest a receiver can hold a delivery back by ``Retry-After``."""

_MS: Final = 1000


def next_attempt_ms(
    *, attempts: int, failed_ms: int, schedule_s: tuple[int, ...] = SCHEDULE_S, retry_after_s: float | None = None
) -> int | None:
    """Return when to try again after ``attempts`` tries, or None when all of them are used up.

    ``retry_after_s`` is the receiver's own wish: never sooner than that, and never more than a day later.
    """
    if attempts >= len(schedule_s):
        return None
    wait_s = float(schedule_s[attempts])
    if retry_after_s is not None:
        wait_s = max(wait_s, min(retry_after_s, RETRY_AFTER_MAX_S))
    return failed_ms + round(wait_s * _MS)
