"""Whatever bytes arrive, the answer is a whole one: taken, or a problem that says why."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth.errors import RefusedError
from truenorth_ingest.domain.keys import SCOPES
from truenorth_ingest.domain.uploads import Format, reader_of

from tests.ingest.doubles import KEY, Edge, stored_key, usage
from tests.ingest.test_uploads import worker_of

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
_events = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["usage.recorded", "ticket.opened", "contact.updated", "health.day"]) | _json,
        "subject": st.text(max_size=140) | _json,
        "id": _json,
        "source": _json,
        "time": st.sampled_from(["0001-01-01", "9999-12-31T23:59:59+14:00", "2025-01-01"]) | _json,
        "data": st.fixed_dictionaries({}, optional={"feature": _json, "count": _json, "actor": _json}) | _json,
        "backfill": _json,
        "traceparent": _json,
    },
)
_headers = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(["application/cloudevents+json", "application/cloudevents-batch+json", "x"]),
        "content-encoding": st.sampled_from(["gzip", "identity", "br"]),
        "ce-type": st.sampled_from(["usage.recorded", "%ff", "%"]),
        "ce-subject": st.sampled_from(["a", "%C3%B6", "%zz"]),
    },
)


_id = st.sampled_from(["u-1", "acct-1", "", 7]) | _json
_calls = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["track", "identify", "group", "page", "screen", "alias"]) | _json,
        "userId": _id,
        "anonymousId": _id,
        "groupId": _id,
        "previousId": _id,
        "messageId": _id,
        "event": st.text(max_size=140) | _json,
        "name": _json,
        "timestamp": st.sampled_from(["0001-01-01", "9999-12-31T23:59:59+14:00", "2025-01-01"]) | _json,
        "originalTimestamp": st.sampled_from(["2025-01-01", "1969-01-01T00:00:00Z"]) | _json,
        "sentAt": st.sampled_from(["2025-01-01", "9999-12-31T23:59:59Z"]) | _json,
        "properties": st.fixed_dictionaries({}, optional={"groupId": _id, "plan": _json}) | _json,
        "traits": st.fixed_dictionaries({}, optional={"accountId": _id, "email": _json, "name": _json}) | _json,
        "context": st.fixed_dictionaries({}, optional={"groupId": _id, "traits": _json}) | _json,
        "writeKey": st.sampled_from([KEY, "no"]) | _json,
    },
)
_batches = st.fixed_dictionaries(
    {"batch": st.lists(_calls | _json, max_size=3) | _json},
    optional={"sentAt": _json, "context": _json, "writeKey": st.sampled_from([KEY, "no"]) | _json},
)
_roads = st.sampled_from(["/v1/batch", "/v1/track", "/v1/identify", "/v1/group", "/v1/page", "/v1/alias"])
_cells = st.text(st.sampled_from(list('ab1",;\n\r\t .|')), max_size=60)
_files = (
    _cells.map(lambda rows: f"account_id,name,trial,arr_major,modules\na,{rows}\nb,Bee,,,\n".encode())
    | st.lists(_calls | _json, max_size=4).map(lambda lines: "\n".join(map(json.dumps, lines)).encode())
    | st.binary(max_size=200)
)


QUARANTINE = "truenorth.quarantine.v1"


async def check(body: bytes, headers: dict[str, str], path: str = "/v1/events") -> None:
    edge = Edge()
    answer = await edge.post(body, path=path, **headers)
    told: Any = answer.json()
    if answer.status_code == 200:
        assert told["success"] is True
        assert told["accepted"] + len(told["rejected"]) >= 0
        assert all(refusal["code"] and refusal["message"] for refusal in told["rejected"])
        if path == "/v1/events":
            assert len(edge.log.records) == told["accepted"] + len(told["rejected"])
    else:
        assert 400 <= answer.status_code < 500
        assert told["code"]
        assert told["message"]
        assert told["status"] == answer.status_code
        assert {record.topic for record in edge.log.records} <= {QUARANTINE}
        assert len(edge.log.records) == len(told.get("rejected", ()))


@given(body=st.binary(max_size=400), headers=_headers)
@settings(max_examples=200, deadline=None)
async def test_any_bytes_get_a_whole_answer(body: bytes, headers: dict[str, str]) -> None:
    await check(body, headers)


@given(events=st.lists(_events, max_size=3) | _events, headers=_headers)
@settings(max_examples=300, deadline=None)
async def test_any_json_gets_a_whole_answer(events: Any, headers: dict[str, str]) -> None:
    await check(json.dumps(events).encode(), headers)


@given(cut=st.integers(0, 200), junk=st.binary(max_size=4))
@settings(max_examples=100, deadline=None)
async def test_a_damaged_event_gets_a_whole_answer(cut: int, junk: bytes) -> None:
    whole = json.dumps([usage()]).encode()
    await check(whole[:cut] + junk + whole[cut:], {})


@given(calls=_batches | _calls | _json, path=_roads, headers=_headers)
@settings(max_examples=100, deadline=None)
async def test_any_calls_get_a_whole_answer(calls: Any, path: str, headers: dict[str, str]) -> None:
    await check(json.dumps(calls).encode(), headers, path)


@given(body=st.binary(max_size=400), path=_roads, headers=_headers)
@settings(max_examples=50, deadline=None)
async def test_any_bytes_as_calls_get_a_whole_answer(body: bytes, path: str, headers: dict[str, str]) -> None:
    await check(body, headers, path)


@given(
    content=_files,
    kind=st.sampled_from(["accounts", "events"]),
    form=st.sampled_from(["csv", "ndjson"]),
    backfill=st.booleans(),
)
@settings(max_examples=100, deadline=None)
async def test_any_file_is_refused_as_a_whole_or_done_row_by_row(
    content: bytes,
    kind: str,
    form: str,
    backfill: bool,
) -> None:
    edge = Edge()
    edge.keys.keys["key1"] = stored_key(scopes=frozenset(SCOPES))
    answer = await edge.post(content, path=f"/v1/uploads?kind={kind}&format={form}&backfill={str(backfill).lower()}")
    if answer.status_code != 202:
        assert answer.status_code in {400, 413, 422}
        assert answer.json()["code"]
        return
    assert await worker_of(edge).work()
    (upload,) = edge.uploads.known.values()
    assert upload.state in {"done", "failed"}
    assert bool(upload.problem) == (upload.state == "failed")
    assert len(edge.uploads.refused.get(upload.upload_id, [])) == upload.refused


@given(content=_files, cuts=st.lists(st.integers(0, 200), max_size=4), form=st.sampled_from(["csv", "ndjson"]))
@settings(max_examples=100, deadline=None)
def test_how_a_file_is_cut_into_chunks_changes_no_row(content: bytes, cuts: list[int], form: Format) -> None:
    def rows(*parts: bytes) -> list[tuple[Any, ...]]:
        reader = reader_of(form)
        found = [row for part in parts for row in reader.feed(part)] + list(reader.end())
        numbers = [row.number for row in found]
        assert numbers == sorted(set(numbers))
        return [(row.number, row.last, row.raw, row.cells, row.error and row.error.code) for row in found]

    places = sorted(min(cut, len(content)) for cut in cuts)
    parts = [content[a:b] for a, b in zip([0, *places], [*places, len(content)], strict=True)]
    try:
        whole = rows(content)
    except RefusedError as refusal:
        with pytest.raises(RefusedError, match=refusal.message):
            rows(*parts)
        return
    assert rows(*parts) == whole
