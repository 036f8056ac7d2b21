"""The HTTP surface, whole, over doubles."""

import asyncio
import gzip
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from truenorth_ingest.domain.accepting import TYPES_TAKEN
from truenorth_ingest.domain.keys import written
from truenorth_ingest.ports import OutgoingRecord

from tests.ingest.doubles import KEY, Edge, basic, gzipped, stored_key, usage

BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"


@pytest.fixture
def edge() -> Edge:
    return Edge()


async def test_a_structured_event_is_taken_and_told(edge: Edge) -> None:
    answer = await edge.post(usage(), content_type=STRUCTURED)
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "accepted": 1, "rejected": []}
    assert [value["id"] for value in edge.log.values("usage")] == ["e1"]


@pytest.mark.parametrize("kind", [BATCH, f"{BATCH}; charset=utf-8", "application/json", "text/plain", ""])
async def test_a_batch_is_taken_whatever_the_content_type_says(edge: Edge, kind: str) -> None:
    answer = await edge.post([usage(id="a"), usage(id="b")], content_type=kind)
    assert answer.json()["accepted"] == 2


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
async def test_one_event_is_taken_whatever_the_content_type_says(edge: Edge, kind: str) -> None:
    assert (await edge.post(usage(), content_type=kind)).json()["accepted"] == 1


async def test_a_binary_mode_event_is_taken(edge: Edge) -> None:
    headers = {"ce-type": "usage.recorded", "ce-subject": "K%C3%B6ln%20AG", "ce-id": "9", "ce-source": "s"}
    answer = await edge.post({"feature": "x"}, content_type="application/json", **headers)
    assert answer.json()["accepted"] == 1, answer.text
    assert edge.log.values("usage")[0]["subject"] == "Köln AG"


async def test_a_batch_that_is_no_array_is_refused_whole(edge: Edge) -> None:
    answer = await edge.post(usage(), content_type=BATCH)
    assert (answer.status_code, answer.json()["code"]) == (400, "body_invalid")
    answer = await edge.post([usage()], content_type=STRUCTURED)
    assert (answer.status_code, answer.json()["code"]) == (400, "body_invalid")


async def test_a_bad_event_is_refused_by_itself_and_quarantined(edge: Edge) -> None:
    answer = await edge.post([usage(id="a"), usage(id="b", data={"count": 1}), usage(id="c")], content_type=BATCH)
    body = answer.json()
    assert (answer.status_code, body["success"], body["accepted"]) == (200, True, 2)
    (rejected,) = body["rejected"]
    assert {name: rejected[name] for name in ("index", "id", "code", "field")} == {
        "index": 1,
        "id": "b",
        "code": "data_invalid",
        "field": "data.feature",
    }
    (kept,) = edge.log.values("quarantine")
    assert (kept["code"], kept["field"], kept["key_id"]) == ("data_invalid", "data.feature", "key1")
    assert json.loads(kept["original"])["id"] == "b"
    assert edge.meter.counts["refused data_invalid"] == 1


async def test_a_quarantined_original_is_cut(edge: Edge) -> None:
    await edge.post(usage(data={"feature": [1234567] * 5_000}))
    (kept,) = edge.log.values("quarantine")
    assert len(kept["original"]) == 32 * 1024
    assert kept["truncated"]
    assert kept["original_bytes"] > 40_000


async def test_a_quarantine_that_cannot_be_written_blocks_nothing(edge: Edge) -> None:
    append = edge.log.append

    async def without_quarantine(records: Sequence[OutgoingRecord]) -> None:
        edge.log.broken = any(record.topic == "truenorth.quarantine.v1" for record in records)
        await append(records)

    edge.log.append = without_quarantine  # type: ignore[method-assign]
    answer = await edge.post([usage(), usage(type="x")])
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert edge.meter.counts["quarantine failed"] == 1


async def test_nothing_is_claimed_while_the_broker_is_away(edge: Edge) -> None:
    edge.log.broken = True
    answer = await edge.post(usage())
    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "accepted" not in edge.meter.counts


async def test_an_answer_does_not_wait_for_ever(edge: Edge) -> None:
    edge = Edge(answer_seconds_max=0.05)

    async def never(records: Sequence[OutgoingRecord]) -> None:
        await asyncio.Event().wait()

    edge.log.append = never  # type: ignore[method-assign]
    assert (await edge.post(usage())).status_code == 503
    assert edge.meter.waiting_bytes == 0


