"""Who has to be looked at when, although nothing happened."""

import heapq
from collections.abc import Iterable
from typing import Final

OVERTAKEN_MIN: Final = 1_000
"""Overtaken entries that are left in the heap in any case; above, there are never more of them than accounts."""


class DueTimes:
    """A heap of due times (epoch milliseconds); an account's later word replaces its earlier one.

    Asking who is due costs as much as are due, whoever else waits. What an account's later word overtook stays in the
    heap until it comes up, or until there is more of that than of accounts: then the heap is made anew.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._due: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._due)

    def fill(self, entries: Iterable[tuple[str, int]]) -> None:
        """Replace everything by these accounts and their due times."""
        self._due = dict(entries)
        self._heap = [(due_ms, key) for key, due_ms in self._due.items()]
        heapq.heapify(self._heap)

    def put(self, key: str, due_ms: int | None) -> None:
        """Set when an account is due; None for never."""
        if due_ms is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due_ms:
            self._due[key] = due_ms
            heapq.heappush(self._heap, (due_ms, key))
            if len(self._heap) > 2 * len(self._due) + OVERTAKEN_MIN:
                self.fill(self._due.items())

    @property
    def entries(self) -> int:
        """How many entries the heap holds, overtaken ones included."""
        return len(self._heap)

    @property
    def first_ms(self) -> int | None:
        """The earliest due time."""
        heap = self._heap
        while heap and self._due.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def take(self, until_ms: int, count_max: int) -> list[str]:
        """Remove and return accounts due at ``until_ms`` or before, earliest first, at most ``count_max``."""
        taken: list[str] = []
        while len(taken) < count_max:
            first_ms = self.first_ms
            if first_ms is None or first_ms > until_ms:
                break
            _, key = heapq.heappop(self._heap)
            del self._due[key]
            taken.append(key)
        return taken
