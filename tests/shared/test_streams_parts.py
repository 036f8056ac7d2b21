"""The engine's small parts: due times, the changelog's records, dead letters and their limits, the cut."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth.clock import ManualClock
from truenorth.errors import HaltError
from truenorth.kafka.dead_letters import VALUE_BYTES_MAX, letter
from truenorth.kafka.records import Record
from truenorth.streams.counting import CountingProcessor
from truenorth.streams.dead_letters import DeadLetterLimits
from truenorth.streams.hooks import NoHooks
from truenorth.streams.kept import Kept
from truenorth.streams.memory import MemoryBroker
from truenorth.streams.opening import check_schema, start_positions
from truenorth.streams.partition import Partition
from truenorth.streams.read_until import ReadUntil
from truenorth.streams.records import (
    OPEN_KEY,
    POSITION_KEY,
    NewerStateError,
    Own,
    Position,
    decode_own,
    decode_position,
    due_of,
    encode_control,
    encode_own,
    entry_key,
    split_key,
)
from truenorth.streams.settings import EngineSettings
from truenorth.streams.turns import Cut

from tests.conformance.accounts import happening


@given(
    st.lists(st.integers(-1, 2**62), max_size=12),
    st.one_of(st.none(), st.integers(0, 2**62)),
    st.integers(1, 60_000),
    st.binary(max_size=40),
)
def test_the_own_part_comes_back_as_it_went(offsets: list[int], due_ms: int | None, schema: int, core: bytes) -> None:
    part = encode_own(offsets, due_ms, schema=schema, core=core)
    assert decode_own(part) == Own(offsets, due_ms, schema, core)
    assert due_of(part) == due_ms


def test_records_of_another_engine_are_not_guessed_at() -> None:
    other = b"\x09" + encode_own([1], None, schema=1, core=b"")[1:]
    with pytest.raises(HaltError, match="version 9"):
        decode_own(other)
    with pytest.raises(HaltError, match="version 1 "):
        decode_position(encode_control(Position(1, {}, schema=1)))
    with pytest.raises(NewerStateError, match="version 9"):
        decode_position(encode_control(Position(1, {}, schema=9)))
    with pytest.raises(HaltError, match="unreadable"):
        decode_position(b"{")


def test_keys_of_parts_come_back_as_they_went() -> None:
    assert split_key(entry_key("acme", "core")) == ("acme", "core")
    assert split_key(entry_key("acme", "")) == ("acme", "")


def own(offset: int, *, due_ms: int | None = None, core: bytes = b"") -> bytes:
    return encode_own([offset], due_ms, schema=1, core=core)


async def test_restoring_takes_the_last_record_of_each_key() -> None:
    broker = MemoryBroker(ManualClock(), {"log": 1})
    place = ("log", 0)
    for key, value in (
        (entry_key("a", ""), own(6, core=b"1")),
        (entry_key("a", "past"), b"2"),
        (entry_key("a", "names"), b"5"),
        (entry_key("b", ""), own(8, due_ms=5, core=b"3")),
        (entry_key("a", ""), own(7, due_ms=9, core=b"4")),
        (entry_key("a", "past"), None),
        (entry_key("b", ""), None),
        (POSITION_KEY, encode_control(Position(3, {"source": 9}))),
        (OPEN_KEY, b"{}"),
    ):
        broker.append(place, key, value)
    for _ in range(2):
        kept = Kept(core="core", sources=1)
        kept.take(broker.records[place])
        kept.restored()
        assert list(kept.owns) == ["a"]
        assert kept.load("a", kept.own("a")) == {"core": b"4", "names": b"5"}
        assert list(kept.dues()) == [("a", 9)]
        assert kept.position == Position(3, {"source": 9})
        assert kept.bytes == len(own(7, core=b"4")) + 1
        broker.compact("log")


def test_state_of_a_newer_program_is_left_alone() -> None:
    check_schema(None, 1)
    check_schema(Position(1, {}, state_schema=2), 2)
    with pytest.raises(NewerStateError, match="left to a newer worker"):
        check_schema(Position(1, {}, state_schema=3), 2)


def test_a_new_source_begins_at_its_first_offset() -> None:
    spans = {("old", 0): (0, 50), ("new", 0): (3, 8)}
    assert start_positions(["old", "new"], 0, Position(1, {"old": 40}), spans) == [40, 3]


@pytest.mark.parametrize(
    ("position", "sentence"),
    [({"a": 4}, "1 are lost"), ({"a": 11}, "not the same one"), ({"gone": 7}, "no source any more")],
)
def test_positions_that_do_not_fit_the_log_halt(position: dict[str, int], sentence: str) -> None:
    with pytest.raises(HaltError, match=sentence):
        start_positions(["a"], 0, Position(1, position), {("a", 0): (5, 10)})


def test_a_dead_letter_tells_where_it_came_from() -> None:
    record = Record("t", 3, 17, b"acme", b"x" * (VALUE_BYTES_MAX + 1), 5)
    told = json.loads(letter(record, reader="health", reason="because" * 1000, now_ms=9))
    assert (told["topic"], told["partition"], told["offset"], told["key"]) == ("t", 3, 17, "acme")
    assert len(base64.b64decode(told["value_base64"])) == VALUE_BYTES_MAX
    assert told["truncated"]
    assert len(told["reason"]) == 1000


def test_single_dead_letters_never_halt() -> None:
    limits = DeadLetterLimits(in_row_max=3, ratio_max=0.5, window=10)
    for _ in range(1000):
        limits.good(2)
        limits.dead("t-0", "bad")


def test_too_many_dead_letters_in_a_row_halt() -> None:
    limits = DeadLetterLimits(in_row_max=3, ratio_max=1, window=1000)
    for _ in range(3):
        limits.dead("t-0", "bad")
    with pytest.raises(HaltError, match="4 records in a row of t-0"):
        limits.dead("t-0", "bad")


def test_a_restart_does_not_allow_another_portion_of_dead_letters() -> None:
    again = DeadLetterLimits(in_row_max=3, ratio_max=1, window=1000, in_row=3)
    with pytest.raises(HaltError, match="4 records in a row"):
        again.dead("t-0", "bad")
    repaired = DeadLetterLimits(in_row_max=3, ratio_max=1, window=1000, in_row=3)
    repaired.good(1)
    repaired.dead("t-0", "bad")


class Refolds(NoHooks):
    def __init__(self) -> None:
        self.count = 0

    def refolded(self, count: int) -> None:
        self.count += count


def partition(kept: Kept | None = None, clock: ManualClock | None = None) -> tuple[Partition[Any], Refolds]:
    hooks = Refolds()
    one = Partition(
        0,
        1,
        kept or Kept(core="core", sources=1),
        [0],
        processor=CountingProcessor(["s"], "changelog", "dead", "out"),
        reader_name="tests",
        clock=clock or ManualClock(),
        settings=EngineSettings(slice_accounts=1),
        hooks=hooks,
    )
    return one, hooks


def records(first: int, accounts: list[str]) -> list[Record]:
    return [Record("s", 0, first + n, a.encode(), happening(a), 0) for n, a in enumerate(accounts)]


async def cut_of(
    one: Partition[Any], read_until_ms: int = 0, *, due_max: int = 1000, redecide_max: int = 0, silent_s_max: float = 60
) -> Cut:
    return await one.cut(
        read_until_ms=read_until_ms,
        due_max=due_max,
        redecide_max=redecide_max,
        silent_s_max=silent_s_max,
        seen_bytes_max=1_000_000,
    )


def totals(cut: Cut) -> list[int]:
    return [json.loads(output.value or b"")["total"] for output in cut.outputs]


async def test_a_cut_holds_what_was_taken_in_before_it_and_nothing_after() -> None:
    one, _ = partition()
    one.take(0, records(0, ["a", "b", "a"]))
    cutting = cut_of(one)
    cutting.send(None)  # it yields after the first account
    one.take(0, [*records(3, ["a", "c"]), Record("s", 0, 5, b"x", b"{", 0)])
    with pytest.raises(StopIteration) as done:
        while True:
            cutting.send(None)
    cut: Cut = done.value.value
    assert cut.positions == (3,)
    assert cut.events == 3
    assert not cut.dead_letters  # its position lies behind the cut: it goes with the next one
    assert decode_position(cut.changelog[-1].value or b"").sources == {"s": 3}
    later = await cut_of(one)
    assert (later.positions, later.events, len(later.dead_letters)) == ((6,), 2, 1)


async def test_an_event_that_was_folded_already_is_skipped_and_counted() -> None:
    one, hooks = partition()
    one.take(0, records(0, ["a", "a"]))
    await cut_of(one)
    one.positions[0] = 0  # as if a position had been lost
    one.take(0, records(0, ["a", "a", "a"]))
    cut = await cut_of(one)
    assert hooks.count == 2
    assert totals(cut) == [3]


async def test_events_that_cannot_be_folded_are_parked_alone_with_their_records() -> None:
    one, _ = partition()
    good, bad = happening("a", event_id="good"), happening("a", count=-1, event_id="bad")
    one.take(0, [Record("s", 0, n, b"a", value, 0) for n, value in enumerate([good, bad, good, bad])])
    cut = await cut_of(one)
    assert totals(cut) == [1]
    told = [json.loads(entry.value or b"") for entry in cut.dead_letters]
    assert [(letter["offset"], letter["reason"]) for letter in told] == [(1, "count is -1")]
    assert base64.b64decode(told[0]["value_base64"]) == bad
    repaired = happening("a", count=5, event_id="bad")
    one.take(0, [Record("s", 0, 4, b"a", repaired, 0)])
    assert totals(await cut_of(one)) == [6]  # a parked event may be sent again


async def test_offsets_and_core_are_one_record_and_an_unchanged_account_writes_nothing() -> None:
    one, _ = partition()
    one.take(0, records(0, ["a"]))
    first = await cut_of(one)
    assert [entry.key for entry in first.changelog] == [entry_key("a", ""), POSITION_KEY]
    again = await cut_of(one)
    assert [entry.key for entry in again.changelog] == [POSITION_KEY]


async def test_decisions_are_made_as_of_what_was_read_and_never_backwards() -> None:
    clock = ManualClock(5_000)
    one, _ = partition(clock=clock)
    assert (await cut_of(one, -1)).now_ms == 0
    assert (await cut_of(one, 1_000)).now_ms == 1_000
    assert (await cut_of(one, 400)).now_ms == 1_000
    assert (await cut_of(one, 9_000)).now_ms == 5_000  # nor ahead of the clock


def test_the_moment_read_until_waits_for_the_ends_of_all_sources() -> None:
    read = ReadUntil()
    read.aim(1_000, {("s", 0): 5, ("t", 0): 2})
    read.see({("s", 0): 5})
    assert (read.ms, read.waiting) == (-1, True)
    read.aim(2_000, {("s", 0): 9, ("t", 0): 2})
    read.see({("s", 0): 8, ("t", 0): 2})
    assert read.ms == 1_000
    read.aim(3_000, {("s", 0): 9, ("t", 0): 2})  # nothing came since
    read.see({("s", 0): 9, ("t", 0): 2})
    assert (read.ms, read.waiting) == (3_000, False)


def test_far_behind_the_moments_thin_out_and_are_reached_one_after_the_other() -> None:
    read = ReadUntil()
    for second in range(1_000):
        read.aim(second * 1_000, {("s", 0): second})
    reached = []
    for position in range(1_000):
        read.see({("s", 0): position})
        reached.append(read.ms)
    assert reached == sorted(reached)
    assert reached[-1] == 999_000
    assert all(moment <= 1_000 * position for position, moment in enumerate(reached))


async def test_dead_letters_in_a_row_outlive_a_restart() -> None:
    one, _ = partition()
    one.take(0, [Record("s", 0, n, b"a", b"{", 0) for n in range(150)])
    cut = await cut_of(one)
    kept = Kept(core="core", sources=1)
    kept.take([Record("changelog", 0, n, key, value, 0) for n, (key, value) in enumerate(cut.changelog)])
    kept.restored()
    again, _ = partition(kept)
    with pytest.raises(HaltError, match="201 records in a row"):
        again.take(0, [Record("s", 0, 150 + n, b"a", b"{", 0) for n in range(100)])