async def test_too_much_waiting_is_told_at_once() -> None:
    edge = Edge(waiting_bytes_max=1000, answer_seconds_max=5.0)
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow(records: Sequence[OutgoingRecord]) -> None:
        begun.set()
        await release.wait()

    edge.log.append = slow  # type: ignore[method-assign]
    first = asyncio.create_task(edge.post(usage(data={"feature": "x" * 100, "module": "y" * 100, "more": "z" * 400})))
    await begun.wait()
    second = await edge.post(usage(data={"feature": "x", "more": "z" * 400}))
    release.set()
    assert (second.status_code, second.json()["code"]) == (503, "too_much_waiting")
    assert (await first).status_code == 200
    assert edge.meter.waiting_bytes == 0


async def test_a_gzip_body_is_inflated(edge: Edge) -> None:
    assert (await edge.post(gzipped([usage()]), content_encoding="gzip")).json()["accepted"] == 1


async def test_what_comes_behind_a_gzip_body_is_not_lost_in_silence(edge: Edge) -> None:
    body = gzipped([usage()])
    answer = await edge.post(body + gzipped([usage(id="e2")]), content_encoding="gzip")
    assert (answer.status_code, answer.json()["code"]) == (400, "body_invalid")
    assert (await edge.post(body + bytes(8), content_encoding="gzip")).json()["accepted"] == 1


async def test_a_gzip_bomb_is_refused(edge: Edge) -> None:
    answer = await edge.post(gzip.compress(b" " * 200_000_000, 9), content_encoding="gzip")
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (b"nonsense", "gzip", 400, "body_invalid"),
        (gzipped([usage()])[:-9], "gzip", 400, "body_invalid"),
        (b"{}", "br", 415, "encoding_unsupported"),
        (b"", "", 400, "body_invalid"),
        (b"not json", "", 400, "body_invalid"),
        (b"{", "", 400, "body_invalid"),
        (b"[" * 100_000, "", 400, "body_invalid"),
        (b'"text"', "", 400, "body_invalid"),
        (b"x" * (1024 * 1024 + 1), "", 413, "body_too_large"),
        (json.dumps([{}] * 2_501).encode(), "", 413, "batch_too_long"),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_problem(
    edge: Edge, body: bytes, encoding: str, status: int, code: str
) -> None:
    answer = await edge.post(body, content_encoding=encoding)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["message"]
    assert answer.json()["status"] == status
    assert edge.log.records == []


async def test_nan_and_lone_surrogates_are_repaired_and_counted(edge: Edge) -> None:
    raw = b'[{"type": "usage.recorded", "subject": "a", "data": {"feature": "x\\ud800", "ratio": NaN}}]'
    assert (await edge.post(raw)).json()["accepted"] == 1
    assert edge.log.values("usage")[0]["data"]["feature"] == "x�"
    assert edge.meter.counts["repaired"] == 1


@pytest.mark.parametrize(
    "headers", [{"authorization": f"Bearer {KEY}"}, {"authorization": basic(KEY)}, {"x_write_key": KEY}]
)
async def test_a_key_is_taken_from_any_of_three_places(edge: Edge, headers: dict[str, str]) -> None:
    assert (await edge.post(usage(), key=None, **headers)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "key_missing"),
        ({"authorization": "Bearer nonsense"}, 401, "key_malformed"),
        ({"authorization": f"Bearer {KEY[:-1]}0"}, 401, "key_malformed"),
        ({"authorization": "Basic !!"}, 401, "key_malformed"),
        ({"authorization": "Digest x"}, 401, "key_malformed"),
        ({"authorization": f"Bearer {written(env='test', key_id='key9', secret='z' * 48)}"}, 401, "key_unknown"),
        ({"authorization": f"Bearer {written(env='test', key_id='key1', secret='z' * 48)}"}, 401, "key_unknown"),
    ],
)
async def test_who_sends_must_be_known(edge: Edge, headers: dict[str, str], status: int, code: str) -> None:
    answer = await edge.post(usage(), key=None, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "bearer" in answer.headers["www-authenticate"].lower()
    assert edge.log.records == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [({"revoked_ms": 1}, 401, "key_revoked"), ({"scopes": frozenset()}, 403, "scope_missing")],
)
async def test_a_key_must_still_be_allowed(edge: Edge, changes: dict[str, Any], status: int, code: str) -> None:
    edge.keys.keys["key1"] = stored_key(**changes)
    answer = await edge.post(usage())
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_revoked_key_stops_working_within_thirty_seconds(edge: Edge) -> None:
    assert (await edge.post(usage())).status_code == 200
    edge.keys.keys["key1"] = stored_key(revoked_ms=1)
    edge.clock.advance(seconds=31)
    assert (await edge.post(usage())).status_code == 401


