"""Erasures in health: carried out and acknowledged once each, whatever is known of the account."""

from typing import Literal

import pytest
from truenorth import codec, erasures
from truenorth.definitions.model import Bundle
from truenorth.definitions.parse import load_directory
from truenorth.events import Event, inputs, people
from truenorth.kafka import Record
from truenorth.streams.processor import Item, Output
from truenorth.streams.records import NO_OFFSET
from truenorth.topics import HEALTH_SOURCES, full_name
from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.domain.fold import fold
from truenorth_health.domain.parts import Erasures
from truenorth_health.domain.state import AccountState, new_state

from tests.e2e.platform import REPOSITORY
from tests.health.builders import DAY, NOON, Book, compiled, event, source_of, support_card

DEFINITIONS = load_directory(REPOSITORY / "config")
DONE = full_name("erasures-done")


def processor(ordinal: int | None = 1) -> AccountProcessor:
    def current() -> Bundle | None:
        return None if ordinal is None else Bundle("0" * 12, ordinal, NOON, DEFINITIONS)

    return AccountProcessor(CompiledDefinitions(current))


def turn(one: AccountProcessor, state: AccountState, *events: Event, now_ms: int = NOON) -> list[Output]:
    for offset, each in enumerate(events):
        topic = full_name(HEALTH_SOURCES[source_of(each)])
        record = Record(topic, 0, offset, each.account.encode(), b"", now_ms)
        one.fold(state, source_of(each), [Item(record, None, each)])
    return list(one.decide(state, [NO_OFFSET] * len(HEALTH_SOURCES), now_ms).outputs)


def acknowledged(outputs: list[Output]) -> list[str]:
    return [
        codec.parse_event(output.value).data.request_id for output in outputs if output.topic == DONE and output.value
    ]


@pytest.mark.parametrize("kind", ["actor", "contact", "account"])
def test_a_request_about_an_account_nobody_knows_is_acknowledged(kind: Literal["actor", "contact", "account"]) -> None:
    request = event(people.ErasureRequested(kind, "acme"), NOON, "r")
    (said,) = [output for output in turn(processor(), new_state("acme"), request) if output.topic == DONE]
    assert said.key == b"acme"
    read = codec.parse_event(said.value or b"")
    expected_id, expected = erasures.acknowledgement(erasures.request_id(request), kind, "health")
    assert (read.id, read.data) == (expected_id, expected)


def test_several_requests_of_one_turn_are_each_acknowledged_once() -> None:
    one, state = processor(), new_state("acme")
    requests = [event(people.ErasureRequested("actor", f"p{number}"), NOON, f"r{number}") for number in range(3)]
    assert acknowledged(turn(one, state, *requests)) == [erasures.request_id(request) for request in requests]
    assert acknowledged(turn(one, state, now_ms=NOON + DAY)) == []


def test_a_request_repeated_after_days_does_nothing_and_is_not_answered_again() -> None:
    book = Book(compiled(support_card()))
    request = people.ErasureRequested("account", "acme")
    first = event(request, NOON, "same")
    fold(book.state, source_of(first), first, NOON)
    assert len(book.decide(NOON).acknowledged) == 1
    book.tell(inputs.AccountUpdated(name="New"), NOON + 3 * DAY)
    assert book.decide(NOON + 3 * DAY).snapshot is not None
    fold(book.state, source_of(first), first, NOON + 5 * DAY)
    again = book.decide(NOON + 5 * DAY)
    assert (again.acknowledged, again.tombstone) == ([], False)
    assert book.state.read(Erasures).account_ms == NOON


def test_a_request_is_carried_out_and_acknowledged_without_definitions() -> None:
    for ordinal in (None, 1):
        one, state = processor(2), new_state("acme")
        turn(one, state, event(inputs.AccountUpdated(name="Acme", owner_id="dana"), NOON, "f"))
        request = event(people.ErasureRequested("account", "acme"), NOON + DAY, "r")
        outputs = turn(processor(ordinal), state, request, now_ms=NOON + DAY)
        assert acknowledged(outputs) == [erasures.request_id(request)]
        assert Output(full_name("health"), b"acme", None) in outputs


def test_acknowledgements_are_not_among_what_health_reads() -> None:
    assert erasures.REQUESTS_TOPIC in HEALTH_SOURCES
    assert erasures.DONE_TOPIC not in HEALTH_SOURCES
