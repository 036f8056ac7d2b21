"""Verify must stay silent on a true system, and must not on any other."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest
from truenorth import codec
from truenorth.events import inputs, people
from truenorth.ids import derived_id, short_hash
from truenorth.kafka import Record
from truenorth.streams.records import OWN_PART, NewerStateError, decode_own, encode_own
from truenorth.streams.seen_ids import EARLY
from truenorth.topics import full_name
from truenorth_health.adapters.verifier import Verifier
from truenorth_health.domain.parts import Surveys
from truenorth_health.domain.path import Path

from tests.health.verify_world import CHANGELOG, CHANGES, DAY, HEALTH, HOUR, MILESTONES, World, definitions


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


def number_of(world: World, name: str, kind: str, after: str) -> int:
    """Return the place on a topic of the first transition of this kind."""
    told = [data for _, data in world.transitions(name)]
    return next(at for at, one in enumerate(told) if getattr(one, "kind", "milestone") == kind and one.after == after)


@pytest.mark.parametrize(
    ("kind", "after", "field", "value", "found"),
    [
        ("band", "yellow", "score", 71.5, "band.score"),
        ("band", "yellow", "after", "red", "band.after"),
        ("band", "yellow", "before", "red", "band.before"),
        ("band", "yellow", "band", "green", "band"),
        ("band", "red", "cause", "override", "band.cause"),
        ("band", "red", "decided_ms", 5, "band.decided_ms"),
        ("band", "red", "revision", 0, "band.revision"),
        ("band", "red", "owner_id", "eve", "band.owner_id"),
        ("band", "red", "arr", 1, "band.arr"),
        ("finding", "open", "subject", "champion_gone", "finding champion_gone"),
        ("finding", "open", "after", "clear", "finding watermelon"),
        ("segment", "large", "after", "small", "segment"),
        ("segment", "large", "segment", "", "segment.segment"),
        ("churn", "churned", "score", 99.0, "churn.score"),
        ("churn", "churned", "after", "active", "churn"),
        ("churn", "active", "before", "paused", "churn"),
    ],
)
async def test_a_change_that_does_not_follow_is_found(
    world: World, kind: str, after: str, field: str, value: object, found: str
) -> None:
    at = number_of(world, CHANGES, kind, after)
    number = world.transitions(CHANGES)[at][1].number
    world.tamper(CHANGES, at, lambda data: data.update({field: value}))
    differences = (await world.verified()).differences
    assert f"number {number}: {found}" in {one.field for one in differences}
    assert {one.account for one in differences} == {"acme"}
    mine = next(one for one in differences if one.field == f"number {number}: {found}")
    assert (mine.kind, mine.offsets[CHANGES]) == ("transition", at)
    assert f"truenorth tail health-changes --partition 0 --offset {at} --count 1" in mine.commands()


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("after", "missed", "milestone activation.after"),
        ("before", "reached", "milestone activation.before"),
        ("score", 3.0, "milestone activation.score"),
        ("milestone.have", 9, "milestone activation.have"),
        ("milestone.version", "0" * 12, "milestone activation.version"),
        ("milestone.deadline_on", "2031-01-01", "milestone activation.deadline_on"),
        ("milestone.id", "other", "milestone other"),
    ],
)
async def test_a_milestone_that_does_not_follow_is_found(world: World, field: str, value: object, found: str) -> None:
    def change(data: dict[str, Any]) -> None:
        outer, _, inner = field.rpartition(".")
        (data[outer] if outer else data)[inner] = value

    at = number_of(world, MILESTONES, "milestone", "at_risk")
    number = world.transitions(MILESTONES)[at][1].number
    world.tamper(MILESTONES, at, change)
    assert f"number {number}: {found}" in await world.fields()


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("ordinal", 7, "point.ordinal"),
        ("ordinal", 0, "band.point.ordinal"),
        ("definitions", "0" * 12, "point.ordinal"),
        ("now_ms", 1, "band.point.now_ms"),
        ("offsets", {"accounts": 0}, "band.point.offsets.usage"),
    ],
)
async def test_a_point_that_cannot_be_is_found(world: World, field: str, value: object, found: str) -> None:
    at = number_of(world, CHANGES, "band", "red")
    number = world.transitions(CHANGES)[at][1].number
    world.tamper(CHANGES, at, lambda data: data["point"].update({field: value}))
    assert any(one.startswith(f"number {number}") and one.endswith(found) for one in await world.fields())


async def test_definitions_that_are_not_on_the_topic_are_found(world: World) -> None:
    for _ in range(2):
        world.remove("definitions", 0)  # bundle and apply of the first definitions
    assert {"number 3: point.definitions", "number 8: point.definitions"} <= set(await world.fields())


async def test_definitions_that_run_backwards_are_found(world: World) -> None:
    at = number_of(world, CHANGES, "churn", "active")
    earlier = world.transitions(CHANGES)[0][1].point
    world.tamper(CHANGES, at, lambda data: data["point"].update({"ordinal": 1, "definitions": earlier.definitions}))
    assert "number 11: churn.point.ordinal" in await world.fields()


async def test_a_point_that_skips_an_event_is_found(world: World) -> None:
    at = number_of(world, CHANGES, "band", "red")
    world.tamper(CHANGES, at, lambda data: data["point"]["offsets"].update({"tickets": 6}))
    assert any("tickets" in one or one.endswith("score") for one in await world.fields())


@pytest.mark.parametrize("at", range(1, 11))
async def test_a_removed_transition_is_missed(world: World, at: int) -> None:
    number = world.transitions(CHANGES)[at][1].number
    world.remove(CHANGES, at)
    found = [one for one in (await world.verified()).differences if one.field.endswith("number")]
    assert [one.refolded.split(":")[0] for one in found] == [str(number)]


async def test_numbers_past_retention_are_said_and_no_difference(world: World) -> None:
    for name, count in ((CHANGES, 6), (MILESTONES, 2)):
        for _ in range(count):
            world.remove(name, 0)
    report = await world.verified()
    assert (report.differences, report.transitions) == ([], 5)
    assert [one for one in report.out_of_reach if "first numbers of 1 accounts" in one]


async def test_a_number_told_twice_is_found(world: World) -> None:
    at = number_of(world, CHANGES, "band", "red")
    record, data = world.transitions(CHANGES)[at]
    world.append(CHANGES, record.key, record.value)
    assert await world.fields() == [f"number {data.number}: {data.kind}.number"]


async def test_an_id_that_is_not_derived_is_found(world: World) -> None:
    at = number_of(world, CHANGES, "band", "red")
    record, data = world.transitions(CHANGES)[at]
    value = (record.value or b"").replace(codec.parse_event(record.value or b"").id.encode(), b"0" * 36)
    world.topics[full_name(CHANGES)][at] = record._replace(value=value)
    assert f"number {data.number}: {data.kind}.id" in await world.fields()


async def test_a_transition_that_no_state_knows_of_is_found(world: World) -> None:
    record, data = world.transitions(CHANGES)[-1]
    forged = msgspec.structs.replace(
        data, number=data.number + 1, revision=data.revision + 1, before="green", after="red"
    )
    value = codec.encode(
        forged,
        event_id=derived_id("health", "acme", str(forged.number)),
        source="forger",
        account="acme",
        time_ms=world.now_ms,
    )
    offset = world.append(CHANGES, record.key, value)
    found = (await world.verified()).differences
    assert [(one.field, one.offsets) for one in found] == [("number", {CHANGES: offset})]


async def test_what_is_published_while_it_runs_is_no_difference(world: World) -> None:
    read = world.read
    done = False

    async def read_and_flush(topic: str, partition: int, start: int = 0) -> AsyncGenerator[Record, None]:
        nonlocal done
        if topic == full_name("usage") and not done:  # the changelog was read: the worker goes on
            done = True
            for number in range(9):
                world.tell("tickets", inputs.TicketOpened(f"n{number}"))
            world.flush()
        async for record in read(topic, partition, start):
            yield record

    before = len(world.transitions(CHANGES))
    report = await Verifier(read_and_flush, world.processor, count=1).partition(0)
    assert len(world.transitions(CHANGES)) > before
    assert [(one.field, one.refolded) for one in report.differences] == []
    assert report.transitions == before + len(world.transitions(MILESTONES))


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("band", "red", "health.band"),
        ("score", 12.0, "health.score"),
        ("transitions", 3, "health.transitions"),
        ("revision", 1, "health.revision"),
        ("churned", True, "health.churned"),
        ("milestones", [], "health.milestones"),
        ("segment", "", "health.segment"),
    ],
)
async def test_a_snapshot_that_is_not_the_stored_path_is_found(
    world: World, field: str, value: object, found: str
) -> None:
    world.tamper(HEALTH, -1, lambda data: data.update({field: value}))
    assert found in await world.fields()


async def test_a_snapshot_that_is_gone_is_found(world: World) -> None:
    world.append(HEALTH, b"acme", None)
    assert await world.fields() == ["health"]


async def test_a_snapshot_ahead_of_what_is_stored_is_found(world: World) -> None:
    world.tamper(HEALTH, -1, lambda data: data.update({"revision": 400}))
    assert await world.fields() == ["revision"]


async def test_a_record_that_nobody_can_read_is_found(world: World) -> None:
    world.append(CHANGES, b"acme", b"{}")
    assert await world.fields() == ["health-changes"]


async def test_a_record_under_another_key_is_found(world: World) -> None:
    record, _ = world.transitions(CHANGES)[3]
    world.append(CHANGES, b"other", record.value)
    assert await world.fields() == ["health-changes"]


async def test_a_band_that_came_before_its_hold_was_over_is_found() -> None:
    world = World(definitions(hold="6h"))
    world.tell("accounts", inputs.AccountUpdated(name="Acme", owner_id="dana"))
    world.tell("surveys", inputs.SurveyAnswered("nps", 9.0, respondent="ann"))
    world.flush()
    world.tell("surveys", inputs.SurveyAnswered("nps", 0.0, respondent="ann"))
    world.flush()
    world.flush("acme", later_ms=7 * HOUR)
    assert [data.after for _, data in world.transitions(CHANGES)][-1] in {"yellow", "red"}
    assert await world.fields() == []

    def hasten(data: dict[str, Any]) -> None:
        data["point"]["now_ms"] -= 5 * HOUR
        data["decided_ms"] -= 5 * HOUR

    world.tamper(CHANGES, -1, hasten)
    assert "band.hold_ms" in {one.partition(": ")[2] for one in await world.fields()}


async def test_decided_too_little_is_found(world: World) -> None:
    """A worker that folds and never decides leaves a path that does not follow from its own state."""
    own = decode_own(world.own_part("acme"))
    path = msgspec.msgpack.decode(own.core, type=Path)
    assert path.band == "green"
    path.band, path.pending = "yellow", 0
    forged = encode_own(own.offsets, own.next_due_ms, schema=own.schema, core=msgspec.msgpack.encode(path))
    world.forge_part("acme", OWN_PART, forged)
    found = await world.fields()
    assert {"path.band", "health.band"} <= set(found)
    assert [one for one in found if one.startswith("missing band")]


async def test_a_forged_part_is_found(world: World) -> None:
    world.forge_part("acme", "surveys", msgspec.msgpack.encode(Surveys(over=3)))
    assert "surveys.over" in await world.fields()


async def test_a_part_that_does_not_decode_is_found(world: World) -> None:
    world.forge_part("acme", "surveys", b"\xc1")
    world.forge_part("acme", "nonsense", b"1")
    assert await world.fields() == ["part 'surveys'", "part 'nonsense'"]


async def test_an_own_part_that_does_not_decode_is_found(world: World) -> None:
    world.forge_part("acme", OWN_PART, b"\x09")
    assert await world.fields() == ["part 'path'"]


async def test_state_of_a_newer_version_is_left_to_that_version(world: World) -> None:
    own = decode_own(world.own_part("acme"))
    newer = encode_own(own.offsets, own.next_due_ms, schema=own.schema + 1, core=own.core)
    world.forge_part("acme", OWN_PART, newer)
    with pytest.raises(NewerStateError, match="newer program"):
        await world.verified()


async def test_an_event_that_was_not_folded_is_found(world: World) -> None:
    world.tell("usage", inputs.UsageRecorded("board", actor="a9"))
    assert await world.fields() == []
    world.positions[0] += 1
    world.commit_position()
    found = {one.field: one for one in (await world.verified()).differences}
    assert {"usage.events", "point.offsets.usage"} <= found.keys()
    assert found["usage.events"].kind == "state"
    assert found["usage.events"].offsets["usage"] == 6


async def test_an_account_that_is_stored_but_never_happened_is_found(world: World) -> None:
    world.topics[full_name("tickets")] = []
    world.positions[1] = 0
    world.commit_position()
    assert any(one.startswith("tickets.") for one in await world.fields())


async def test_a_lost_account_is_found(world: World) -> None:
    for record in list(world.topics[full_name(CHANGELOG)]):
        if record.key is not None and record.key.startswith(b"acme"):
            world.append(CHANGELOG, record.key, None)
    found = await world.fields()
    assert "accounts.known" in found
    assert "number" in found


async def test_a_record_no_one_can_read_is_a_dead_letter_here_too(world: World) -> None:
    world.append("usage", b"acme", b"{}")
    world.positions[0] += 1
    world.commit_position()
    report = await world.verified()
    assert (report.dead_letters, report.differences) == (1, [])


async def test_a_senders_duplicate_is_dropped_and_counted(world: World) -> None:
    for _ in range(3):
        world.tell("usage", inputs.UsageRecorded("board", actor="a1"), event_id="twice")
    world.flush()
    report = await world.verified()
    assert (report.duplicates, report.differences) == (2, [])


async def test_an_account_whose_ids_left_early_is_not_judged_when_it_met_a_duplicate(world: World) -> None:
    world.tell("usage", inputs.UsageRecorded("board", actor="a1"), event_id="twice")
    world.flush()
    world.kept.seen.forget_account("acme")  # the budget was used up
    world.forge_part("acme", EARLY, b"12")
    world.tell("usage", inputs.UsageRecorded("board", actor="a1"), event_id="twice")
    world.flush()
    report = await world.verified()
    assert (report.unjudged_accounts, report.differences) == (1, [])
    assert [one for one in report.out_of_reach if "had left the memory of ids early" in one]


async def test_usage_past_retention_is_said_and_no_difference(world: World) -> None:
    for _ in range(5):
        world.remove("usage", 0)
    report = await world.verified()
    assert report.differences == []
    assert [one for one in report.out_of_reach if one.startswith("usage:") and "totals" in one]
    assert report.unjudged > 0


async def test_what_is_young_enough_is_judged_although_older_usage_is_gone(world: World) -> None:
    for _ in range(100):
        world.flush("acme", later_ms=DAY)
    for number in range(9):
        world.tell("tickets", inputs.TicketOpened(f"n{number}"))
    world.tell("usage", inputs.UsageRecorded("board", actor="a1"))
    world.flush()
    world.remove("usage", 0)
    assert (await world.verified()).differences == []
    number = world.transitions(CHANGES)[-1][1].number
    world.tamper(CHANGES, -1, lambda data: data.update({"score": 3.0}))
    found = await world.fields()
    assert [one for one in found if one.startswith(f"number {number}: ") and one.endswith("score")]


async def test_an_erased_account_begins_anew_with_its_numbers(world: World) -> None:
    world.tell("erasures", people.ErasureRequested("account", "acme"))
    world.flush()
    assert (await world.verified()).differences == []
    world.now_ms += 2 * DAY
    world.tell("accounts", inputs.AccountUpdated(name="Acme again"))
    world.tell("surveys", inputs.SurveyAnswered("nps", 1.0, respondent="ann"))
    world.flush()
    assert world.transitions(CHANGES)[-1][1].number > 13
    assert (await world.verified()).differences == []


async def test_a_snapshot_of_an_erased_account_is_found(world: World) -> None:
    last = world.topics[full_name(HEALTH)][-1]
    world.tell("erasures", people.ErasureRequested("account", "acme"))
    world.flush()
    world.append(HEALTH, last.key, last.value)
    assert await world.fields() == ["health"]


async def test_many_accounts_in_one_cut_are_judged_each_at_its_own_point() -> None:
    world = World()
    accounts = [f"a{number}" for number in range(40)]
    for turn in range(6):
        for account in accounts[turn::2]:
            world.tell("accounts", inputs.AccountUpdated(name=account), account=account)
            world.tell("surveys", inputs.SurveyAnswered("nps", turn * 2.0, respondent="ann"), account=account)
            world.tell("usage", inputs.UsageRecorded("board", actor=f"a{turn}"), account=account)
        world.flush()
    report = await world.verified()
    assert (report.accounts, report.differences) == (40, [])
    assert report.transitions > 40


async def test_a_sample_is_the_same_at_every_run_and_finds_what_is_wrong_in_it() -> None:
    world = World()
    for number in range(60):
        world.tell("accounts", inputs.AccountUpdated(name="A"), account=f"a{number}")
        world.tell("surveys", inputs.SurveyAnswered("nps", 9.0, respondent="ann"), account=f"a{number}")
    world.flush()
    chosen = set(sorted((f"a{number}" for number in range(60)), key=short_hash)[:10])
    report = await world.verified(sample=10)
    assert (report.accounts, report.transitions, report.differences) == (10, 10, [])
    for at in range(60):
        world.tamper(CHANGES, at, lambda data: data.update({"score": 1.0}))
    assert {one.account for one in (await world.verified(sample=10)).differences} == chosen
