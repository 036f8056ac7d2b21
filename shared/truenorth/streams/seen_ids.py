"""The remembered ids of one partition: under a budget, and forgotten when they are too old to matter."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from truenorth.streams.processor import Item
from truenorth.streams.seen import SEEN_SECONDS, SeenRing

PREFIX: Final = "\x01"
"""Parts of an account whose name begins so belong to the memory of ids."""
EARLY: Final = PREFIX + "early"
"""Part that counts the ids that left before their time because the budget was used up."""

RING_BYTES: Final = 450
"""What a ring costs in memory beside its pages."""
EXPIRE_RINGS_MAX: Final = 2_000
"""Rings forgotten in one flush because all their ids are too old."""
CLOCK_SECONDS_MAX: Final = 600
"""How far the clocks of a worker and of the broker may differ."""
SHED_PAGES_MAX: Final = 2_000
"""Pages dropped in one flush because of the budget."""

SLICE_ACCOUNTS: Final = 2_000

Change = tuple[str, str, bytes | None]
"""Account, part, and its bytes; None to delete it."""


class SeenIds:
    """Rings by source and account. Everything it changes, it tells once, as parts to be written."""

    def __init__(self, sources: int) -> None:
        self.bytes = 0
        self.early: dict[str, int] = {}
        self._rings: list[OrderedDict[str, SeenRing]] = [OrderedDict() for _ in range(sources)]  # oldest first
        self._seconds = [0] * sources
        self._touched: dict[tuple[int, str], SeenRing] = {}
        self._changes: list[Change] = []
        self._restoring: list[tuple[str, str, bytes]] = []

    def restore(self, account: str, part: str, value: bytes) -> None:
        """Take a part as it was last written; call `restored` after all of them."""
        if part == EARLY:
            self.early[account] = int(value)
        else:
            self._restoring.append((account, part, value))

    def restored(self) -> None:
        """Everything was taken."""
        for _ in self.restoring():
            pass

    def restoring(self) -> Iterator[None]:
        """Make the rings, and know their sizes and ages; in slices, so that a loop can turn between them."""
        restoring, self._restoring = self._restoring, []
        for number, (account, part, page) in enumerate(restoring):
            source, page_number = (int(word) for word in part[len(PREFIX) :].split("."))
            while source >= len(self._rings):
                self._rings.append(OrderedDict())
                self._seconds.append(0)
            self._rings[source].setdefault(account, SeenRing()).put_page(page_number, page)
            if number % SLICE_ACCOUNTS == 0:
                yield
        for source, rings in enumerate(self._rings):
            self.bytes += sum(RING_BYTES + ring.size for ring in rings.values())
            self._rings[source] = OrderedDict(sorted(rings.items(), key=lambda one: one[1].newest_second()))
            yield

    def fresh(self, account: str, source: int, items: Sequence[Item]) -> Sequence[Item]:
        """Remember the ids of these events and return the events without the duplicates; one without id is none."""
        if all(item.identity is None for item in items):
            return items
        rings, last = self._rings[source], items[-1].record.timestamp_ms // 1000
        ring = rings.get(account)
        if ring is None:
            ring = rings[account] = SeenRing()
            self.bytes += RING_BYTES
        self.bytes -= ring.size
        accepted = ring.fresh(items)
        self.bytes += ring.size
        self._seconds[source] = max(self._seconds[source], last)
        if ring.written:
            self._touched[source, account] = ring
            rings.move_to_end(account)
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
        for source, rings in enumerate(self._rings):
            limit = max(self._seconds[source], read_second) - SEEN_SECONDS
            for _ in range(EXPIRE_RINGS_MAX):
                account, ring = next(iter(rings.items()), ("", None))
                if ring is None or ring.newest_second() >= limit:
                    break
                del rings[account]
                self._delete(account, source, ring)
        return self._shed(limit_bytes)

    def changes(self) -> Iterator[Change]:
        """Yield what changed since the last call, as parts to write."""
        for (source, account), ring in self._touched.items():
            for number, page in enumerate(ring.pages):
                if ring.written >> number & 1:
                    yield account, f"{PREFIX}{source}.{number}", bytes(page)
            ring.written = 0
        self._touched = {}
        changes, self._changes = self._changes, []
        yield from changes

    def _shed(self, limit_bytes: int) -> int:
        early = 0
        for _ in range(SHED_PAGES_MAX):
            heads = [(source, *next(iter(rings.items()))) for source, rings in enumerate(self._rings) if rings]
            if self.bytes <= limit_bytes or not heads:
                break
            source, account, ring = min(heads, key=lambda head: head[2].newest_second())
            number, before = ring.oldest_page(), ring.size
            left = ring.drop(number, self._seconds[source])
            self.bytes -= before - ring.size
            self._changes.append((account, f"{PREFIX}{source}.{number}", None))
            if left:
                early += left
                self.early[account] = self.early.get(account, 0) + left
                self._changes.append((account, EARLY, str(self.early[account]).encode()))
            if not any(ring.pages):
                self.bytes -= RING_BYTES + ring.size
                del self._rings[source][account]
                self._touched.pop((source, account), None)
        return early

    def _delete(self, account: str, source: int, ring: SeenRing) -> None:
        self.bytes -= RING_BYTES + ring.size
        self._touched.pop((source, account), None)
        for number, page in enumerate(ring.pages):
            if page:
                self._changes.append((account, f"{PREFIX}{source}.{number}", None))
