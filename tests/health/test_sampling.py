"""Beyond the cap of actors a sample is kept: counts stay near the truth, and a person can still be forgotten."""

import pytest
from truenorth.events import inputs, people
from truenorth_health.domain.facts import merge
from truenorth_health.domain.limits import ACTORS_MAX
from truenorth_health.domain.parts import Usage, UsageMembers, UsagePast
from truenorth_health.domain.sampling import HASH_BYTES
from truenorth_health.domain.signals import Signals

from tests.health.builders import DAY, NOON, Book, compiled, support_card


def crowd(one: Book, first: int, count: int, time_ms: int) -> None:
    for number in range(first, first + count):
        one.tell(inputs.UsageRecorded("board", actor=f"person-{number}"), time_ms)


def measured(one: Book, now_ms: int) -> Signals:
    facts = merge(one.state, now_ms)
    return Signals(one.state, facts, one.definitions.entitled(facts))


def test_up_to_the_cap_counts_are_exact() -> None:
    one = Book(compiled(support_card()))
    crowd(one, 0, ACTORS_MAX, NOON)
    signals = measured(one, NOON)
    assert signals.get("active_actors_28d") == ACTORS_MAX
    assert signals.approximate() == []


def test_above_the_cap_counts_are_near_and_said_to_be_approximate() -> None:
    one = Book(compiled(support_card()))
    crowd(one, 0, 12_000, NOON - 3 * DAY)
    crowd(one, 8_000, 12_000, NOON)
    signals = measured(one, NOON)
    assert signals.get("active_actors_28d") == pytest.approx(20_000, rel=0.07)
    assert signals.get("active_actors_1d") == pytest.approx(12_000, rel=0.07)
    assert signals.get("stickiness") == pytest.approx(24_000 / 28 / 20_000, rel=0.1)
    assert signals.get("events_28d") == 24_000, "events are counted, not estimated"
    assert {"active_actors_28d", "stickiness", "consumption_gap"} <= set(signals.approximate())
    assert len(one.state.read(UsageMembers).hashes) <= ACTORS_MAX * HASH_BYTES


def test_actors_whose_days_are_over_make_room_before_anybody_is_sampled() -> None:
    one = Book(compiled(support_card()))
    crowd(one, 0, 4_000, NOON - 120 * DAY)
    crowd(one, 4_000, 2_000, NOON)
    signals = measured(one, NOON)
    assert signals.get("active_actors_28d") == 2_000
    assert one.state.read(UsageMembers).shift == 0
    assert all(row.day > NOON // DAY - 91 for row in one.state.read(UsagePast).days)


def test_somebody_of_a_sample_can_be_forgotten() -> None:
    one = Book(compiled(support_card()))
    crowd(one, 0, 10_000, NOON)
    before = one.state.read(Usage).today.actors[:]
    for number in range(10_000):
        one.tell(people.ErasureRequested("actor", f"person-{number}"), NOON + 1_000 + number)
    assert any(before)
    assert measured(one, NOON).get("active_actors_28d") == 0
