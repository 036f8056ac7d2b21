"""Verify must stay silent on a true state, and must not on any other."""

from collections.abc import AsyncGenerator

import pytest
from truenorth import codec
from truenorth.definitions.model import Bundle
from truenorth.events.inputs import AccountUpdated, UsageRecorded
from truenorth.events.payload import PayloadStruct
from truenorth.kafka import Record
from truenorth.streams.records import OWN_PART, POSITION_KEY, Position, encode_control, encode_own, entry_key
from truenorth.topics import HEALTH_SOURCES, full_name
from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.adapters.verifier import PartitionReport, Verifier
from truenorth_health.domain.fold import fold
from truenorth_health.domain.state import dump, new_state

NOW_MS = 1_790_000_000_000
USAGE, ACCOUNTS = HEALTH_SOURCES.index("usage"), HEALTH_SOURCES.index("accounts")


def no_definitions() -> Bundle | None:
    return None


def record(source: int, offset: int, payload: PayloadStruct, *, account: str = "acme") -> Record:
    value = codec.encode(payload, event_id=f"{source}-{offset}", source="app", account=account, time_ms=NOW_MS)
    return Record(full_name(HEALTH_SOURCES[source]), 0, offset, account.encode(), value, NOW_MS)


class Log:
    """One partition of every topic, in memory: sources as given, a changelog as the engine writes it."""

    def __init__(self, inputs: list[Record]) -> None:
        self.inputs = inputs
        self.parts: dict[str, bytes] = {}
        state = new_state("acme")
        for item in inputs:
            source = HEALTH_SOURCES.index(item.topic.split(".")[1])
            assert item.value is not None
            fold(state, source, codec.parse_event(item.value), item.offset, item.timestamp_ms)
        self.parts = dump(state)
        self.positions = {full_name(name): 0 for name in HEALTH_SOURCES}
        for item in inputs:
            self.positions[item.topic] = item.offset + 1

    async def read(self, topic: str, _partition: int) -> AsyncGenerator[Record, None]:
        if topic == full_name("health-changelog"):
            rows = [(entry_key("acme", name), value) for name, value in self.parts.items()]
            rows.append((entry_key("acme", OWN_PART), encode_own({USAGE: 1}, None)))
            rows.append((POSITION_KEY, encode_control(Position(1, self.positions))))
            for offset, (key, value) in enumerate(rows):
                yield Record(topic, 0, offset, key, value, NOW_MS)
        for item in self.inputs:
            if item.topic == topic:
                yield item

    async def verified(self) -> PartitionReport:
        return await Verifier(self.read, AccountProcessor(CompiledDefinitions(no_definitions))).partition(0)


@pytest.fixture
def log() -> Log:
    return Log(
        [
            record(ACCOUNTS, 0, AccountUpdated(name="Acme")),
            record(USAGE, 0, UsageRecorded(feature="export", actor="a1")),
            record(USAGE, 1, UsageRecorded(feature="import", actor="a2", count=3)),
        ]
    )


async def test_a_true_state_has_no_differences(log: Log) -> None:
    report = await log.verified()
    assert (report.accounts, report.events, report.differences) == (1, 3, [])


async def test_an_event_that_was_not_folded_is_found(log: Log) -> None:
    log.inputs.append(record(USAGE, 2, UsageRecorded(feature="export", actor="a3")))
    log.positions[full_name("usage")] = 3
    report = await log.verified()
    assert any(difference.field == "usage.events" for difference in report.differences)
    assert {difference.account for difference in report.differences} == {"acme"}
    assert report.differences[0].offsets == {"usage": 1}


async def test_an_event_beyond_the_position_is_not_expected(log: Log) -> None:
    log.inputs.append(record(USAGE, 2, UsageRecorded(feature="export", actor="a3")))
    assert (await log.verified()).differences == []


async def test_an_account_that_is_stored_but_never_happened_is_found(log: Log) -> None:
    log.inputs = [item for item in log.inputs if item.topic != full_name("accounts")]
    log.positions[full_name("accounts")] = 0
    assert any(difference.field.startswith("accounts.") for difference in (await log.verified()).differences)


async def test_a_lost_account_is_found(log: Log) -> None:
    log.parts = {}
    assert (await log.verified()).differences != []


async def test_a_record_no_one_can_read_is_a_dead_letter_here_too(log: Log) -> None:
    log.inputs.append(Record(full_name("usage"), 0, 2, b"acme", b"{}", NOW_MS))
    log.positions[full_name("usage")] = 3
    report = await log.verified()
    assert (report.dead_letters, report.differences) == (1, [])
