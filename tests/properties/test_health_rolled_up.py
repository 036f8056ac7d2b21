"""A rolled-up score lies among what it is made of, adds up, and does not ask in which order children are told."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth.definitions.model import RollUp
from truenorth_health.domain.rolled_up import ChildScore, roll_up

scores = st.floats(0, 100).map(lambda value: round(value, 3))
rules = st.builds(
    RollUp,
    how=st.sampled_from(["own", "mean", "arr_weighted", "worst", "share_poor"]),
    include_parent=st.booleans(),
)
children = st.lists(
    st.builds(
        ChildScore,
        account=st.uuids().map(str),
        score=st.none() | scores,
        band=st.sampled_from(["green", "yellow", "red", "unknown"]),
        arr=st.none() | st.integers(0, 10**10),
    ),
    max_size=8,
)
arrs = st.none() | st.integers(0, 10**10)


@given(rules, st.none() | scores, arrs, children)
def test_parts_add_up_and_weights_are_shares(
    rule: RollUp, own: float | None, arr: int | None, given_: list[ChildScore]
) -> None:
    rolled = roll_up(rule, own, arr, given_)
    assert rolled.own_part + sum(rolled.parts) == pytest.approx(rolled.score or 0.0, abs=1e-9)
    assert rolled.own_weight + sum(rolled.weights) == pytest.approx(0.0 if rolled.score is None else 1.0)
    if rolled.score is None or rule.how == "share_poor":
        return
    members = [child.score for child in given_ if child.counts and child.score is not None]
    told = [*members, own] if own is not None else members
    assert min(told) - 1e-9 <= rolled.score <= max(told) + 1e-9
    explained = rolled.own_weight * (own or 0.0)
    explained += sum(weight * (child.score or 0.0) for weight, child in zip(rolled.weights, given_, strict=True))
    assert explained == pytest.approx(rolled.score, abs=1e-9)


@given(rules, st.none() | scores, arrs, children, st.randoms(use_true_random=False))
def test_the_order_of_children_does_not_matter(
    rule: RollUp, own: float | None, arr: int | None, given_: list[ChildScore], dice: random.Random
) -> None:
    shuffled = list(given_)
    dice.shuffle(shuffled)
    first, second = roll_up(rule, own, arr, given_), roll_up(rule, own, arr, shuffled)
    assert first.score == second.score
    by_account = dict(zip((child.account for child in shuffled), second.parts, strict=True))
    assert [by_account[child.account] for child in given_] == list(first.parts)
