"""Whatever bytes arrive, the answer is a whole one: taken, or a problem that says why."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.doubles import Edge, usage

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


async def check(body: bytes, headers: dict[str, str]) -> None:
    edge = Edge()
    answer = await edge.post(body, **headers)
    told: Any = answer.json()
    if answer.status_code == 200:
        assert told["success"] is True
        assert told["accepted"] + len(told["rejected"]) >= 0
        assert all(refusal["code"] and refusal["message"] for refusal in told["rejected"])
        assert len(edge.log.records) == told["accepted"] + len(told["rejected"])
    else:
        assert 400 <= answer.status_code < 500
        assert told["code"]
        assert told["message"]
        assert told["status"] == answer.status_code
        assert edge.log.records == []


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
