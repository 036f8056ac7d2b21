from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth import words
from truenorth.events.health import Sentence


@pytest.mark.parametrize(
    ("score", "expected"), [(70.5, 71), (69.5, 70), (74.993, 75), (40.1228, 40), (0.0, 0), (2.5, 3)]
)
def test_scores_are_rounded_half_up_for_people(score: float, expected: int) -> None:
    assert words.shown(score) == expected


@pytest.mark.parametrize(
    ("minor", "expected"),
    [
        (None, "–"),
        (85_000, "$850"),
        (21_200_000, "$212k"),
        (410_000_000, "$4.1M"),
        (99_990_000, "$1M"),
        (400_000_000, "$4M"),
        (0, "$0"),
    ],
)
def test_money_is_short(minor: int | None, expected: str) -> None:
    assert words.money(minor) == expected


def test_deltas_carry_their_sign() -> None:
    assert [words.signed(value) for value in (3.2, -22.4, 0.2, -0.3)] == ["+3", "−22", "±0", "±0"]


def test_spans_read_as_a_person_says_them() -> None:
    assert [words.days(1), words.days(41), words.days(150)] == ["1 day", "41 days", "5 months"]
    assert words.hours(2 + 1 / 6) == "2\N{NO-BREAK SPACE}h 10\N{NO-BREAK SPACE}m"
    assert words.hours(72) == "3 days"


def test_a_sentence_reads_without_its_marks() -> None:
    assert words.plain(Sentence(runs=[("Usage down 38 %", True), (" on its own baseline", False)])) == (
        "Usage down 38 % on its own baseline"
    )


@given(st.decimals(-10_000, 10_000, places=6))
def test_numbers_are_rounded_as_they_are_written(value: Decimal) -> None:
    assert words.shown(float(value)) == int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    tenths = str(abs(value).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))
    assert words.points(float(value)) == (words.MINUS if value < 0 else "") + tenths
