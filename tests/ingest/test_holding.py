"""What waits for its account: it goes on once, under the right one, or it stays; whatever order things come in."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth.clock import ManualClock
from truenorth.codec import encode_json
from truenorth.erasures import GRACE_MS
from truenorth_ingest.domain.graves import Graves
from truenorth_ingest.domain.holding import Told, is_releasable, pair_of, released
from truenorth_ingest.domain.lookups import chosen
from truenorth_ingest.handlers.holding import Holding, Outcome

from tests.ingest.holding_double import FakeUnit, waiting

PERSON = "p_" + "a" * 32
ACTOR = f"actor:{PERSON}"
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("learn"), st.sampled_from("xyz"), st.sampled_from("ab")),
        st.tuples(st.just("forget"), st.sampled_from("xyz"), st.sampled_from("ab")),
        st.tuples(st.just("event"), st.lists(st.sampled_from("xyz"), min_size=1, max_size=3, unique=True)),
        st.tuples(st.just("replay")),
    ),
    max_size=40,
)


def belongs(lookup: str, account: str, *, yes: bool = True, at_ms: int = 2_000) -> Told:
    return Told(lookup, account, yes, at_ms, at_ms)


@pytest.fixture
def holding() -> Holding:
    return Holding(ManualClock(), events_per_round_max=3)


async def replayed(holding: Holding, unit: FakeUnit) -> Outcome:
    total = Outcome()
    while unit.awake:
        done = await holding.replay(unit)
        total = Outcome(total.replayed + done.replayed, total.waiting + done.waiting, total.erased + done.erased)
    return total


async def test_events_go_on_in_their_order_once_their_account_is_learned(holding: Holding) -> None:
    unit = FakeUnit()
    assert (await holding.take(unit, [waiting(n, "s:1") for n in range(8)])).waiting == 8
    await holding.learn(unit, [belongs("s:1", "acme")])
    assert (await replayed(holding, unit)).replayed == 8
    assert [json.loads(one.value)["id"] for one in unit.said] == [f"e0-{n}" for n in range(8)]
    assert {(one.topic, one.key) for one in unit.said} == {("usage", "acme")}
    assert unit.kept == {}


async def test_what_was_learned_before_the_event_was_read_lets_it_go_on_at_once(holding: Holding) -> None:
    unit = FakeUnit()
    await holding.learn(unit, [belongs("s:1", "acme")])
    assert await holding.take(unit, [waiting(1, "s:1", reason="unavailable")]) == Outcome(1, 0, 0)


async def test_an_event_of_two_accounts_stays_until_one_is_taken_back(holding: Holding) -> None:
    unit = FakeUnit()
    await holding.take(unit, [waiting(1, "s:1")])
    await holding.learn(unit, [belongs("s:1", "a"), belongs("s:1", "b")])
    assert (await replayed(holding, unit)).waiting == 1
    assert unit.kept[0, 1].event.reason == "ambiguous"
    await holding.learn(unit, [belongs("s:1", "b", yes=False)])
    assert (await replayed(holding, unit)).replayed == 1
    assert unit.said[0].key == "a"


async def test_a_pair_that_is_said_and_taken_back_in_one_batch_is_not_known(holding: Holding) -> None:
    unit = FakeUnit()
    await holding.learn(unit, [belongs("s:1", "a"), belongs("s:1", "a", yes=False)])
    assert unit.pairs == {}


async def test_events_that_stay_do_not_keep_others_from_being_looked_at(holding: Holding) -> None:
    unit = FakeUnit()
    stuck = [waiting(n, "s:both", "s:1") for n in range(10)]
    await holding.learn(unit, [belongs("s:both", "a"), belongs("s:both", "b")])
    await holding.take(unit, [*stuck, waiting(99, "s:1")])
    await holding.learn(unit, [belongs("s:1", "acme")])
    assert await replayed(holding, unit) == Outcome(1, 10, 0)


@given(STEPS)
async def test_no_event_is_lost_doubled_guessed_or_left_behind(steps: list[Any]) -> None:
    holding, unit = Holding(ManualClock(), events_per_round_max=2), FakeUnit()
    taken = 0
    for step in steps:
        match step:
            case ("learn" | "forget") as kind, lookup, account:
                await holding.learn(unit, [belongs(f"s:{lookup}", account, yes=kind == "learn")])
            case "event", lookups:
                await holding.take(unit, [waiting(taken, *(f"s:{one}" for one in lookups))])
                taken += 1
            case _:
                await holding.replay(unit)
    await replayed(holding, unit)
    known = await unit.accounts_of({"s:x", "s:y", "s:z"})
    assert len(unit.said) + len(unit.kept) == taken
    assert len({one.said_id for one in unit.said}) == len(unit.said)
    assert all(chosen(one.event.lookups, known).reason for one in unit.kept.values())


async def test_what_belongs_to_an_erased_account_goes_nowhere(holding: Holding) -> None:
    unit = FakeUnit()
    unit.erased = Graves({"acme": 5_000})
    await holding.learn(unit, [belongs("s:1", "acme", at_ms=5_000 + GRACE_MS + 1)])
    assert await holding.take(unit, [waiting(1, "s:1", held_ms=5_000 + GRACE_MS)]) == Outcome(0, 0, 1)
    event = waiting(2, "s:1", held_ms=5_000 + GRACE_MS + 1)
    assert await holding.take(unit, [event]) == Outcome(1, 0, 0)


async def test_a_pair_of_an_erased_account_that_comes_late_gets_a_tombstone(holding: Holding) -> None:
    unit = FakeUnit()
    unit.erased = Graves({"acme": 5_000})
    await holding.learn(unit, [belongs("s:1", "acme", at_ms=6_000)])
    assert unit.pairs == {}
    (said,) = unit.said
    assert (said.topic, pair_of(said.key.encode()), said.value) == ("identities", ("s:1", "acme"), b"")


async def test_an_erased_person_is_forgotten_at_that_account_and_not_at_others(holding: Holding) -> None:
    unit = FakeUnit()
    unit.erased = Graves({}, {PERSON: {"acme": 5_000}})
    await holding.learn(unit, [belongs(ACTOR, "acme", at_ms=6_000), belongs(ACTOR, "other", at_ms=6_000)])
    assert set(unit.pairs) == {(ACTOR, "other")}
    assert await holding.take(unit, [waiting(1, ACTOR, held_ms=5_000)]) == Outcome(0, 0, 1)
    assert await holding.take(unit, [waiting(2, ACTOR, held_ms=6_000)]) == Outcome(1, 0, 0)


def test_people_are_found_in_lookups_and_in_data() -> None:
    other = "p_" + "b" * 32
    event = waiting(1, ACTOR, "stripe:cus_1", data=msgspec.Raw(encode_json({"feature": "x", "actor": other})))
    assert set(event.people) == {PERSON, other}


def test_a_contact_keeps_its_own_key() -> None:
    data = msgspec.Raw(encode_json({"contact_id": PERSON, "account_id": "acme", "name": "Ann"}))
    said = released(waiting(1, "s:1", event_type="contact.updated", data=data), "acme")
    assert (said.topic, said.key) == ("contacts", PERSON)


def test_an_event_keeps_its_id_source_and_times() -> None:
    one = waiting(1, "s:1", traceparent="00-1", backfill=True)
    event = json.loads(released(one, "acme").value)
    assert (event["id"], event["source"], event["subject"]) == ("e0-1", "sdk", "acme")
    assert (event["time"], event["recordedtime"]) == (one.event.time, one.event.recordedtime)
    assert (event["traceparent"], event["backfill"]) == ("00-1", True)


@pytest.mark.parametrize(
    "wrong", [{"event_type": "no.such"}, {"data": msgspec.Raw(b'{"feature":7}')}, {"time": "yesterday"}]
)
def test_what_could_never_become_a_record_is_not_held(wrong: dict[str, Any]) -> None:
    assert is_releasable(waiting(1).event)
    assert not is_releasable(waiting(1, **wrong).event)


@pytest.mark.parametrize("key", [None, b"", b"acme", b"s:1\n", b"\nacme"])
def test_a_key_that_names_no_pair_is_none(key: bytes | None) -> None:
    assert pair_of(key) is None
