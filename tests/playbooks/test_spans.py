"""Due dates in business days of the person who has the task."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from truenorth.clock import to_millis
from truenorth.definitions.model import Person
from truenorth_playbooks.domain.spans import after_ms, calendar_of, due_ms

NEW_YORK = Person(id="d", name="D", email="d@example.com", zone="America/New_York", hours="09:00-17:00")


def at(text: str, zone: str = "America/New_York") -> int:
    return to_millis(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("opened", "span", "due"),
    [
        ("2026-11-16T10:00", "1bd", "2026-11-17T17:00"),  # Monday morning: Tuesday evening
        ("2026-11-16T18:00", "1bd", "2026-11-18T17:00"),  # after work counts as Tuesday
        ("2026-11-20T10:00", "1bd", "2026-11-23T17:00"),  # Friday: Monday
        ("2026-11-21T10:00", "1bd", "2026-11-24T17:00"),  # Saturday counts as Monday
        ("2026-11-16T10:00", "0bd", "2026-11-16T17:00"),
        ("2026-11-16T10:00", "5bd", "2026-11-23T17:00"),
        ("2026-03-06T10:00", "1bd", "2026-03-09T17:00"),  # the clocks went forward on the Sunday
        ("2026-11-16T10:00", "4h", "2026-11-16T14:00"),
        ("2026-11-16T10:00", "2d", "2026-11-18T10:00"),
    ],
)
def test_due_by_the_end_of_the_assignees_business_day(opened: str, span: str, due: str) -> None:
    assert due_ms(at(opened), span, calendar_of(NEW_YORK)) == at(due)


def test_nobody_works_nine_to_five_utc() -> None:
    assert due_ms(at("2026-11-16T10:00", "UTC"), "1bd", calendar_of(None)) == at("2026-11-17T17:00", "UTC")


def test_the_same_moment_is_another_day_elsewhere() -> None:
    tokyo = Person(id="k", name="K", email="k@example.com", zone="Asia/Tokyo", hours="09:00-18:00")
    friday_night_in_london = at("2026-11-20T16:00", "Europe/London")  # Saturday 01:00 in Tokyo
    assert due_ms(friday_night_in_london, "1bd", calendar_of(tokyo)) == at("2026-11-24T18:00", "Asia/Tokyo")


def test_a_cooldown_in_business_days_skips_the_weekend() -> None:
    assert after_ms(at("2026-11-20T10:00", "UTC"), "1bd") == at("2026-11-23T10:00", "UTC")
    assert after_ms(0, "90s") == 90_000


def test_a_duration_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="write 30s"):
        after_ms(0, "soon")
