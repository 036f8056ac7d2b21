"""Duplicates that a sender makes: the ids of accepted events, per account and source.

An id is remembered for 24 h by the records' own time or until 4,096 more were accepted, whichever is shorter. A ring
of pages, each an 8-byte count (of all accepted before the page's first), a byte that tells whether a filter of 4,096
bits follows, and entries of an 8-byte hash and 4 bytes of record time in seconds. Only the page written to
changes, so a flush of a busy account stays small. A page with few entries has no filter, so a quiet account stays
small. Membership asks the filters (of more than two pages first one filter of them all, made in memory when it is
needed), then searches the bytes: a set would have to be built anew at every touch.
"""

from collections.abc import Iterable
from typing import Final

from truenorth.streams.processor import Item

SEEN_SECONDS: Final = 86_400
SEEN_IDS: Final = 4_096
PAGE_ENTRIES: Final = 256
PAGES: Final = 17
"""One more than 4,096 ids need: the oldest page is emptied as a whole."""

IDENTITY_BYTES: Final = 8
_BASE: Final = 8
_PLAIN_HEAD: Final = _BASE + 1
_FILTER_BYTES: Final = 512
_HEAD: Final = _PLAIN_HEAD + _FILTER_BYTES
_ENTRY: Final = 12
_PLAIN_ENTRIES_MAX: Final = 32
_PLAIN_BYTES_MAX: Final = _PLAIN_HEAD + _PLAIN_ENTRIES_MAX * _ENTRY
_CAPACITY: Final = PAGES * PAGE_ENTRIES
_PAGES_WITHOUT_UNION: Final = 2
_UNION_BYTES: Final = 8_192
_FORGOTTEN: Final = bytes(IDENTITY_BYTES)


