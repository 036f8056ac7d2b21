"""Bands: two cuts each way, and a hold."""

import pytest
from truenorth_health.domain.bands import asked, step

from tests.health.builders import BANDS


@pytest.mark.parametrize(
    ("current", "score", "expected"),
    [
        ("", 39.999, "red"),
        ("", 40, "yellow"),
        ("", 69.999, "yellow"),
        ("", 70, "green"),
        ("green", 70, "green"),
        ("green", 69.9, "yellow"),
        ("yellow", 74.9, "yellow"),
        ("yellow", 75, "green"),
        ("yellow", 40, "yellow"),
        ("yellow", 39.9, "red"),
        ("red", 44.9, "red"),
        ("red", 45, "yellow"),
        ("red", 74.9, "yellow"),
        ("red", 75, "green"),
        ("green", 10, "red"),
        ("unknown", 72, "green"),
    ],
)
def test_entering_and_leaving_use_different_cuts(current: str, score: float, expected: str) -> None:
    assert asked(BANDS, current, score) == expected


def walk(scores: list[tuple[int, float | None]], hold_ms: int) -> list[str]:
    band: str = "green"
    leaving: int | None = None
    seen: list[str] = []
    for now_ms, score in scores:
        now = step(BANDS, hold_ms, current=band, leaving_ms=leaving, score=score, now_ms=now_ms, at_once=False)
        band, leaving = now.band, now.leaving_ms
        seen.append(band)
    return seen


def test_a_change_has_to_hold() -> None:
    assert walk([(0, 60), (99, 60), (100, 60)], 100) == ["green", "green", "yellow"]


def test_a_change_that_does_not_hold_starts_anew() -> None:
    assert walk([(0, 60), (50, 80), (60, 60), (120, 60), (160, 60)], 100) == ["green"] * 4 + ["yellow"]


def test_a_hold_that_ends_lower_still_ends() -> None:
    assert walk([(0, 60), (50, 20), (100, 20)], 100) == ["green", "green", "red"]


def test_no_score_is_unknown_at_once_and_so_is_the_way_back() -> None:
    assert walk([(0, None), (1, 60)], 100) == ["unknown", "yellow"]


def test_the_end_of_a_hold_is_due() -> None:
    now = step(BANDS, 100, current="green", leaving_ms=7, score=60, now_ms=50, at_once=False)
    assert (now.band, now.leaving_ms, now.due_ms) == ("green", 7, 107)


def test_a_persons_word_is_not_held() -> None:
    assert step(BANDS, 100, current="green", leaving_ms=None, score=10, now_ms=0, at_once=True).band == "red"
