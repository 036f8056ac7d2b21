"""The events that benches send: usage in the wire form a back end would send."""

import json
from typing import Any

from truenorth.codec import rfc3339

ACCOUNTS = 5_000
FEATURES = 40


def usage_event(number: int, *, now_ms: int, accounts: int = ACCOUNTS) -> dict[str, Any]:
    """Return the ``number``-th event, about 250 bytes of JSON."""
    return {
        "specversion": "1.0",
        "id": f"bench-{number:012d}",
        "source": "bench",
        "type": "usage.recorded",
        "subject": f"acct-{number % accounts:06d}",
        "time": rfc3339(now_ms),
        "data": {"feature": f"feature-{number % FEATURES}", "count": 1 + number % 3, "actor": f"user-{number % 977}"},
    }


def bodies(per_request: int, count: int, *, now_ms: int) -> list[bytes]:
    """Return ``count`` request bodies: single objects for one event, arrays for more."""
    made: list[bytes] = []
    for request in range(count):
        events = [usage_event(request * per_request + n, now_ms=now_ms) for n in range(per_request)]
        made.append(json.dumps(events[0] if per_request == 1 else events).encode())
    return made