async def test_a_known_key_keeps_working_while_the_database_is_down(edge: Edge) -> None:
    assert (await edge.post(usage())).status_code == 200
    edge.keys.down = True
    edge.clock.advance(seconds=3600)
    assert (await edge.post(usage())).status_code == 200
    other = written(env="test", key_id="other", secret="o" * 48)
    answer = await edge.post(usage(), key=other)
    assert (answer.status_code, answer.json()["code"]) == (503, "keys_unavailable")
    assert "retry-after" in answer.headers


async def test_the_table_is_asked_once_for_many_requests(edge: Edge) -> None:
    await asyncio.gather(*(edge.post(usage()) for _ in range(20)))
    assert edge.keys.asked == 1


async def test_everything_else_is_a_problem_too(edge: Edge) -> None:
    for method, path, status in [("GET", "/v1/events", 405), ("GET", "/nowhere", 404), ("POST", "/openapi.json", 405)]:
        answer = await edge.request(method, path)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.json()["message"]


async def test_the_openapi_document_tells_of_events(edge: Edge) -> None:
    document = (await edge.request("GET", "/openapi.json")).json()
    operation = document["paths"]["/v1/events"]["post"]
    assert BATCH in operation["requestBody"]["content"]
    assert {"200", "400", "401", "403", "413", "415", "503"} <= set(operation["responses"])


async def test_the_openapi_document_names_every_field_and_points_to_nothing_that_is_not_there(edge: Edge) -> None:
    answer = await edge.request("GET", "/openapi.json")
    document = answer.json()
    schemas = document["components"]["schemas"]
    told = {kind["properties"]["type"]["const"]: kind for kind in schemas["Event"]["allOf"][1]["oneOf"]}
    assert set(told) == TYPES_TAKEN
    assert told["usage.recorded"]["properties"]["data"] == {"$ref": "#/components/schemas/UsageRecorded"}
    assert told["usage.recorded"]["required"] == ["type", "data"]
    assert "feature" in schemas["UsageRecorded"]["properties"]
    pointed = set(re.findall(r'"\$ref": ?"([^"]+)"', answer.text))
    parts = document["components"]
    assert pointed <= {f"#/components/{kind}/{name}" for kind in parts for name in parts[kind]}


async def test_an_announced_body_over_the_limit_is_refused_before_it_is_read(edge: Edge) -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-length", b"99999999"), (b"authorization", f"Bearer {KEY}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/events", "headers": headers}
    await edge.app(scope, receive, send)
    assert sent[0]["status"] == 413


async def test_a_sender_that_stalls_holds_nothing_for_ever(edge: Edge) -> None:
    edge.app._bodies.seconds_max = 0.01
    parts: list[dict[str, Any]] = [{"type": "http.request", "body": b"[", "more_body": True}]

    async def receive() -> dict[str, Any]:
        if not parts:
            await asyncio.Event().wait()
        return parts.pop()

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-length", b"900000"), (b"authorization", f"Bearer {KEY}".encode())]
    await edge.app({"type": "http", "method": "POST", "path": "/v1/events", "headers": headers}, receive, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert edge.meter.waiting_bytes == 0


async def test_a_body_that_was_not_announced_weighs_what_it_weighs(edge: Edge) -> None:
    weighed: list[int] = []
    append = edge.log.append

    async def weigh(records: Sequence[OutgoingRecord]) -> None:
        weighed.append(edge.meter.waiting_bytes)
        await append(records)

    edge.log.append = weigh  # type: ignore[method-assign]
    body = json.dumps([usage(id=str(number)) for number in range(2_000)]).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        return None

    headers = [(b"authorization", f"Bearer {KEY}".encode())]
    await edge.app({"type": "http", "method": "POST", "path": "/v1/events", "headers": headers}, receive, send)
    assert weighed == [len(body)]
    assert edge.meter.waiting_bytes == 0


async def test_a_cloudevents_webhook_may_ask_whether_its_events_are_wanted(edge: Edge) -> None:
    asked = {"webhook-request-origin": "eventemitter.example.com", "webhook-request-rate": "120"}
    answer = await edge.request("OPTIONS", "/v1/events", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "eventemitter.example.com"
    assert answer.headers["webhook-allowed-rate"] == "1200000"
    answer = await edge.request("OPTIONS", "/v1/events")
    assert (answer.status_code, answer.json()["code"]) == (400, "header_invalid")
