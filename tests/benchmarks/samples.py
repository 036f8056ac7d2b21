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


def track_call(number: int, *, now_ms: int, accounts: int = ACCOUNTS) -> dict[str, Any]:
    """Return the ``number``-th call as an SDK sends it, about 400 bytes; every other one leaves out whose it is."""
    actor = number % accounts
    context: dict[str, Any] = {"library": {"name": "analytics-python", "version": "2.4.0"}, "ip": "192.0.2.7"}
    if number % 2:
        context["groupId"] = f"acct-{actor:06d}"
    return {
        "type": "track",
        "event": f"feature-{number % FEATURES}",
        "userId": f"user-{actor}",
        "messageId": f"bench-{number:012d}",
        "timestamp": rfc3339(now_ms),
        "context": context,
        "properties": {"rows": number % 100, "format": "csv", "plan": "pro"},
        "integrations": {},
    }


def group_call(actor: int, *, now_ms: int) -> dict[str, Any]:
    """Return the call that says whose an actor is."""
    return {
        "type": "group",
        "userId": f"user-{actor}",
        "groupId": f"acct-{actor:06d}",
        "messageId": f"group-{actor}",
        "timestamp": rfc3339(now_ms),
    }


def bodies(path: str, per_request: int, count: int, *, now_ms: int) -> list[bytes]:
    """Return ``count`` request bodies for this path: single objects for one event, many together for more."""
    made: list[bytes] = []
    for request in range(count):
        numbers = range(request * per_request, (request + 1) * per_request)
        if path == "/v1/events":
            events = [usage_event(number, now_ms=now_ms) for number in numbers]
            made.append(json.dumps(events[0] if per_request == 1 else events).encode())
            continue
        calls = [track_call(number, now_ms=now_ms) for number in numbers]
        said: dict[str, Any] = {"batch": calls} if path == "/v1/batch" else calls[0]
        made.append(json.dumps({**said, "sentAt": rfc3339(now_ms)}).encode())
    return made
