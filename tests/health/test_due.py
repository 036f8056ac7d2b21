"""When an account is looked at again though nothing happens, and that the new day's work is spread."""

from collections import Counter

from truenorth.events.people import OverrideSet
from truenorth_health.domain.due import next_due_ms
from truenorth_health.domain.limits import DAY_SPREAD_MS
from truenorth_health.domain.state import new_state

from tests.health.builders import DAY, HOUR, NOON, Book, compiled, support_card

MIDNIGHT = NOON + 12 * HOUR


def test_the_new_day_begins_for_each_account_at_a_moment_of_its_own() -> None:
    dues = [next_due_ms(new_state(f"account-{number}"), NOON, None) - MIDNIGHT for number in range(6_000)]
    assert min(dues) >= 0
    assert max(dues) < DAY_SPREAD_MS
    tenths = Counter(due * 10 // DAY_SPREAD_MS for due in dues)
    assert len(tenths) == 10
    assert max(tenths.values()) < 2 * min(tenths.values())


def test_it_is_the_same_moment_every_day() -> None:
    state = new_state("acme")
    first = next_due_ms(state, NOON, None)
    assert next_due_ms(state, first, None) == first + DAY
    assert next_due_ms(state, MIDNIGHT - 1, None) == first


def test_the_end_of_a_hold_and_of_what_somebody_said_come_first() -> None:
    book = Book(compiled(support_card()))
    assert next_due_ms(book.state, NOON, NOON + HOUR) == NOON + HOUR
    book.tell(OverrideSet("dana", "we know better", 50, expires_ms=NOON + 2 * HOUR), NOON)
    assert next_due_ms(book.state, NOON, None) == NOON + 2 * HOUR
    assert next_due_ms(book.state, NOON + 2 * HOUR, None) >= MIDNIGHT


def test_an_account_decided_after_midnight_and_before_its_moment_is_not_due_twice_that_day() -> None:
    state = new_state("acme")
    assert next_due_ms(state, MIDNIGHT + 1, None) >= MIDNIGHT + DAY
