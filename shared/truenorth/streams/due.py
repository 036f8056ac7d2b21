"""Who has to be looked at when, although nothing happened."""

import heapq
from collections.abc import Iterable


class DueTimes:
    """A heap of due times (epoch milliseconds); an account's later word replaces its earlier one."""

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
