"""The recommended service level: the highest that something asks for, in words."""

import pytest
from truenorth.definitions.model import Tier
from truenorth_health.domain.facts import Facts
from truenorth_health.domain.tiers import advise

TIERS = [
    Tier(id="strategic", name="Strategic", arr_from=10_000_000, potential_arr_from=50_000_000, advocates=True),
    Tier(id="named", name="Named", arr_from=2_000_000),
    Tier(id="pooled", name="Pooled", promised=False),
]


def advice(level: str | None = "none", **facts: object) -> tuple[str, list[str]]:
    said = advise(TIERS, Facts({}, 0, **facts), level)  # type: ignore[arg-type]
    assert said is not None
    return said.tier, said.reasons


def test_without_tiers_there_is_no_advice() -> None:
    assert advise([], Facts({}, 0), None) is None


def test_revenue_asks_for_the_highest_tier_it_reaches() -> None:
    assert advice(arr=21_200_000) == ("strategic", ["ARR $212k is $100k or more"])
    assert advice(arr=9_999_999) == ("named", ["ARR $100k is $20k or more"])


def test_potential_and_advocacy_count_beside_revenue() -> None:
    assert advice("advocacy", potential_arr=120_000_000) == (
        "strategic",
        ["potential ARR $1.2M is $500k or more", "an advocate"],
    )
    assert advice("loyalty")[0] == "pooled"


@pytest.mark.parametrize("promised", ["named", "Named", " NAMED "])
def test_a_promise_by_name_is_kept(promised: str) -> None:
    assert advice(promised_service=promised) == ("named", ["promised by contract"])


def test_what_nothing_asks_more_for_gets_the_last_tier() -> None:
    assert advice(promised_service="Pooled") == ("pooled", ["nothing asks for more"])
    assert advice(None) == ("pooled", ["nothing asks for more"])
