"""Conditions on a number: from, below, and not known."""

import pytest
from truenorth.definitions.model import Condition
from truenorth_health.domain.conditions import holds


@pytest.mark.parametrize(
    ("at_least", "below", "value", "expected"),
    [
        (9, None, 9, True),
        (9, None, 8.9, False),
        (None, 9, 9, False),
        (None, 9, 8.9, True),
        (3, 9, 3, True),
        (3, 9, 9, False),
        (3, 9, None, False),
        (None, None, 0, True),
    ],
)
def test_at_least_is_inclusive_and_below_is_not(
    at_least: float | None, below: float | None, value: float | None, expected: bool
) -> None:
    assert holds(Condition(of="nps", at_least=at_least, below=below), value) == expected
