"""Duplicates that a sender makes: the last 4,096 accepted event ids per account and source, for 24 h.

A ring of pages, each an 8-byte count (of all accepted up to the page's last write), a filter of 4,096 bits and
entries of an 8-byte hash and 4 bytes of record time in seconds. Only the page written to changes. Membership asks
the filters, then searches the bytes: a set would have to be built anew at every touch of an account.
"""

from typing import Final

from truenorth.topics import HEALTH_SOURCES

from truenorth_health.domain.limits import SEEN_IDS, SEEN_PAGE_ENTRIES, SEEN_PAGES, SEEN_SECONDS

_FILTER: Final = 8
_HEAD: Final = _FILTER + 512
_ENTRY: Final = 12
_CAPACITY: Final = SEEN_PAGES * SEEN_PAGE_ENTRIES

PAGE_NAMES: Final[tuple[tuple[str, ...], ...]] = tuple(
    tuple(f"seen.{source}.{page}" for page in range(SEEN_PAGES)) for source in HEALTH_SOURCES
)


class SeenRing:
    """The ring of one source, opened from its pages; ``written`` are the numbers of the pages that changed."""

    __slots__ = ("count", "pages", "written")

    def __init__(self, pages: list[bytes | bytearray]) -> None:
        self.pages = pages
        self.count = max((int.from_bytes(page[:_FILTER], "big") for page in pages), default=0)
        self.written: set[int] = set()

    def take(self, key: bytes, second: int) -> bool:
        """Remember ``key`` (8 bytes) at ``second``; False when it was accepted within 24 h and the last 4,096."""
        place = _FILTER + (key[0] << 1 | key[1] & 1)
        bit = 1 << (key[1] >> 1 & 7)
        for page in self.pages:
            if page[place] & bit and self._holds(page, key, second):
                return False
        number, entry = divmod(self.count % _CAPACITY, SEEN_PAGE_ENTRIES)
        if number == len(self.pages):
            self.pages.append(b"")
        page = self.pages[number]
        if not isinstance(page, bytearray):
            page = self.pages[number] = bytearray(page)
        if entry == 0:
            page[:] = bytes(_HEAD)
        page += key + (second & 0xFFFFFFFF).to_bytes(4, "big")
        page[place] |= bit
        self.count += 1
        page[:_FILTER] = self.count.to_bytes(_FILTER, "big")
        self.written.add(number)
        return True

    def _holds(self, page: bytes | bytearray, key: bytes, second: int) -> bool:
        at = page.find(key, _HEAD)
        while at >= 0:
            entry, rest = divmod(at - _HEAD, _ENTRY)
            if rest == 0:
                then = int.from_bytes(page[at + 8 : at + _ENTRY], "big")
                last = int.from_bytes(page[:_FILTER], "big") - 1
                ordinal = last - last % SEEN_PAGE_ENTRIES + entry
                if second - then <= SEEN_SECONDS and self.count - ordinal <= SEEN_IDS:
                    return True
            at = page.find(key, at + 1)
        return False
