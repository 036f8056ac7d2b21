"""Whatever happens to accounts, verify finds nothing on a true system, and finds every transition that is taken out."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth.events import inputs, people

from tests.health.verify_world import CHANGES, DAY, HOUR, MILESTONES, World, definitions

ACCOUNTS = ("a", "b", "c")

_accounts = st.sampled_from(ACCOUNTS)
_payloads = st.one_of(
    st.tuples(st.just("tickets"), st.integers(0, 9).map(lambda number: inputs.TicketOpened(f"t{number}"))),
    st.tuples(st.just("tickets"), st.integers(0, 9).map(lambda number: inputs.TicketSolved(f"t{number}"))),
    st.tuples(
        st.just("usage"),
        st.tuples(st.sampled_from("xyz"), st.integers(0, 3)).map(
            lambda both: inputs.UsageRecorded(both[0], actor=f"p{both[1]}")
        ),
    ),
    st.tuples(
        st.just("surveys"),
        st.integers(0, 10).map(lambda score: inputs.SurveyAnswered("nps", float(score), respondent="p1")),
    ),
    st.tuples(
        st.just("accounts"),
        st.sampled_from(
            [
                inputs.AccountUpdated(name="A", signed_up_on="2025-11-08"),
                inputs.AccountUpdated(arr=2_000_000),
                inputs.AccountUpdated(arr=1),
                inputs.AccountUpdated(signed_up_on="2025-11-15"),
                inputs.AccountChurned(),
                inputs.AccountReactivated(),
            ]
        ),
    ),
    st.tuples(
        st.just("actions"),
        st.sampled_from([people.OverrideSet("d", "r", 90.0), people.OverrideSet("d", "r"), people.PulseSet("d", 2)]),
    ),
    st.tuples(
        st.just("engagements"),
        st.sampled_from([inputs.ChampionLeft("champion"), inputs.EngagementHeld("review", role="champion")]),
    ),
)
_tells = st.tuples(st.just("tell"), _accounts, _payloads, st.sampled_from([0, 0, HOUR, 3 * DAY]))
_erasures = st.tuples(st.just("erase"), _accounts, st.sampled_from(["account", "p1", "p2"]))
_flushes = st.tuples(
    st.just("flush"), st.lists(_accounts, unique=True), st.sampled_from([300, 700, 2_000, HOUR, 7 * HOUR, DAY, 9 * DAY])
)
_applies = st.tuples(st.just("apply"), st.sampled_from(["0s", "6h"]), st.sampled_from([1.0, 3.0]))
_steps = st.lists(st.one_of(_tells, _tells, _tells, _flushes, _flushes, _erasures, _applies), min_size=5, max_size=60)


def played(steps: list[Any]) -> World:
    world = World(definitions(hold="6h"))
    for account in ACCOUNTS[:2]:
        world.tell("accounts", inputs.AccountUpdated(name="A", signed_up_on="2025-11-08"), account=account)
    for step in steps:
        match step:
            case "tell", account, (source, payload), ago_ms:
                world.tell(source, payload, account=account, ago_ms=ago_ms)
            case "flush", accounts, later_ms:
                world.flush(*accounts, later_ms=later_ms)
            case "erase", account, "account":
                world.tell("erasures", people.ErasureRequested("account", account), account=account)
            case "erase", account, person:
                world.tell("erasures", people.ErasureRequested("actor", person), account=account)
            case "apply", hold, weight:
                world.apply(definitions(hold=hold, weight=weight))
    world.flush()
    return world


@given(_steps)
@settings(max_examples=60, deadline=None)
def test_a_true_system_is_never_accused(steps: list[Any]) -> None:
    report = asyncio.run(played(steps).verified())
    assert [(one.account, one.field, one.stored, one.refolded) for one in report.differences] == []
    assert (report.out_of_reach, report.unjudged) == ([], 0)


@given(_steps, st.integers(1, 1_000))
@settings(max_examples=40, deadline=None)
def test_no_transition_can_be_taken_out(steps: list[Any], choice: int) -> None:
    world = played(steps)
    places = [(name, at) for name in (CHANGES, MILESTONES) for at in range(1, len(world.transitions(name)))]
    if places:
        name, at = places[choice % len(places)]
        gone = world.transitions(name)[at][1]
        world.remove(name, at)
        found = asyncio.run(world.verified()).differences
        assert [one for one in found if one.account == gone.account and str(gone.number) in one.refolded]
