"""Signals in words."""

import pytest
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
    ],
)
def test_signals_are_said_in_words(name: str, value: float | None, expected: str) -> None:
    assert display(name, value) == expected


def test_a_change_says_its_direction_in_a_sentence() -> None:
    assert told("usage_trend_28d", -38.0) == "down 38\N{NO-BREAK SPACE}%"
    assert told("arr_change_90d", 12.0) == "up 12\N{NO-BREAK SPACE}%"
