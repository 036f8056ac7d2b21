"""Properties of milestones: statuses move one way, more use never sets back, and the order of folding is no matter."""

from typing import Any, Literal, NamedTuple, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth.definitions.model import Milestone
from truenorth.events import inputs
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.decide import decide
from truenorth_health.domain.facts import merge
from truenorth_health.domain.fold import fold
from truenorth_health.domain.milestones import standing
from truenorth_health.domain.state import AccountState, new_state

from tests.health.builders import ACCOUNT, DAY, NOON, compiled, event, source_of, support_card

DAYS = 40
Kind = Literal[
    "events",
    "distinct_actors",
    "distinct_features",
    "distinct_modules",
    "share_of_seats",
    "share_of_modules",
    "share_of_features",
]
KINDS: tuple[Kind, ...] = (
    "events",
    "distinct_actors",
    "distinct_features",
    "distinct_modules",
    "share_of_seats",
    "share_of_modules",
    "share_of_features",
)
ALLOWED = {
    "": {"pending", "at_risk", "missed", "reached"},
    "pending": {"at_risk", "missed", "reached"},
    "at_risk": {"missed", "reached"},
    "missed": {"reached"},
    "reached": set[str](),
}
RANK = {"missed": 0, "at_risk": 1, "pending": 1, "reached": 2}


class Use(NamedTuple):
    """One use, so many days after the account signed up."""

    day: int
    feature: str
    actor: str
    module: str


_uses = st.lists(
    st.builds(Use, st.integers(-3, DAYS), st.sampled_from("abcde"), st.sampled_from("xyz"), st.sampled_from("mn")),
    max_size=25,
)


@st.composite
def milestones(draw: st.DrawFn) -> Milestone:
    kind = draw(st.sampled_from(KINDS))
    within = draw(st.integers(2, 30))
    listed = draw(st.sets(st.sampled_from("abcde"))) if kind in {"events", "distinct_features"} else set[str]()
    return Milestone(
        id="m",
        name="m",
        count=kind,
        need=draw(st.integers(1, 100 if kind.startswith("share") else 6)),
        within_days=within,
        at_risk_days=draw(st.integers(1, within - 1)),
        features=sorted(listed),
    )


def _event(number: int, use: Use) -> Any:
    told = inputs.UsageRecorded(use.feature, actor=use.actor, module=use.module)
    return event(told, NOON + use.day * DAY, f"u{number}")


def _account() -> AccountState:
    state = new_state(ACCOUNT)
    facts = inputs.AccountUpdated(
        name="Acme", signed_up_on="2025-11-08", seats=4, modules=["m", "n", "o"], features=["a", "b", "f"]
    )
    fold(state, source_of(event(facts, NOON, "f")), event(facts, NOON, "f"), NOON)
    return state


def _told(uses: list[tuple[int, Use]]) -> AccountState:
    state = _account()
    for number, use in uses:
        one = _event(number, use)
        fold(state, source_of(one), one, NOON)
    return state


def _stands(state: AccountState, definitions: Compiled, day: int) -> tuple[str, int, str | None, int | None]:
    facts = merge(state, NOON + day * DAY)
    now = standing(state, facts, definitions.milestones[0], None, definitions.entitled(facts))
    assert now is not None
    return now.progress.status, now.progress.have, now.progress.reached_on, now.progress.took_days


@given(milestones(), _uses)
@settings(deadline=None)
def test_a_status_only_ever_moves_on(wanted: Milestone, uses: list[Use]) -> None:
    definitions = compiled(support_card(), milestones=[wanted])
    state, status, number = _account(), "", 0
    for day in range(DAYS + 1):
        for use in [one for one in uses if one.day == day]:
            number += 1
            one = _event(number, use)
            fold(state, source_of(one), one, NOON + day * DAY)
        decided = decide(state, definitions, offsets={"usage": number}, now_ms=NOON + day * DAY)
        for change in decided.milestones:
            assert change.before == status or (status, change.before) == ("", "pending")
            assert change.after in ALLOWED[change.before]
            status = change.after
            if status == "reached":
                assert change.milestone.late == (cast("int", change.milestone.took_days) >= wanted.within_days)


@given(milestones(), _uses, st.integers(0, DAYS), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_folding_is_no_matter(wanted: Milestone, uses: list[Use], day: int, rng: Any) -> None:
    definitions = compiled(support_card(), milestones=[wanted])
    numbered = list(enumerate(uses))
    first = _stands(_told(numbered), definitions, day)
    rng.shuffle(numbered)
    assert _stands(_told(numbered), definitions, day) == first


@given(milestones(), _uses, _uses, st.integers(0, DAYS))
@settings(deadline=None)
def test_more_use_never_sets_a_milestone_back(wanted: Milestone, uses: list[Use], more: list[Use], day: int) -> None:
    definitions = compiled(support_card(), milestones=[wanted])
    numbered = list(enumerate([*uses, *more]))
    before = _stands(_told(numbered[: len(uses)]), definitions, day)
    after = _stands(_told(numbered), definitions, day)
    assert RANK[after[0]] >= RANK[before[0]]
    assert after[1] >= before[1]
    if before[2] is not None:
        assert after[2] is not None
        assert after[2] <= before[2]
