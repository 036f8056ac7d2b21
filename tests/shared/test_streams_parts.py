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
from truenorth.streams.due import DueTimes
from truenorth.streams.hooks import NoHooks
from truenorth.streams.memory import MemoryBroker, MemoryLog
from truenorth.streams.opening import restore, start_positions
from truenorth.streams.partition import Partition, Restored
from truenorth.streams.records import (
    OPEN_KEY,
    POSITION_KEY,
    Position,
    decode_own,
    decode_position,
    encode_control,
    encode_own,
    entry_key,
    split_key,
)
from truenorth.streams.settings import EngineSettings

from tests.conformance.accounts import happening


def test_due_times_come_earliest_first_and_the_later_word_counts() -> None:
    due = DueTimes()
    due.put("a", 30)
    due.put("b", 10)
    due.put("c", 20)
    due.put("b", 25)
    due.put("c", None)
    assert [due.first_ms, due.take(25, 10), due.take(100, 10), due.first_ms] == [25, ["b"], ["a"], None]
    assert len(due) == 0


def test_due_times_are_taken_in_portions() -> None:
    due = DueTimes()
    due.fill((f"account-{number}", number) for number in range(10))
    assert due.take(100, 4) == ["account-0", "account-1", "account-2", "account-3"]
    assert len(due) == 6


@given(st.dictionaries(st.integers(0, 12), st.integers(0, 2**62)), st.one_of(st.none(), st.integers(0, 2**62)))
def test_the_own_part_comes_back_as_it_went(offsets: dict[int, int], due_ms: int | None) -> None:
    own = decode_own(encode_own(offsets, due_ms))
    assert own.offsets == offsets
    assert own.next_due_ms == due_ms


def test_state_of_a_newer_engine_halts() -> None:
    newer = b"\x02" + encode_own({0: 1}, None)[1:]
    with pytest.raises(HaltError, match="version 2"):
        decode_own(newer)
    with pytest.raises(HaltError, match="version 9"):
        decode_position(encode_control(Position(1, {}, schema=9)))
    with pytest.raises(HaltError, match="unreadable"):
        decode_position(b"{")


def test_keys_of_parts_come_back_as_they_went() -> None:
    assert split_key(entry_key("acme", "core")) == ("acme", "core")
    assert split_key(entry_key("acme", "")) == ("acme", "")


async def test_restoring_takes_the_last_record_of_each_key_up_to_the_mark() -> None:
    broker = MemoryBroker(ManualClock(), {"log": 1})
    place = ("log", 0)
    for key, value in (
        (entry_key("a", "core"), b"1"),
        (entry_key("a", "past"), b"2"),
        (entry_key("b", "core"), b"3"),
        (entry_key("a", ""), encode_own({0: 7}, None)),
        (entry_key("b", ""), encode_own({0: 8}, 5)),
        (entry_key("a", "core"), b"4"),
        (entry_key("a", "past"), None),
        (entry_key("b", "core"), None),
        (entry_key("b", ""), None),
        (POSITION_KEY, encode_control(Position(3, {"source": 9}))),
        (OPEN_KEY, b"{}"),
    ):
        last = broker.append(place, key, value)
    broker.append(place, entry_key("a", "core"), b"after the mark")
    restored = await restore(MemoryLog(broker), place, last)
    assert restored.parts == {"a": {"core": b"4"}}
    assert list(restored.owns) == ["a"]
    assert restored.position == Position(3, {"source": 9})
    broker.compact("log")
    broker.records[place].pop()
    again = await restore(MemoryLog(broker), place, last)
    assert again.position == restored.position


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


class Refolds(NoHooks):
    def __init__(self) -> None:
        self.count = 0

    def refolded(self, count: int) -> None:
        self.count += count


def partition(restored: Restored | None = None) -> tuple[Partition[Any], Refolds]:
    hooks = Refolds()
    one = Partition(
        0,
        1,
        restored or Restored({}, {}, None, 0),
        [0],
        processor=CountingProcessor(["s"], "changelog", "dead", "out"),
        reader_name="tests",
        settings=EngineSettings(slice_accounts=1),
        hooks=hooks,
    )
    return one, hooks


def records(first: int, accounts: list[str]) -> list[Record]:
    return [Record("s", 0, first + n, a.encode(), happening(a), 0) for n, a in enumerate(accounts)]


async def test_a_cut_holds_what_was_taken_in_before_it_and_nothing_after() -> None:
    one, _ = partition()
    one.take(0, records(0, ["a", "b", "a"]), 1)
    cutting = one.cut(1, due_until_ms=0, redecide_max=0)
    cutting.send(None)  # it yields after the first account
    one.take(0, records(3, ["a", "c"]), 1)
    with pytest.raises(StopIteration) as done:
        while True:
            cutting.send(None)
    cut = done.value.value
    assert cut.positions == (3,)
    assert cut.events == 3
    assert decode_position(cut.changelog[-1].value).sources == {"s": 3}
    later = await one.cut(2, due_until_ms=0, redecide_max=0)
    assert later.positions == (5,)
    assert later.events == 2


async def test_an_event_that_was_folded_already_is_skipped_and_counted() -> None:
    one, hooks = partition()
    one.take(0, records(0, ["a", "a"]), 1)
    await one.cut(1, due_until_ms=0, redecide_max=0)
    before = dict(one.parts["a"])
    one.positions[0] = 0  # as if a position had been lost
    one.take(0, records(0, ["a", "a"]), 1)
    cut = await one.cut(2, due_until_ms=0, redecide_max=0)
    assert hooks.count == 2
    assert [json.loads(output.value or b"")["total"] for output in cut.outputs] == [2]
    assert one.parts["a"] != before  # only the revision moved on


async def test_only_changed_parts_are_written() -> None:
    one, _ = partition()
    one.take(0, records(0, ["a"]), 1)
    first = await one.cut(1, due_until_ms=0, redecide_max=0)
    assert [entry.key for entry in first.changelog] == [entry_key("a", "core"), entry_key("a", ""), POSITION_KEY]
    restored = Restored({"a": dict(one.parts["a"])}, {"a": first.changelog[1].value or b""}, None, 3)
    again, _ = partition(restored)
    assert again.parts == one.parts


async def test_time_never_runs_backwards_for_decisions() -> None:
    one, _ = partition()
    one.take(0, records(0, ["a"]), 1)
    assert (await one.cut(1000, due_until_ms=0, redecide_max=0)).now_ms == 1000
    one.take(0, records(1, ["a"]), 1)
    assert (await one.cut(400, due_until_ms=0, redecide_max=0)).now_ms == 1000