class SeenRing:
    """The ids of one account and source; ``size`` is the bytes of its pages and filters.

    ``written`` is a mask of the pages that changed since they were told. A page may be absent (empty): it was dropped,
    or nothing was ever written to it.
    """

    __slots__ = ("_union", "_unite_at", "count", "pages", "size", "written")

    def __init__(self) -> None:
        self.pages: list[bytearray] = []
        self.count = 0
        self.size = 0
        self._union: bytearray | None = None
        self._unite_at = 0
        self.written = 0

    def put_page(self, number: int, page: bytes) -> None:
        """Set a page from its stored bytes."""
        while len(self.pages) <= number:
            self._add_page()
        self.size += len(page) - len(self.pages[number])
        self.pages[number] = bytearray(page)
        self.count = max((_base_of(one) + _entries_of(one) for one in self.pages if one), default=0)

    def fresh(self, items: Iterable[Item]) -> list[Item]:
        """Remember the ids of these events, and return the events that are no duplicates.

        A duplicate is one of an event remembered, or of an earlier one here; an event without an id is none.
        """
        accepted: list[Item] = []
        current = None
        for item in items:
            record, identity, _ = item
            if identity is not None:
                second = record.timestamp_ms // 1000
                if self._remembers(identity, second):
                    continue
                if current is None or self.count % PAGE_ENTRIES == 0:
                    current = self._current()
                self._append(current, identity, second)
            accepted.append(item)
        return accepted

    def _remembers(self, identity: bytes, second: int) -> bool:
        pages = self.pages
        if len(pages) > _PAGES_WITHOUT_UNION:
            union = self._union or self._unite()
            if not union[identity[2] << 5 | identity[3] >> 3] & 1 << (identity[3] & 7):
                return False
        place, bit = _PLAIN_HEAD + (identity[0] << 1 | identity[1] & 1), 1 << (identity[1] >> 1 & 7)
        for page in pages:
            if page and (not page[_BASE] or page[place] & bit) and self._holds(page, identity, second):
                return True
        return False

    def _append(self, page: bytearray, identity: bytes, second: int) -> None:
        page += identity
        page += (second & 0xFFFFFFFF).to_bytes(4, "big")
        self.count += 1
        self.size += _ENTRY
        if page[_BASE]:
            page[_PLAIN_HEAD + (identity[0] << 1 | identity[1] & 1)] |= 1 << (identity[1] >> 1 & 7)
        elif len(page) > _PLAIN_BYTES_MAX:
            _add_filter(page)
            self.size += _FILTER_BYTES
        if self._union is not None:
            self._union[identity[2] << 5 | identity[3] >> 3] |= 1 << (identity[3] & 7)
            if self.count >= self._unite_at:
                self._union = None  # half of its bits are of ids long gone

    def _unite(self) -> bytearray:
        """Make one filter of all pages: asking each of them for each event is what would cost most."""
        union = bytearray(_UNION_BYTES)
        for page in self.pages:
            for at in range(_head_of(page), len(page), _ENTRY):
                union[page[at + 2] << 5 | page[at + 3] >> 3] |= 1 << (page[at + 3] & 7)
        self._union, self._unite_at = union, self.count + _CAPACITY
        return union

    def _current(self) -> bytearray:
        """Return the page that is written to next, made ready for it."""
        number, entry = divmod(self.count % _CAPACITY, PAGE_ENTRIES)
        if number == len(self.pages):
            self._add_page()
        page = self.pages[number]
        if entry == 0 or not page:
            base = (self.count - entry).to_bytes(_BASE, "big")
            self.size -= len(page)
            page[:] = base + b"\0" + bytes(entry * _ENTRY)  # zeros where a dropped page had its entries
            self.size += len(page)
        self.written |= 1 << number
        return page

    def _add_page(self) -> None:
        self.pages.append(bytearray())
        if len(self.pages) == _PAGES_WITHOUT_UNION + 1:
            self.size += _UNION_BYTES

    def forget(self, identity: bytes) -> None:
        """Take an id back: its event was parked, and may be sent again when it is repaired."""
        for number, page in enumerate(self.pages):
            head = _head_of(page)
            at = page.rfind(identity, head)
            if at >= 0 and (at - head) % _ENTRY == 0:
                page[at : at + IDENTITY_BYTES] = _FORGOTTEN
                self.written |= 1 << number

    def newest_second(self) -> int:
        """Return the time of the last id, in seconds; 0 when there is none."""
        number = (self.count - 1) % _CAPACITY // PAGE_ENTRIES
        page = self.pages[number] if number < len(self.pages) else b""
        return int.from_bytes(page[-4:], "big") if page else 0

    def oldest_page(self) -> int:
        """Return the number of the page that was begun first of those there are."""
        there = [number for number, page in enumerate(self.pages) if page]
        return min(there, key=lambda number: _base_of(self.pages[number]))

    def drop(self, number: int, now_second: int) -> int:
        """Drop a page; return how many of its ids were still remembered at ``now_second``."""
        page = self.pages[number]
        head, base, left = _head_of(page), _base_of(page), 0
        for entry in range(_entries_of(page)):
            at = head + entry * _ENTRY
            then = int.from_bytes(page[at + IDENTITY_BYTES : at + _ENTRY], "big")
            left += then > 0 and now_second - then <= SEEN_SECONDS and self.count - base - entry <= SEEN_IDS
        self.pages[number] = bytearray()
        self.size -= len(page)
        self.written &= ~(1 << number)
        return left

    def _holds(self, page: bytearray, identity: bytes, second: int) -> bool:
        head = _head_of(page)
        at = page.find(identity, head)
        while at >= 0:
            entry, rest = divmod(at - head, _ENTRY)
            if rest == 0:
                then = int.from_bytes(page[at + IDENTITY_BYTES : at + _ENTRY], "big")
                if second - then <= SEEN_SECONDS and self.count - _base_of(page) - entry <= SEEN_IDS:
                    return True
            at = page.find(identity, at + 1)
        return False


def _base_of(page: bytearray) -> int:
    return int.from_bytes(page[:_BASE], "big")


def _head_of(page: bytearray) -> int:
    return _HEAD if page and page[_BASE] else _PLAIN_HEAD


def _entries_of(page: bytearray) -> int:
    return (len(page) - _head_of(page)) // _ENTRY


def _add_filter(page: bytearray) -> None:
    bits = bytearray(_FILTER_BYTES)
    for at in range(_PLAIN_HEAD, len(page), _ENTRY):
        bits[page[at] << 1 | page[at + 1] & 1] |= 1 << (page[at + 1] >> 1 & 7)
    page[_PLAIN_HEAD:_PLAIN_HEAD] = bits
    page[_BASE] = 1
