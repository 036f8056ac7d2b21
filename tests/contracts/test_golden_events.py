"""The bytes of every event type are pinned: what was written once must be read, and written, the same for ever.

Each line of ``golden/events.jsonl`` is the record value of one event type with all its fields given; each line
of ``golden/events-minimal.jsonl`` has only what is required. Fields are only added: what was pinned before a field
was added stays in ``golden/events-before.jsonl`` and is read for ever. No line there, and no minimal one, changes.
"""

from pathlib import Path

import msgspec
import pytest
from truenorth.codec import encode, parse_event
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE

from tests.contracts.examples import event_of, examples, minimal_of

GOLDEN = Path(__file__).parent / "golden"
BEFORE = (GOLDEN / "events-before.jsonl").read_bytes().splitlines()


def pinned(name: str) -> dict[str, bytes]:
    lines = (GOLDEN / name).read_bytes().splitlines()
    return {msgspec.json.decode(line)["type"]: line for line in lines}


FULL = pinned("events.jsonl")
MINIMAL = pinned("events-minimal.jsonl")


def test_every_event_type_is_pinned() -> None:
    assert FULL.keys() == MINIMAL.keys() == CATALOGUE.keys()


@pytest.mark.parametrize("line", BEFORE, ids=lambda line: msgspec.json.decode(line)["type"])
def test_what_was_written_before_a_field_was_added_is_read_whole(line: bytes) -> None:
    said = msgspec.json.decode(line)["data"]
    read = msgspec.to_builtins(parse_event(line).data)
    assert within(said, read)


def within(said: object, read: object) -> bool:
    """Whether all that was said is there again; what is more was added since."""
    if isinstance(said, dict) and isinstance(read, dict):
        return all(name in read and within(value, read[name]) for name, value in said.items())
    if isinstance(said, list) and isinstance(read, list | tuple):
        return len(said) == len(read) and all(within(*pair) for pair in zip(said, read, strict=True))
    return said == read


@pytest.mark.parametrize("event_type", list(CATALOGUE))
def test_an_event_is_written_with_the_pinned_bytes(event_type: str) -> None:
    assert event_of(event_type, examples(CATALOGUE[event_type])) == FULL[event_type]


@pytest.mark.parametrize("event_type", list(CATALOGUE))
def test_the_pinned_bytes_are_read_as_the_event(event_type: str) -> None:
    event = parse_event(FULL[event_type])
    assert event.type == event_type
    assert event.data == examples(CATALOGUE[event_type])
    assert (event.time_ms, event.recorded_ms, event.backfill) == (1_763_802_300_123, 1_763_802_300_456, True)


@pytest.mark.parametrize("event_type", list(CATALOGUE))
def test_an_event_with_only_what_is_required_stays_readable(event_type: str) -> None:
    assert parse_event(MINIMAL[event_type]).data == minimal_of(CATALOGUE[event_type])


@pytest.mark.parametrize("event_type", list(CATALOGUE))
def test_a_field_of_a_later_version_is_ignored(event_type: str) -> None:
    envelope = msgspec.json.decode(FULL[event_type])
    envelope["data"]["added_later"] = {"anything": 1}
    envelope["alsolater"] = "x"
    assert parse_event(msgspec.json.encode(envelope)).data == examples(CATALOGUE[event_type])


def test_an_unknown_type_is_refused_by_name() -> None:
    value = FULL["usage.recorded"].replace(b"usage.recorded", b"usage.invented")
    with pytest.raises(RefusedError, match=r"usage\.invented"):
        parse_event(value)


def test_encoding_again_what_was_read_gives_the_same_bytes() -> None:
    for value in FULL.values():
        event = parse_event(value)
        again = encode(
            event.data,
            event_id=event.id,
            source=event.source,
            account=event.account,
            time_ms=event.time_ms,
            recorded_ms=event.recorded_ms,
            backfill=event.backfill,
            traceparent=event.traceparent,
        )
        assert again == value
