"""What the edge accepts, what it makes of it, and how it refuses."""

import json
from datetime import UTC, timedelta, timezone
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth.clock import ManualClock, from_millis
from truenorth.codec import parse_event, parse_storable, parse_time, rfc3339
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE
from truenorth.events.inputs import UsageRecorded
from truenorth_ingest.domain.accepting import TYPES_TAKEN, Acceptor, Sender
from truenorth_ingest.domain.drafts import sealed
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.pseudonyms import Pseudonyms

from tests.ingest.doubles import PSEUDONYM_SECRET, usage

NOW_MS = ManualClock().now_ms()
TICKET = {"ticket_id": "1", "priority": "urgent"}
ANSWER = {"kind": "nps", "score": 9, "role": "boss"}
PEOPLE = Pseudonyms(PSEUDONYM_SECRET)


class Taken(NamedTuple):
    topic: str
    key: bytes | None
    value: bytes


def accept(event: Any) -> Taken:
    acceptor = Acceptor(limits=Limits(), pseudonyms=PEOPLE, new_id=lambda: "made")
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    draft = acceptor.accept(raw, 0, sender=Sender("key1", "backend key"), now_ms=NOW_MS)
    record = sealed(draft, draft.account, rfc3339(NOW_MS))
    assert record.value is not None
    return Taken(record.topic, record.key, record.value)


