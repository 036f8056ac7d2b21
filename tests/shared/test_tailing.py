"""A record of any topic, as a line for people and as JSON."""

from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from truenorth import codec
from truenorth.commands.tail import tail
from truenorth.definitions.bundle import encode_bundle, encode_current, make_bundle
from truenorth.definitions.model import Definitions
from truenorth.events.inputs import UsageRecorded
from truenorth.kafka import Record
from truenorth.kafka.dead_letters import letter
from truenorth.samples.decoding import account_of, decoded, installed_description, size_of_part
from truenorth.samples.tailing import as_json_line, as_text
from truenorth.streams.processor import Item
from truenorth.streams.records import (
    OPEN_KEY,
    OWN_PART,
    POSITION_KEY,
    OpenMark,
    Position,
    encode_control,
    encode_own,
    entry_key,
)
from truenorth.streams.seen import SeenRing
from truenorth.streams.seen_ids import EARLY
from truenorth.topics import TOPICS, full_name
from truenorth_health.domain.parts import Tickets
from truenorth_health.domain.path import Path

NOW_MS = 1_790_000_000_000
HEAD = "2026-09-21T14:13:20.000Z 3/7"


def record(topic: str, key: bytes | None, value: bytes | None) -> Record:
    return Record(full_name(topic), 3, 7, key, value, NOW_MS)


def changelog(part: str, value: bytes | None, *, account: str = "acme") -> Record:
    return record("health-changelog", entry_key(account, part), value)


def usage(**more: Any) -> bytes:
    payload = UsageRecorded("board", actor="ann", module="a very long name of a module that nobody would ever read")
    return codec.encode(payload, event_id="e1", source="app", account="acme", time_ms=NOW_MS, **more)


def test_an_event_shows_its_type_and_fields_and_cuts_long_ones() -> None:
    line = as_text(record("usage", b"acme", usage()), size_of_part)
    assert line.startswith(f"{HEAD} acme usage.recorded feature=board")
    assert "actor=ann" in line
    assert "module=a very long name of a module that nobody would e…" in line
    assert " (history) " in as_text(record("usage", b"acme", usage(backfill=True)), size_of_part)


def test_json_has_everything() -> None:
    line = msgspec.json.decode(as_json_line(record("usage", b"acme", usage()), size_of_part))
    assert (line["partition"], line["offset"], line["key"]) == (3, 7, "acme")
    assert line["value"]["data"]["module"].endswith("would ever read")


def test_a_tombstone_says_so() -> None:
    assert as_text(record("contacts", b"c1", None), size_of_part) == f"{HEAD} c1 (deleted)"
    assert as_text(changelog("tickets", None), size_of_part) == f"{HEAD} acme/tickets tickets (deleted)"
    assert msgspec.json.decode(as_json_line(record("health", b"acme", None), size_of_part))["value"] is None


def test_the_changelogs_own_records_are_told_by_name() -> None:
    position = encode_control(Position(4, {full_name("usage"): 12}, NOW_MS, "abc"))
    line = as_text(record("health-changelog", POSITION_KEY, position), size_of_part)
    assert line.startswith(f"{HEAD} position flush=4 sources=")
    mark = encode_control(OpenMark("worker-1", NOW_MS))
    opened = as_text(record("health-changelog", OPEN_KEY, mark), size_of_part)
    assert opened == f"{HEAD} open mark owner=worker-1 opened_ms={NOW_MS}"


def test_the_own_part_names_its_sources_and_its_core() -> None:
    own = encode_own(
        [9, -1, 4, -1, -1, -1, -1, -1], NOW_MS, schema=1, core=msgspec.msgpack.encode(Path(band="red", number=3))
    )
    told = decoded(changelog(OWN_PART, own), installed_description())
    assert told.kind == "account"
    assert isinstance(told.fields, dict)
    assert told.fields["offsets"] == {"usage": 9, "billing": 4}
    assert told.fields["next_due"] == "2026-09-21T14:13:20.000Z"
    assert (told.fields["core"]["band"], told.fields["core"]["number"]) == ("red", 3)
    assert decoded(changelog(OWN_PART, own), size_of_part).kind == "account"


