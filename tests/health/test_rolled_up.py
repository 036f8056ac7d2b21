"""How the scores of children enter their parent's: each rule, who counts, and what the weights say."""

from typing import Literal

import pytest
from truenorth.definitions.model import RollUp
from truenorth_health.domain.rolled_up import ChildScore, roll_up

How = Literal["own", "mean", "arr_weighted", "worst", "share_poor"]
CHILDREN = [
    ChildScore("north", 90.0, "green", 300),
    ChildScore("south", 30.0, "red", 100),
    ChildScore("east", None, "unknown", 900),
    ChildScore("west", 75.0, "unknown", 900),
]


@pytest.mark.parametrize(
    ("how", "include_parent", "score", "own_weight", "weights"),
    [
        ("own", True, 60, 1, (0, 0, 0, 0)),
        ("mean", False, 60, 0, (0.5, 0.5, 0, 0)),
        ("mean", True, 60, 1 / 3, (1 / 3, 1 / 3, 0, 0)),
        ("arr_weighted", False, 75, 0, (0.75, 0.25, 0, 0)),
        ("arr_weighted", True, 67.5, 0.5, (0.375, 0.125, 0, 0)),
        ("worst", False, 30, 0, (0, 1, 0, 0)),
        ("worst", True, 30, 0, (0, 1, 0, 0)),
        ("share_poor", False, 50, 0, (0.5, 0.5, 0, 0)),
        ("share_poor", True, 200 / 3, 1 / 3, (1 / 3, 1 / 3, 0, 0)),
    ],
)
def test_each_rule_weighs_the_children_that_have_a_score(
    how: How, include_parent: bool, score: float, own_weight: float, weights: tuple[float, ...]
) -> None:
    rolled = roll_up(RollUp(how=how, include_parent=include_parent), 60.0, 400, CHILDREN)
    assert rolled.score == pytest.approx(score)
    assert rolled.own_weight == pytest.approx(own_weight)
    assert rolled.weights == pytest.approx(weights)
    assert rolled.own_part + sum(rolled.parts) == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize("how", ["own", "mean", "arr_weighted", "worst", "share_poor"])
@pytest.mark.parametrize("children", [[], CHILDREN[2:]])
def test_without_children_that_count_the_accounts_own_score_does(how: How, children: list[ChildScore]) -> None:
    assert roll_up(RollUp(how=how, include_parent=False), 61.0, None, children).score == 61.0
    assert roll_up(RollUp(how=how), None, None, children).score is None


def test_without_a_rule_the_accounts_own_score_counts() -> None:
    assert roll_up(None, 61.0, 5, CHILDREN).score == 61.0


@pytest.mark.parametrize("arr", [None, 0])
def test_without_any_arr_the_members_weigh_the_same(arr: int | None) -> None:
    children = [child._replace(arr=arr) for child in CHILDREN]
    rolled = roll_up(RollUp(how="arr_weighted"), 30.0, arr, children)
    assert rolled.score == 50.0
    assert rolled.own_weight == pytest.approx(1 / 3)


def test_a_child_whose_arr_is_not_known_weighs_nothing_beside_one_whose_is() -> None:
    children = [CHILDREN[0]._replace(arr=None), CHILDREN[1]]
    assert roll_up(RollUp(how="arr_weighted", include_parent=False), 60.0, None, children).weights == (0.0, 1.0)


def test_an_account_without_a_score_of_its_own_is_not_a_member() -> None:
    assert roll_up(RollUp(how="mean"), None, 400, CHILDREN).score == 60.0


def test_a_red_account_is_one_of_its_poor() -> None:
    rolled = roll_up(RollUp(how="share_poor"), 20.0, None, CHILDREN, own_is_red=True)
    assert rolled.score == pytest.approx(100 / 3)
    assert rolled.own_weight == pytest.approx(1 / 3)
    assert rolled.own_part == 0.0


def test_several_that_are_equally_the_worst_share_the_weight() -> None:
    children = [CHILDREN[1], CHILDREN[1]._replace(account="other"), CHILDREN[0]]
    assert roll_up(RollUp(how="worst", include_parent=False), 60.0, None, children).weights == (0.5, 0.5, 0.0)
