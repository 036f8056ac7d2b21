"""The remembered ids of one partition: under a budget, and forgotten when they are too old to matter."""

import heapq
from collections.abc import Iterator, Sequence
from typing import Final

from truenorth.streams.processor import Item
from truenorth.streams.seen import SEEN_SECONDS, SeenRing

PREFIX: Final = "\x01"
"""Parts of an account whose name begins so belong to the memory of ids."""
EARLY: Final = PREFIX + "early"
"""Part that counts the ids that left before their time because the budget was used up."""

RING_BYTES: Final = 400
"""What a ring costs in memory beside its pages."""
EXPIRE_RINGS_MAX: Final = 2_000
"""Rings forgotten in one flush because all their ids are too old."""
CLOCK_SECONDS_MAX: Final = 600
"""How far the clocks of a worker and of the broker may differ."""
SHED_PAGES_MAX: Final = 2_000
"""Pages dropped in one flush because of the budget."""

Change = tuple[str, str, bytes | None]
"""Account, part, and its bytes; None to delete it."""


class SeenIds:
    """Rings by source and account. Everything it changes, it tells once, as parts to be written."""

    def __init__(self, sources: int) -> None:
        self.bytes = 0
        self.early: dict[str, int] = {}
        self._rings: list[dict[str, SeenRing]] = [{} for _ in range(sources)]
        self._seconds = [0] * sources
        self._aging: list[tuple[int, int, str]] = []
        self._touched: dict[tuple[int, str], SeenRing] = {}
        self._changes: list[Change] = []

    def __bool__(self) -> bool:
        return bool(self._aging)

    def restore(self, account: str, part: str, value: bytes | None) -> None:
        """Take a part as it was written; call `restored` after the last."""
        if part == EARLY:
            if value is None:
                self.early.pop(account, None)
            else:
                self.early[account] = int(value)
            return
        source, number = (int(word) for word in part[len(PREFIX) :].split("."))
        while source >= len(self._rings):
            self._rings.append({})
            self._seconds.append(0)
        self._rings[source].setdefault(account, SeenRing()).put_page(number, value or b"")

    def restored(self) -> None:
        """Everything was taken: know the sizes and ages."""
        for source, rings in enumerate(self._rings):
            for account in [account for account, ring in rings.items() if not any(ring.pages)]:
                del rings[account]
            for account, ring in rings.items():
                self.bytes += RING_BYTES + ring.size
                self._aging.append((ring.newest_second(), source, account))
        heapq.heapify(self._aging)

    def fresh(self, account: str, source: int, items: Sequence[Item]) -> Sequence[Item]:
        """Remember the ids of these events and return the events without the duplicates; one without id is none."""
        if all(item.identity is None for item in items):
            return items
        rings, last = self._rings[source], items[-1].record.timestamp_ms // 1000
        ring = rings.get(account)
        if ring is None:
            ring = rings[account] = SeenRing()
            self.bytes += RING_BYTES
            heapq.heappush(self._aging, (last, source, account))
        self.bytes -= ring.size
        accepted = ring.fresh(items)
        self.bytes += ring.size
        self._seconds[source] = max(self._seconds[source], last)
        if ring.written:
            self._touched[source, account] = ring
        return accepted

    def forget(self, account: str, source: int, identity: bytes) -> None:
        """Take back an id whose event was parked."""
        ring = self._rings[source].get(account)
        if ring is not None:
            ring.forget(identity)
            self._touched[source, account] = ring

    def forget_account(self, account: str) -> None:
        """Forget all ids of an account of which nothing is kept any more."""
        for source, rings in enumerate(self._rings):
            ring = rings.pop(account, None)
            if ring is not None:
                self._delete(account, source, ring)
        if self.early.pop(account, None) is not None:
            self._changes.append((account, EARLY, None))

    def tidy(self, *, read_until_ms: int, limit_bytes: int) -> int:
        """Forget rings whose ids are all too old, and above the limit the oldest pages; return the early leavers.

        ``read_until_ms``: whatever the broker took in before has been read. No result depends on what is forgotten
        as too old: every record still to come is younger.
        """
        read_second = read_until_ms // 1000 - CLOCK_SECONDS_MAX
        for _ in range(EXPIRE_RINGS_MAX):
            if not self._aging:
                break
            newest, source, account = self._aging[0]
            if max(self._seconds[source], read_second) - newest <= SEEN_SECONDS:
                break
            ring = self._pop()
            if ring is None:
                continue
            if max(self._seconds[source], read_second) - ring.newest_second() > SEEN_SECONDS:
                del self._rings[source][account]
                self._delete(account, source, ring)
            else:
                heapq.heappush(self._aging, (ring.newest_second(), source, account))
        return self._shed(limit_bytes)

    def changes(self) -> Iterator[Change]:
        """Yield what changed since the last call, as parts to write."""
        for (source, account), ring in self._touched.items():
            for number in sorted(ring.written):
                yield account, f"{PREFIX}{source}.{number}", bytes(ring.pages[number])
            ring.written.clear()
        self._touched = {}
        changes, self._changes = self._changes, []
        yield from changes

    def _shed(self, limit_bytes: int) -> int:
        early = 0
        for _ in range(SHED_PAGES_MAX):
            if self.bytes <= limit_bytes or not self._aging:
                break
            _, source, account = self._aging[0]
            ring = self._pop()
            if ring is None:
                continue
            number, before = ring.oldest_page(), ring.size
            left = ring.drop(number, self._seconds[source])
            self.bytes -= before - ring.size
            self._changes.append((account, f"{PREFIX}{source}.{number}", None))
            if left:
                early += left
                self.early[account] = self.early.get(account, 0) + left
                self._changes.append((account, EARLY, str(self.early[account]).encode()))
            if any(ring.pages):
                heapq.heappush(self._aging, (ring.newest_second(), source, account))
            else:
                self.bytes -= RING_BYTES
                del self._rings[source][account]
                self._touched.pop((source, account), None)
        return early

    def _pop(self) -> SeenRing | None:
        _, source, account = heapq.heappop(self._aging)
        return self._rings[source].get(account)

    def _delete(self, account: str, source: int, ring: SeenRing) -> None:
        self.bytes -= RING_BYTES + ring.size
        self._touched.pop((source, account), None)
        for number, page in enumerate(ring.pages):
            if page:
                self._changes.append((account, f"{PREFIX}{source}.{number}", None))