def test_a_part_of_the_state_is_described_by_its_distribution_or_by_its_size() -> None:
    value = msgspec.msgpack.encode(Tickets(over=2))
    described = as_text(changelog("tickets", value), installed_description())
    assert described == f"{HEAD} acme/tickets tickets by_id={{}} newest_ms=0 over=2"
    assert as_text(changelog("tickets", value), size_of_part).endswith(f"tickets bytes={len(value)}")


def test_seen_ids_are_counted() -> None:
    ring = SeenRing()
    ring.fresh(Item(record("usage", b"acme", None), bytes([number]) * 8, None) for number in range(5))
    told = decoded(changelog("\x010.0", bytes(ring.pages[0])), size_of_part)
    assert told.kind == "seen ids of usage, page 0"
    assert isinstance(told.fields, dict)
    assert (told.fields["accepted"], told.fields["newest"]) == (5, "2026-09-21T14:13:20.000Z")
    assert as_text(changelog(EARLY, b"17"), size_of_part).endswith("ids that left early count=17")


@pytest.mark.parametrize("part", [OWN_PART, "tickets", EARLY])
def test_what_cannot_be_read_is_said_to_be_so(part: str) -> None:
    assert "unreadable=" in as_text(changelog(part, b"\xc1"), installed_description())


def test_a_dead_letter_shows_where_it_came_from_and_why() -> None:
    dead = letter(record("usage", b"acme", b'{"id":1}'), reader="health", reason="no event", now_ms=NOW_MS)
    line = as_text(record("dead-letters", b"acme", dead), size_of_part)
    assert f"from={full_name('usage')} 3/7 reader=health reason=no event" in line
    assert 'held={"id":1}' in line


def test_definitions_are_counted_and_not_printed() -> None:
    bundle = make_bundle(Definitions(), ordinal=2, applied_ms=NOW_MS)
    key, value = encode_bundle(bundle)
    line = as_text(record("definitions", key, value), size_of_part)
    assert f"bundle hash={bundle.hash} ordinal=2 applied=2026-09-21" in line
    key, value = encode_current(bundle)
    assert f"current in force hash={bundle.hash}" in as_text(record("definitions", key, value), size_of_part)


def test_what_is_no_json_is_given_as_text() -> None:
    assert as_text(record("usage", None, b"\xff no"), size_of_part) == f"{HEAD} \ufffd no"
    assert as_text(record("quarantine", None, b'{"code":"type_unknown"}'), size_of_part) == f"{HEAD} code=type_unknown"


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
@pytest.mark.parametrize("value", [None, b"", b"{}", b"[]", b"\xc1\xff", b"7"])
def test_nothing_on_any_topic_breaks_it(topic: str, value: bytes | None) -> None:
    for key in (None, b"", b"acme", b"\xff", b"acme\x1f\x01x.y"):
        one = record(topic, key, value)
        assert as_text(one, installed_description())
        assert msgspec.json.decode(as_json_line(one, installed_description()))
        account_of(one)


def test_records_are_told_apart_by_account() -> None:
    assert account_of(record("usage", b"acme", usage())) == "acme"
    assert account_of(record("contacts", b"c1", usage())) == "acme"
    assert account_of(changelog("tickets", b"1")) == "acme"
    assert account_of(record("health-changelog", POSITION_KEY, b"{}")) is None
    assert account_of(record("health", b"acme", None)) == "acme"
    assert account_of(record("definitions", b"0" * 12, b"{}")) is None


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["usage", "--offset", "3"], ["usage", "--partition", "1", "--offset", "3", "--from-start"]],
)
def test_wrong_use_is_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(tail, arguments).exit_code == 2
