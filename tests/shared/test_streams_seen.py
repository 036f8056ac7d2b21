"""The memory of ids: what a duplicate is, what is written, what leaves early, and that nothing else matters."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth.kafka import Record
from truenorth.streams.processor import Item
from truenorth.streams.seen import PAGE_ENTRIES, PAGES, SEEN_IDS, SEEN_SECONDS, SeenRing
from truenorth.streams.seen_ids import CLOCK_SECONDS_MAX, EARLY, PREFIX, SeenIds

PLENTY = 1_000_000_000


def identity(number: int) -> bytes:
    return random.Random(number).randbytes(8)


def stored(ring: SeenRing) -> SeenRing:
    """What a restore makes of it."""
    again = SeenRing()
    for number, page in enumerate(ring.pages):
        if page:
            again.put_page(number, bytes(page))
    return again


def told(ring: SeenRing, *numbers: int, second: int = 1_000) -> list[bool]:
    """Which of these were new."""
    given = items(numbers, second)
    accepted = {id(item) for item in ring.fresh(given)}
    return [id(item) in accepted for item in given]


def test_an_id_is_a_duplicate_for_24_hours_of_the_records_own_time() -> None:
    ring = SeenRing()
    assert told(ring, 1, 2, 1) == [True, True, False]
    assert told(ring, 1, second=1_000 + SEEN_SECONDS) == [False]
    assert told(ring, 1, second=1_001 + SEEN_SECONDS) == [True]


def test_the_last_4096_accepted_ids_are_remembered_and_no_more() -> None:
    ring = SeenRing()
    assert all(told(ring, *range(SEEN_IDS + 1)))
    assert told(ring, 1) == [False]
    assert told(ring, 0) == [True]


def test_ids_survive_many_rounds_of_the_ring_through_bytes() -> None:
    ring = SeenRing()
    total = PAGES * PAGE_ENTRIES + 700
    for number in range(total):
        if number % 97 == 0:
            ring = stored(ring)
        assert told(ring, number) == [True]
    assert not any(told(ring, *range(total - SEEN_IDS, total)))
    assert ring.size == sum(map(len, ring.pages)) + 8_192
    assert stored(ring).size == ring.size


def test_only_the_page_written_to_changes() -> None:
    ring = SeenRing()
    told(ring, *range(600))
    ring.written = 0
    told(ring, 1_000)
    assert ring.written == 1 << 2
    ring.written = 0
    told(ring, 1_000, 5)
    assert ring.written == 0


def test_a_quiet_account_is_small_and_a_flush_of_a_busy_one_too() -> None:
    ring = SeenRing()
    told(ring, *range(8))
    assert ring.size < 128
    told(ring, *range(8, 4_000))
    assert max(map(len, ring.pages)) < 3_700


def test_an_id_that_was_taken_back_may_come_again() -> None:
    ring = SeenRing()
    told(ring, *range(300))
    ring.forget(identity(7))
    assert told(ring, 7, 8) == [True, False]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, SEEN_SECONDS // 3)), max_size=60), st.integers(1, 9))
def test_a_ring_answers_as_a_plain_dictionary_would(steps: list[tuple[int, int]], restore_every: int) -> None:
    ring, second, plain = SeenRing(), 5, dict[int, int]()
    for count, (number, seconds) in enumerate(steps):
        second += seconds
        new = number not in plain or second - plain[number] > SEEN_SECONDS
        assert told(ring, number, second=second) == [new]
        if new:
            plain[number] = second
        if count % restore_every == 0:
            ring = stored(ring)


def items(numbers: Iterable[int], second: int = 1_000, source: str = "s") -> list[Item]:
    return [Item(Record(source, 0, n, b"k", b"", second * 1_000), identity(n), n) for n in numbers]


def fresh(seen: SeenIds, account: str, numbers: Iterable[int], *, source: int = 0, second: int = 1_000) -> list[int]:
    return [item.event for item in seen.fresh(account, source, items(numbers, second))]


class Changelog:
    """Applies what is told to be written, as the broker would keep it."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, str], bytes] = {}

    def write(self, seen: SeenIds) -> None:
        for account, part, value in seen.changes():
            if value is None:
                self.parts.pop((account, part), None)
            else:
                self.parts[account, part] = value

    def restore(self, sources: int = 2) -> SeenIds:
        seen = SeenIds(sources)
        for (account, part), value in self.parts.items():
            seen.restore(account, part, value)
        seen.restored()
        return seen