def refused(event: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        accept(event)
    return caught.value


def test_an_accepted_event_goes_to_its_familys_topic_under_its_account() -> None:
    record = accept(usage())
    assert (record.topic, record.key) == ("truenorth.usage.v1", b"acct-1")
    event = parse_event(record.value)
    assert (event.id, event.source, event.account) == ("e1", "backend", "acct-1")
    assert event.data == UsageRecorded(feature="export", count=2)
    assert event.recorded_ms == NOW_MS


def test_an_event_without_id_time_or_source_gets_them() -> None:
    event = parse_event(accept(usage(id=None, time=None, source=None)).value)
    assert (event.id, event.source, event.time_ms) == ("made", "key backend key", NOW_MS)


def test_a_time_in_the_future_is_clamped_and_a_little_ahead_is_kept() -> None:
    ahead = parse_event(accept(usage(time=rfc3339(NOW_MS + 6 * 60_000))).value)
    slightly = parse_event(accept(usage(time=rfc3339(NOW_MS + 4 * 60_000))).value)
    assert (ahead.time_ms, slightly.time_ms) == (NOW_MS, NOW_MS + 4 * 60_000)


@given(
    millis=st.integers(0, NOW_MS),
    zone=st.sampled_from([UTC, timezone(timedelta(hours=5))]),
    precision=st.sampled_from(["seconds", "milliseconds", "microseconds", "minutes"]),
    zulu=st.booleans(),
)
def test_every_way_to_write_a_time_means_the_same_moment(
    millis: int, zone: timezone, precision: str, zulu: bool
) -> None:
    text = from_millis(millis).astimezone(zone).isoformat(timespec=precision)
    text = text.replace("+00:00", "Z") if zulu else text
    written = json.loads(accept(usage(time=text)).value)["time"]
    assert written == rfc3339(parse_time(text))


def test_a_text_that_no_database_can_hold_is_refused() -> None:
    refusal = refused(usage(data={"feature": "a\x00b"}))
    assert (refusal.code, refusal.field) == ("data_invalid", "data")
    written = accept(usage(data={"feature": "a\\u0000b"}))
    assert parse_event(written.value).data == UsageRecorded(feature="a\\u0000b")


def test_numbers_as_ids_become_text() -> None:
    record = accept(usage(id=7, subject=1042))
    assert (parse_event(record.value).id, record.key) == ("7", b"1042")


def test_backfill_and_traceparent_pass_through() -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    event = parse_event(accept(usage(backfill=True, traceparent=trace)).value)
    assert (event.backfill, event.traceparent) == (True, trace)
    assert parse_event(accept(usage(backfill="true")).value).backfill


@pytest.mark.parametrize("given", ["00-\0-01", "00-a\n", "0" * 65])
def test_a_trace_that_no_reader_could_keep_costs_the_trace_and_not_the_event(given: str) -> None:
    taken = accept(usage(traceparent=given))
    assert parse_storable(taken.value).account == "acct-1"
    assert json.loads(taken.value).get("traceparent", "") == ""


def test_what_is_not_in_the_contract_never_reaches_a_topic() -> None:
    data = {"feature": "export", "email": "ann@example.org"}
    value = accept(usage(data=data, writeKey="tn_secret", api_key="x")).value
    assert b"ann@example.org" not in value
    assert b"tn_secret" not in value
    assert b"api_key" not in value


def test_every_person_travels_as_one_pseudonym_in_all_families() -> None:
    person = "ann@example.org"
    alias = PEOPLE.of(person)
    events = [
        usage(data={"feature": "x", "actor": person}),
        usage(type="survey.answered", data={"kind": "nps", "score": 9, "respondent": person}),
        usage(type="contact.left", data={"contact": person}),
        usage(type="contact.updated", data={"contact_id": person, "account_id": "acct-1"}),
        usage(type="erasure.requested", data={"kind": "actor", "subject_id": person}),
    ]
    for event in events:
        value = accept(event).value
        assert alias.encode() in value, event["type"]
        assert person.encode() not in value, event["type"]


def test_an_erased_account_keeps_its_own_id() -> None:
    value = accept(usage(type="erasure.requested", data={"kind": "account", "subject_id": "acct-1"})).value
    assert json.loads(value)["data"]["subject_id"] == "acct-1"


def test_a_contact_is_keyed_by_its_pseudonym() -> None:
    record = accept(usage(type="contact.updated", data={"contact_id": "c1", "account_id": "acct-1"}))
    assert (record.topic, record.key) == ("truenorth.contacts.v1", PEOPLE.of("c1").encode())


def test_pseudonyms_depend_on_the_secret() -> None:
    assert Pseudonyms("another secret of enough characters!").of("ann") != PEOPLE.of("ann")
    with pytest.raises(ValueError, match="32"):
        Pseudonyms("short")


def test_lenient_json_is_repaired() -> None:
    raw = b'{"type": "value.recorded", "subject": "a", "data": {"amount": 1, "unit": "h", "x": NaN, "y": "\\ud800"}}'
    assert accept(raw).key == b"a"


@pytest.mark.parametrize("event_type", sorted(set(CATALOGUE) - TYPES_TAKEN))
def test_our_own_words_are_not_taken_from_outside(event_type: str) -> None:
    refusal = refused(usage(type=event_type))
    assert (refusal.code, refusal.field) == ("type_not_accepted", "type")
    assert "itself" in refusal.message


@pytest.mark.parametrize(
    ("event", "code", "field", "cure"),
    [
        (usage(type="usage.recordet"), "type_not_accepted", "type", "did you mean usage.recorded"),
        (usage(type="zzz"), "type_not_accepted", "type", "docs/topics.md"),
        (usage(type=None), "type_missing", "type", "add it"),
        (usage(type=3), "event_invalid", "type", "Expected `str`"),
        (usage(subject=None), "subject_missing", "subject", "add it"),
        (usage(subject=""), "subject_missing", "subject", "add it"),
        (usage(subject="a" * 129), "subject_invalid", "subject", "128"),
        (usage(subject="a\nb"), "subject_invalid", "subject", "printable"),
        (usage(subject=" a"), "subject_invalid", "subject", "space"),
        (usage(subject=["a"]), "event_invalid", "subject", "Expected"),
        (usage(id="x" * 257), "id_invalid", "id", "256"),
        (usage(id="x\x00"), "id_invalid", "id", "printable"),
        (usage(source="x" * 257), "source_invalid", "source", "256"),
        (usage(time="yesterday"), "time_unreadable", "time", "2026-11-22T09:05:00Z"),
        (usage(time="1969-12-31T23:59:59Z"), "time_out_of_range", "time", "1970"),
        (usage(data={"count": 1}), "data_invalid", "data.feature", "add it"),
        (usage(data=None), "data_invalid", "data.feature", "add it"),
        (usage(data={"feature": "x", "count": 0}), "data_invalid", "data.count", ">= 1"),
        (usage(data=[1]), "data_invalid", "data", "Expected `object`"),
        (usage(type="ticket.opened", data=TICKET), "data_invalid", "data.priority", "p1, p2"),
        (usage(type="survey.answered", data=ANSWER), "data_invalid", "data.role", "champion"),
        (usage(data={"feature": "x" * 40_000}), "event_too_large", "", "32768"),
        (b"17", "event_invalid", "", "object"),
        (b"[]", "event_invalid", "", "object"),
        (b'{"data": ' + b"[" * 30_000, "event_invalid", "", "nested too deeply"),
    ],
)  # fmt: skip
def test_every_refusal_names_the_field_and_the_cure(event: Any, code: str, field: str, cure: str) -> None:
    refusal = refused(event)
    assert (refusal.code, refusal.field) == (code, field)
    assert cure in refusal.message
