"""What the engine is handed: refusals with their reasons, and records with derived ids."""

import pytest
from truenorth import codec
from truenorth.definitions.model import Bundle
from truenorth.definitions.parse import load_directory
from truenorth.errors import PoisonError, RefusedError
from truenorth.events.inputs import AccountUpdated
from truenorth.kafka import Record
from truenorth.kafka.dead_letters import letter
from truenorth.streams.processor import Item
from truenorth.topics import HEALTH_SOURCES, full_name
from truenorth_health.adapters.processor import BEHIND_RETRY_MS, AccountProcessor, CompiledDefinitions
from truenorth_health.worker import dead_letter_reader

from tests.e2e.platform import REPOSITORY

NOW_MS = 1_790_000_000_000
ACCOUNTS = HEALTH_SOURCES.index("accounts")
OFFSETS = [7 if source == ACCOUNTS else -1 for source in range(len(HEALTH_SOURCES))]
DEFINITIONS = load_directory(REPOSITORY / "config")


def processor(ordinal: int = 1) -> AccountProcessor:
    def current() -> Bundle | None:
        return Bundle("0" * 12, ordinal, NOW_MS, DEFINITIONS)

    return AccountProcessor(CompiledDefinitions(current))


def facts(key: bytes | None = b"acme", value: bytes | None = None) -> Record:
    payload = AccountUpdated(name="Acme", owner_id="dana")
    encoded = codec.encode(payload, event_id="e", source="app", account="acme", time_ms=NOW_MS)
    return Record(full_name("accounts"), 0, 7, key, value or encoded, NOW_MS)


@pytest.mark.parametrize("key", [None, b"other", b"\xff"])
def test_a_record_under_another_key_is_poison(key: bytes | None) -> None:
    with pytest.raises(PoisonError):
        processor().decode(ACCOUNTS, facts(key))


def test_a_tombstone_is_poison() -> None:
    with pytest.raises(PoisonError):
        processor().decode(ACCOUNTS, facts()._replace(value=None))


def test_what_is_no_event_is_refused_with_its_field() -> None:
    with pytest.raises(RefusedError) as refused:
        processor().decode(ACCOUNTS, facts(value=b'{"id": "1"}'))
    assert refused.value.code == "envelope_invalid"


def test_the_same_decision_has_the_same_ids() -> None:
    def outputs() -> list[bytes | None]:
        one = processor()
        account, _, event = one.decode(ACCOUNTS, facts())
        state = one.load(account, {})
        one.fold(state, ACCOUNTS, [Item(facts(), None, event)])
        return [output.value for output in one.decide(state, OFFSETS, NOW_MS).outputs]

    assert outputs() == outputs()
    assert outputs() != []


def test_a_worker_with_older_definitions_waits() -> None:
    newer, older = processor(2), processor(1)
    account, _, event = newer.decode(ACCOUNTS, facts())
    state = newer.load(account, {})
    newer.fold(state, ACCOUNTS, [Item(facts(), None, event)])
    assert newer.decide(state, OFFSETS, NOW_MS).outputs
    again = older.load(account, dict(newer.dump(state)))
    decision = older.decide(again, OFFSETS, NOW_MS + 5_000)
    assert (list(decision.outputs), decision.next_due_ms) == ([], NOW_MS + 5_000 + BEHIND_RETRY_MS)


@pytest.mark.parametrize("value", [b"garbage", None, b"[]", b"{}"])
def test_what_is_no_dead_letter_is_counted_as_unreadable(value: bytes | None) -> None:
    assert dead_letter_reader(value) == "unreadable"


def test_a_dead_letter_is_counted_by_who_parked_it() -> None:
    assert dead_letter_reader(letter(facts(), reader="notify", reason="no", now_ms=NOW_MS)) == "notify"
