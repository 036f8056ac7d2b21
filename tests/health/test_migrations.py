"""State that version 1 of the program wrote says the same in today's version."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any, Final

import pytest
from truenorth.errors import HaltError
from truenorth.events import inputs, people
from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.domain.facts import merge
from truenorth_health.domain.migrations import migrate
from truenorth_health.domain.signals import Signals
from truenorth_health.domain.state import SCHEMA, AccountState, dump, load
from truenorth_health.domain.verify import unreadable

from tests.health.builders import DAY, NOON, Book, compiled, support_card

WRITTEN: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "state_v1.json").read_text())
"""One account of every family, as version 1 stored it at NOON, with what it made of it."""


def stored() -> dict[str, bytes]:
    return {name: b64decode(text) for name, text in WRITTEN["parts"].items()}


def signals(state: AccountState, at_ms: int = NOON) -> Signals:
    facts = merge(state, at_ms)
    return Signals(state, facts, compiled(support_card()).entitled(facts))


def migrated() -> AccountState:
    return load("acme", migrate(stored(), 1))


def test_every_signal_that_version_1_knew_says_the_same() -> None:
    found = signals(migrated())
    assert {name: found.get(name) for name in WRITTEN["signals"]} == WRITTEN["signals"]
    facts = merge(migrated(), NOON)
    assert (facts.arr, facts.seats, facts.plan) == (12_000, 20, "Pro")


def test_what_version_1_kept_counts_in_the_new_signals_as_well() -> None:
    found = signals(migrated())
    assert found.get("champion_gone") == 1
    assert found.get("contacts_left_90d") == 1
    assert found.get("days_since_champion") == 21
    assert found.get("days_since_review") == 33
    assert found.get("nps_champion") == 4
    assert found.get("ces_90d") == 6
    assert found.get("renewal_intent") == 4
    assert found.get("usage_fit") == 0.5
    assert found.get("seats_change_90d") == -20
    assert found.get("tickets_reopened_28d") == 1
    assert found.get("resolution_hours_28d") == 48
    assert signals(migrated(), NOON + 180 * DAY).get("usage_fit") is None


def test_a_migrated_state_is_one_of_today() -> None:
    parts = migrate(stored(), 1)
    assert list(unreadable(parts)) == []
    one = Book(compiled(support_card()))
    one.state = load("acme", parts)
    one.tell(inputs.TicketSolved("t1"), NOON)
    one.tell(inputs.SubscriptionChanged("s1", seats=40), NOON)
    one.tell(inputs.SurveyAnswered("ces", 2.0), NOON)
    one.tell(inputs.EngagementHeld("call", role="sponsor"), NOON)
    one.tell(people.EssentialSet("dana", 5), NOON)
    again = signals(load("acme", dump(one.state)))
    assert [again.get(name) for name in ("open_tickets", "seats", "ces_90d", "days_since_sponsor", "essential")] == [
        *(1, 40, 4, 0, 5)
    ]


def test_todays_version_and_parts_that_did_not_change_stay_as_they_are() -> None:
    assert migrate(stored(), SCHEMA) == stored()
    assert migrate({"path": b"x"}, 1) == {"path": b"x"}
    assert migrate({}, 1) == {}


def test_the_engine_hands_older_accounts_here() -> None:
    processor = AccountProcessor(CompiledDefinitions(lambda: None))
    assert processor.schema == SCHEMA
    assert processor.migrate(stored(), 1) == migrate(stored(), 1)


@pytest.mark.parametrize("schema", [0, SCHEMA + 1])
def test_a_version_that_nobody_wrote_is_refused(schema: int) -> None:
    with pytest.raises(HaltError, match="not known"):
        migrate({}, schema)
