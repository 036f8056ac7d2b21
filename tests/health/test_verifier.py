"""Verify must stay silent on a true system, and must not on any other."""

import pytest
from truenorth.events import inputs, people

from tests.health.verify_world import CHANGES, DAY, HOUR, MILESTONES, World, definitions


def busy(world: World) -> World:
    """Forty days of an account with crossings, findings, a milestone, an override and other definitions."""
    world.tell("accounts", inputs.AccountUpdated(name="Acme", owner_id="dana", arr=5_000, signed_up_on="2025-11-08"))
    for number in range(4):
        world.tell("usage", inputs.UsageRecorded("board", actor=f"a{number}"))
    world.tell("surveys", inputs.SurveyAnswered("nps", 9.0, respondent="ann"))
    world.flush()
    for number in range(9):
        world.tell("tickets", inputs.TicketOpened(f"t{number}"))
        world.flush()
    world.tell("surveys", inputs.SurveyAnswered("nps", 0.0, respondent="ann"))
    world.tell("usage", inputs.UsageRecorded("export", actor="a1"))
    world.flush(later_ms=HOUR)
    world.flush("acme", later_ms=8 * DAY)
    world.tell("usage", inputs.UsageRecorded("import", actor="a1"))
    world.tell("usage", inputs.UsageRecorded("chart", actor="a2"))
    world.flush()
    world.tell("accounts", inputs.AccountUpdated(arr=2_000_000))
    world.flush()
    world.tell("actions", people.OverrideSet("dana", "they told me", 90.0, expires_ms=world.now_ms + DAY))
    world.flush()
    world.flush("acme", later_ms=2 * DAY)
    world.apply(definitions(weight=4.0))
    world.flush("acme")
    world.tell("accounts", inputs.AccountChurned())
    world.flush()
    world.tell("accounts", inputs.AccountReactivated())
    world.flush()
    for number in range(9):
        world.tell("tickets", inputs.TicketSolved(f"t{number}"))
    world.flush()
    return world


@pytest.fixture
def world() -> World:
    return busy(World())


async def test_a_true_system_has_no_differences(world: World) -> None:
    report = await world.verified()
    assert [(one.field, one.stored, one.refolded) for one in report.differences] == []
    assert report.out_of_reach == []
    kinds = {data.kind for _, data in world.transitions(CHANGES)}
    assert kinds == {"band", "finding", "segment", "churn"}
    assert {data.after for _, data in world.transitions(MILESTONES)} >= {"at_risk", "reached"}
    assert report.transitions == len(world.transitions(CHANGES)) + len(world.transitions(MILESTONES))
    assert (report.accounts, report.unjudged, report.waiting) == (1, 0, 0)
