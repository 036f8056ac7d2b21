from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth import codec
from truenorth.clock import to_millis
from truenorth.errors import RefusedError
from truenorth.events.inputs import UsageRecorded

MOMENT_MS = to_millis(datetime(2026, 11, 22, 9, 5, 0, 123_000, tzinfo=UTC))


def record(**changes: object) -> bytes:
    fields = {
        "id": "e1",
        "source": "app",
        "type": "usage.recorded",
        "subject": "acme",
        "time": "2026-11-22T09:05:00.123Z",
        "data": {"feature": "export"},
    }
    return codec.encode_json(fields | changes)


@given(time_ms=st.integers(0, 4_102_444_800_000), backfill=st.booleans(), count=st.integers(1, 10**9))
def test_an_encoded_event_reads_back_the_same(time_ms: int, backfill: bool, count: int) -> None:
    payload = UsageRecorded(feature="export", actor="a1", count=count)
    value = codec.encode(payload, event_id="e1", source="app", account="acme", time_ms=time_ms, backfill=backfill)
    event = codec.parse_event(value)
    assert (event.data, event.time_ms, event.recorded_ms, event.backfill) == (payload, time_ms, time_ms, backfill)


@pytest.mark.parametrize(
    "text", ["2026-11-22T09:05:00.123Z", "2026-11-22T10:05:00.123+01:00", "2026-11-22T09:05:00.123"]
)
def test_a_time_is_utc_unless_it_names_a_zone(text: str) -> None:
    assert codec.parse_event(record(time=text)).time_ms == MOMENT_MS


def test_a_bare_date_is_its_first_moment() -> None:
    assert codec.parse_event(record(time="2026-11-22")).time_ms == MOMENT_MS - (9 * 3600 + 300) * 1000 - 123


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"time": "yesterday"}, "time_unreadable", "time"),
        ({"type": "usage.wished"}, "type_unknown", "type"),
        ({"data": {}}, "data_invalid", "data.feature"),
        ({"data": {"feature": "x", "count": 0}}, "data_invalid", "data.count"),
        ({"subject": 7}, "envelope_invalid", "subject"),
    ],
)
def test_a_refusal_names_code_and_field(changes: dict[str, object], code: str, field: str) -> None:
    with pytest.raises(RefusedError) as refused:
        codec.parse_event(record(**changes))
    assert (refused.value.code, refused.value.field) == (code, field)


def test_what_a_reader_does_not_know_is_ignored() -> None:
    assert codec.parse_event(record(data={"feature": "x", "colour": "blue"}, tenancy="eu")).data == UsageRecorded(
        feature="x"
    )
