"""A value over time as ascending (from ms, value) steps, and events of a span in order of time; late ones find home."""

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import TypeVar

from truenorth_health.domain.limits import ARR_STEPS_MAX

T = TypeVar("T")


def put(steps: list[tuple[int, int]], at_ms: int, value: int, most: int = ARR_STEPS_MAX) -> None:
    """Say that from ``at_ms`` on it was ``value``; the oldest step goes when there are more than ``most``."""
    index = bisect_left(steps, at_ms, key=_moment)
    if index < len(steps) and steps[index][0] == at_ms:
        steps[index] = (at_ms, value)
        return
    steps.insert(index, (at_ms, value))
    if len(steps) > most:
        del steps[0]


def value_at(steps: list[tuple[int, int]], at_ms: int) -> int | None:
    """Return the value in force at ``at_ms``; None before the first step."""
    for from_ms, value in reversed(steps):
        if from_ms <= at_ms:
            return value
    return None


def keep(items: list[T], item: T, at: Callable[[T], int], *, oldest_ms: int, most: int) -> int:
    """Put an item among those of a span in order of time, and forget what is older than ``oldest_ms``.

    Returns how many a cap of ``most`` left out (the oldest go first).
    """
    insort(items, item, key=at)
    past = bisect_left(items, oldest_ms, key=at)
    over = max(0, len(items) - past - most)
    del items[: past + over]
    return over


def _moment(step: tuple[int, int]) -> int:
    return step[0]
