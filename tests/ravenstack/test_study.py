"""The arithmetic of the comparison, on accounts small enough to count by hand."""

import pytest
from truenorth.events import inputs
from truenorth.events.health import Band

from tests.health.builders import DAY, event
from tests.ravenstack import study
from tests.ravenstack.book import Account


def account(
    name: str, scores: dict[int, float | None], *, left_day: int | None = None, signed: str = "2025-01-01"
) -> Account:
    def band(score: float | None) -> Band:
        return "unknown" if score is None else "red" if score < 40 else "green"

    facts = event(inputs.AccountUpdated(name=name, signed_up_on=signed), DAY, name, account=name)
    days = {day: (score, band(score)) for day, score in scores.items()}
    return Account(name, [facts], days, left_day)


def test_the_chance_counts_pairs_of_the_same_day_and_ties_half() -> None:
    low, high = account("low", {9: 10.0}, left_day=10), account("high", {19: 90.0}, left_day=20)
    stayers = [account("a", {9: 50.0, 19: 50.0}), account("b", {9: 10.0, 19: None})]
    found = study.ranked([low, high], stayers, 1)
    assert (found.leavers, found.stayers, found.pairs) == (2, 2, 3)
    assert found.chance == pytest.approx(((1 + 0.5) / 2 + 0) / 2)
    assert found.low < found.chance < found.high


def test_pairs_may_be_limited_to_accounts_of_like_age() -> None:
    leavers = [account(name, {9: score}, left_day=10) for name, score in (("x", 10.0), ("y", 60.0))]
    stayers = [
        account("a", {9: 50.0}),
        account("b", {9: 50.0}, signed="2025-03-01"),
        account("old", {9: 5.0}, signed="2020-01-01"),
    ]
    assert study.ranked(leavers, stayers, 1, study.of_like_age).pairs == 4


def test_stayers_are_looked_at_on_the_days_of_the_leavers() -> None:
    leavers = [account("x", {9: 30.0}, left_day=10), account("y", {19: None}, left_day=20)]
    stayers = [account("a", {9: 20.0, 19: 99.0}), account("b", {9: 80.0})]
    found = study.at_lead(leavers, stayers, 1)
    assert (found.leavers, found.mean_leavers, found.mean_stayers) == (1, 30.0, 50.0)
    assert (found.low_leavers, found.low_stayers) == (1.0, 0.5)


def test_shares_of_days_and_whether_ever_red_are_of_the_ninety_days_before() -> None:
    leaver = account("x", {0: 10.0, 99: 10.0, 100: 80.0, 101: 10.0}, left_day=101)
    stayers = [account("a", {99: 10.0, 100: 80.0}), account("b", {99: 80.0, 100: 80.0})]
    mine, theirs, count = study.band_days([leaver], stayers)
    assert (mine["red"], theirs["red"], count) == (0.5, 0.25, 2)
    assert study.ever([leaver], stayers, frozenset({"red"})) == (1, 1, 0.5)