def test_accounts_and_sources_are_told_apart() -> None:
    seen = SeenIds(2)
    assert fresh(seen, "a", [1, 1, 2]) == [1, 2]
    assert fresh(seen, "b", [1]) == [1]
    assert fresh(seen, "a", [1], source=1) == [1]
    assert fresh(seen, "a", [1, 2]) == []


def test_events_without_an_id_are_never_duplicates() -> None:
    seen = SeenIds(1)
    bare = [Item(Record("s", 0, n, b"k", b"", 0), None, n) for n in range(3)]
    assert seen.fresh("a", 0, bare) == bare
    mixed = [*bare, *items([7, 7])]
    assert [item.event for item in seen.fresh("a", 0, mixed)] == [0, 1, 2, 7]
    assert not list(SeenIds(1).changes())


def test_what_is_written_restores_the_same_memory() -> None:
    seen, log = SeenIds(2), Changelog()
    for account in ("a", "b"):
        for source in (0, 1):
            fresh(seen, account, range(500), source=source)
    log.write(seen)
    again = log.restore()
    assert again.bytes == seen.bytes
    assert fresh(again, "b", range(490, 503), source=1) == [500, 501, 502]


def test_ids_too_old_to_matter_are_forgotten_and_their_pages_deleted() -> None:
    seen, log = SeenIds(2), Changelog()
    fresh(seen, "old", [1], second=1_000)
    fresh(seen, "busy", [1], second=1_000)
    fresh(seen, "busy", [2], second=1_000 + SEEN_SECONDS)
    seen.tidy(read_until_ms=(1_000 + SEEN_SECONDS + CLOCK_SECONDS_MAX) * 1_000, limit_bytes=PLENTY)
    log.write(seen)
    assert {account for account, _ in log.parts} == {"old", "busy"}  # not older than 24 h
    assert seen.tidy(read_until_ms=(1_001 + SEEN_SECONDS + CLOCK_SECONDS_MAX) * 1_000, limit_bytes=PLENTY) == 0
    log.write(seen)
    assert {account for account, _ in log.parts} == {"busy"}
    assert not seen.early


def test_above_the_budget_the_oldest_leave_and_are_counted() -> None:
    seen, log = SeenIds(2), Changelog()
    for account in range(40):
        fresh(seen, f"a{account:02}", range(10), second=1_000 + account)
    log.write(seen)
    limit = seen.bytes // 2
    early = seen.tidy(read_until_ms=2_000_000, limit_bytes=limit)
    log.write(seen)
    assert seen.bytes <= limit
    assert early == sum(seen.early.values()) == 10 * len(seen.early)
    assert sorted(seen.early) == [f"a{account:02}" for account in range(len(seen.early))]
    assert log.restore().early == seen.early
    assert log.restore().bytes == seen.bytes
    assert fresh(seen, "a00", [3]) == [3]
    assert fresh(seen, "a39", [3], second=1_039) == []


def test_a_busy_account_gives_up_its_oldest_page_first() -> None:
    seen, log = SeenIds(2), Changelog()
    fresh(seen, "a", range(1_000))
    log.write(seen)
    assert seen.tidy(read_until_ms=0, limit_bytes=seen.bytes - 1) == PAGE_ENTRIES
    log.write(seen)
    again = log.restore()
    for one in (seen, again):
        assert fresh(one, "a", [0, 255, 256, 999]) == [0, 255]
    fresh(again, "a", range(1_000, 1_000 + 2 * PAGES * PAGE_ENTRIES))  # round and round over the gap
    assert again.bytes == log_bytes(again)


def log_bytes(seen: SeenIds) -> int:
    log = Changelog()
    for (source, account), ring in seen._touched.items():
        ring.written = sum(1 << number for number, page in enumerate(ring.pages) if page)
        assert (source, account) == (0, "a")
    log.write(seen)
    return log.restore().bytes


def test_a_forgotten_account_leaves_nothing() -> None:
    seen, log = SeenIds(2), Changelog()
    for source in (0, 1):
        fresh(seen, "a", range(300), source=source)
    seen.early["a"] = 3
    log.write(seen)
    seen.forget_account("a")
    log.write(seen)
    assert not [part for account, part in log.parts if part != EARLY]
    assert seen.bytes == 0
    assert fresh(seen, "a", [1]) == [1]


@pytest.mark.parametrize("source", [0, 1])
def test_parts_of_the_memory_are_told_from_the_programs_parts(source: int) -> None:
    seen = SeenIds(2)
    fresh(seen, "a", [1], source=source)
    assert [(account, part) for account, part, _ in seen.changes()] == [("a", f"{PREFIX}{source}.0")]
