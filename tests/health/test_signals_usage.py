"""Signals of usage, by example: windows, people, breadth, trends."""

import pytest
from truenorth.events import inputs

from tests.health.builders import DAY, NOON
from tests.health.measured import book, signal


def test_people_are_distinct_within_their_window() -> None:
    one = book()
    one.use(NOON - 40 * DAY, actors=["gone"])
    one.use(NOON - 27 * DAY, actors=["ann", "bob"])
    one.use(NOON - 6 * DAY, actors=["bob", "cat"])
    one.use(NOON, actors=["cat"])
    assert signal(one, "active_actors_28d") == 3
    assert signal(one, "active_actors_7d") == 2
    assert signal(one, "active_per_seat_28d") == pytest.approx(0.3)


def test_usage_without_actors_says_nothing_about_people() -> None:
    one = book()
    one.tell(inputs.UsageRecorded("board"), NOON)
    assert signal(one, "active_actors_28d") is None
    assert signal(one, "distinct_features_28d") == 1


def test_a_window_slides_without_any_event() -> None:
    one = book()
    one.use(NOON - 20 * DAY, actors=["ann"])
    assert signal(one, "active_actors_28d", NOON + 7 * DAY) == 1
    assert signal(one, "active_actors_28d", NOON + 8 * DAY) == 0
    assert signal(one, "days_since_activity", NOON + 8 * DAY) == 28


def test_the_trend_compares_28_days_with_the_28_before() -> None:
    one = book()
    one.tell(inputs.UsageRecorded("board", count=100), NOON - 30 * DAY)
    assert signal(one, "usage_trend_28d", NOON - 3 * DAY) is None
    one.tell(inputs.UsageRecorded("board", count=62), NOON)
    assert signal(one, "usage_trend_28d") == pytest.approx(-38)


def test_late_usage_lands_on_its_own_day() -> None:
    one = book()
    one.use(NOON, actors=["ann"])
    one.use(NOON - 10 * DAY, actors=["bob"], features=["export"])
    one.use(NOON - 3 * DAY, actors=["cat"])
    assert signal(one, "active_actors_7d") == 2
    assert signal(one, "active_actors_28d") == 3
    assert signal(one, "distinct_features_28d") == 2


def test_breadth_is_the_share_of_entitled_modules_in_use() -> None:
    one = book()
    for module in ("projects", "reports", "not-bought"):
        one.tell(inputs.UsageRecorded("f", module=module), NOON)
    assert signal(one, "breadth") == pytest.approx(0.5)
