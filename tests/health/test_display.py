"""Signals in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth.definitions.signals import BY_NAME
from truenorth_health.domain.display import display, told


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("usage_trend_28d", -38.2, "\N{MINUS SIGN}38\N{NO-BREAK SPACE}%"),
        ("breadth", 0.375, "38\N{NO-BREAK SPACE}%"),
        ("open_p1_days", 9.0, "9 days"),
        ("open_p1_days", 0.5, "since today"),
        ("active_actors_28d", 31.0, "31"),
        ("csat_90d", 4.25, "4.3"),
        ("nps", 4.0, "4"),
        ("pulse", 3.0, "3 of 5"),
        ("first_response_hours_28d", 2.1667, "2\N{NO-BREAK SPACE}h 10\N{NO-BREAK SPACE}m"),
        ("nps", None, "–"),
        ("nps_mean", 5.5, "5.5"),
        ("ces_90d", 3.0, "3"),
        ("pulse", 3.5, "3.5 of 5"),
        ("essential", 5.0, "5 of 5"),
        ("open_tickets_per_100_seats", 33.333, "33.3"),
        ("tickets_opened_90d", 0.0, "0"),
        ("resolution_hours_28d", 0.75, "45\N{NO-BREAK SPACE}m"),
        ("resolution_hours_28d", 72.0, "3 days"),
        ("overdue_amount", 1_750_000.0, "$18k"),
        ("arr", 0.0, "$0"),
        ("days_to_renewal", -3.0, "\N{MINUS SIGN}3 days"),
        ("days_since_touch", 0.0, "0 days"),
        ("days_since_review", 1.0, "1 day"),
        ("active_per_seat_28d", 1.3, "130\N{NO-BREAK SPACE}%"),
        ("answered_share_90d", 1 / 3, "33\N{NO-BREAK SPACE}%"),
        ("champion_gone", 1.0, "yes"),
        ("champion_gone", 0.0, "no"),
        ("renewal_intent", 5.0, "expand"),
        ("usage_fit", 0.5, "needs a look"),
    ],
)
def test_signals_are_said_in_words(name: str, value: float | None, expected: str) -> None:
    assert display(name, value) == expected


@given(st.sampled_from(sorted(BY_NAME)), st.floats(0, 1e15))
def test_whatever_a_signal_says_it_has_words(name: str, value: float) -> None:
    assert display(name, value)
    assert told(name, value)


def test_a_change_says_its_direction_in_a_sentence() -> None:
    assert told("usage_trend_28d", -38.0) == "down 38\N{NO-BREAK SPACE}%"
    assert told("arr_change_90d", 12.0) == "up 12\N{NO-BREAK SPACE}%"
