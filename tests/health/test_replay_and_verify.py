"""Replay of history under its own clock, and the comparison of two folds."""

import msgspec
from truenorth.events import Event, inputs
from truenorth_health.domain import parts
from truenorth_health.domain.fold import fold
from truenorth_health.domain.replay import replay
from truenorth_health.domain.state import AccountState, dump, load, new_state
from truenorth_health.domain.verify import KEPT_WHOLE, compare

from tests.health.builders import DAY, NOON, TODAY, Book, compiled, event, source_of, support_card, three_part_card


def history() -> list[Event]:
    first = NOON - 20 * DAY
    return [
        event(inputs.TicketOpened("t1"), first, "e1"),
        event(inputs.TicketOpened("t2"), first + 2 * DAY, "e2"),
        event(inputs.TicketSolved("t1"), first + 4 * DAY, "e3"),
        event(inputs.AccountUpdated(name="Acme"), first + 5 * DAY, "e4"),
        event(inputs.AccountChurned(), first + 8 * DAY, "e5"),
    ]


def test_history_has_one_reconstructed_point_a_day_until_the_account_left() -> None:
    points = list(replay("acme", history(), compiled(support_card()), from_day=TODAY - 90, to_day=TODAY))
    assert [(point.on, point.score) for point in points] == [
        ("2025-10-19", 90.0),
        ("2025-10-20", 90.0),
        ("2025-10-21", 80.0),
        ("2025-10-22", 80.0),
        ("2025-10-23", 90.0),
        ("2025-10-24", 90.0),
        ("2025-10-25", 90.0),
        ("2025-10-26", 90.0),
    ]
    assert all(point.reconstructed and point.account == "acme" for point in points)


def test_history_is_the_same_however_it_is_cut() -> None:
    definitions = compiled(support_card())
    whole = list(replay("acme", history(), definitions, from_day=TODAY - 90, to_day=TODAY))
    tail = list(replay("acme", history(), definitions, from_day=TODAY - 17, to_day=TODAY - 15))
    assert tail == whole[3:6]


def test_a_replayed_day_is_what_was_said_on_the_day() -> None:
    definitions = compiled(three_part_card())
    book = Book(definitions)
    told = [event(inputs.AccountUpdated(name="Acme", owner_id="dana"), NOON - 60 * DAY, "e1")]
    live: list[float | None] = []
    for day in range(40):
        now_ms = NOON - (40 - day) * DAY
        for number in range(day % 7):
            one = event(inputs.UsageRecorded("board", actor=f"u{number}"), now_ms, f"u{day}-{number}")
            told.append(one)
            fold(book.state, 0, one, now_ms)
        end_ms = (now_ms // DAY + 1) * DAY - 1
        point = book.decide(end_ms).day
        live.append(None if point is None else point.score)
    again = list(replay("acme", told, definitions, from_day=TODAY - 40, to_day=TODAY - 1))
    assert [point.score for point, seen in zip(again, live, strict=True) if seen is not None] == [
        seen for seen in live if seen is not None
    ]


def test_no_events_are_no_history() -> None:
    assert list(replay("acme", [], compiled(support_card()), from_day=0, to_day=TODAY)) == []


def folded(events: list[Event]) -> AccountState:
    state = new_state("acme")
    for one in events:
        fold(state, source_of(one), one, one.time_ms)
    return state


def usage() -> list[Event]:
    return [
        event(inputs.UsageRecorded(f"f{day % 5}", actor=f"a{day % 3}", module="m"), NOON - day * DAY, f"u{day}")
        for day in range(40, -1, -1)
    ]


def test_the_same_log_folds_to_the_same_state() -> None:
    events = history() + usage()
    assert compare(folded(events), load("acme", dump(folded(events))), KEPT_WHOLE).differences == []


def test_a_difference_names_its_field_and_both_sides() -> None:
    stored, again = folded(history() + usage()), folded(history() + usage())
    stored.write(parts.Usage).today.count += 1
    stored.write(parts.Tickets).by_id["t1"].priority = "p1"
    found = compare(stored, again, KEPT_WHOLE).differences
    assert [(one.field, one.stored, one.refolded) for one in found] == [
        ("tickets.by_id.t1.priority", "p1", "p3"),
        ("usage.days.2025-11-08.count", 2, 1),
    ]


def test_usage_that_retention_took_is_out_of_reach_and_no_difference() -> None:
    whole, short = usage(), usage()[20:]
    found = compare(folded(whole), folded(short), {"usage": NOON - 21 * DAY})
    assert found.differences == []
    assert {"usage.events", "usage.first_used.f0", "usage.days.2025-10-10.count"} <= set(found.out_of_reach)
    assert {one.field for one in compare(folded(whole), folded(short), KEPT_WHOLE).differences} >= {"usage.events"}


def test_a_day_that_is_retained_is_compared_although_older_ones_are_not() -> None:
    whole, short = folded(usage()), folded(usage()[20:])
    whole.write(parts.Usage).today.count += 1
    found = compare(whole, short, {"usage": NOON - 21 * DAY}).differences
    assert [one.field for one in found] == ["usage.days.2025-11-08.count"]


def test_permanent_fields_are_compared_where_no_event_of_the_account_is_lost() -> None:
    whole, again = folded(usage()), folded(usage())
    whole.write(parts.UsageNames).first_days[0] -= 1
    found = compare(whole, again, {"usage": NOON - 21 * DAY}).differences
    assert [one.field for one in found] == ["usage.first_used.f0"]


def test_a_fact_older_than_its_log_is_out_of_reach_and_a_younger_one_is_not() -> None:
    old, young = (
        event(inputs.AccountUpdated(name=name), NOON - days * DAY, name) for name, days in (("A", 9), ("B", 3))
    )
    begins = {"accounts": NOON - 5 * DAY}
    assert "accounts.facts.name.value" in compare(folded([old]), folded([]), begins).out_of_reach
    found = compare(folded([young]), folded([]), begins)
    assert "accounts.facts.name.value" in {one.field for one in found.differences}


def test_the_path_is_no_part_of_the_comparison() -> None:
    book = Book(compiled(support_card()))
    before = load("acme", dump(book.state))
    book.decide(NOON)
    assert compare(book.state, before, KEPT_WHOLE).differences == []


def test_every_output_can_be_written() -> None:
    book = Book(compiled(three_part_card()))
    book.use(NOON)
    decided = book.decide(NOON)
    assert decided.snapshot is not None
    encoded = msgspec.json.encode(decided.snapshot)
    assert msgspec.json.decode(encoded, type=type(decided.snapshot)) == decided.snapshot
