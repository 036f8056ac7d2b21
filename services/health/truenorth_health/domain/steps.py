"""A value over time as ascending (from ms, value) steps, tolerant of late arrivals."""

from bisect import bisect_left, bisect_right

from truenorth_health.domain.limits import ARR_STEPS_MAX


def put(steps: list[tuple[int, int]], at_ms: int, value: int) -> None:
    """Say that from ``at_ms`` on it was ``value``; the oldest step goes when there are too many."""
    index = bisect_left(steps, at_ms, key=_moment)
    if index < len(steps) and steps[index][0] == at_ms:
        steps[index] = (at_ms, value)
        return
    steps.insert(index, (at_ms, value))
    if len(steps) > ARR_STEPS_MAX:
        del steps[0]


def value_at(steps: list[tuple[int, int]], at_ms: int) -> int | None:
    """Return the value in force at ``at_ms``; None before the first step."""
    index = bisect_right(steps, at_ms, key=_moment)
    return steps[index - 1][1] if index else None


def _moment(step: tuple[int, int]) -> int:
    return step[0]
