"""The control roads: facts of an account, and everything that can be wrong with a request for them."""

import json
from typing import Any

import httpx
import pytest
from truenorth_ingest.api.accounts import ACCOUNTS_SCOPE
from truenorth_ingest.domain.keys import WRITE_SCOPE

from tests.ingest.doubles import KEY, Edge, basic, gzipped, stored_key

ACME = {"name": "Acme", "arr": 1_200_000, "external_ids": {"stripe": "cus_1"}}


@pytest.fixture
def edge() -> Edge:
    edge = Edge()
    edge.keys.keys["key1"] = stored_key(scopes=frozenset({WRITE_SCOPE, ACCOUNTS_SCOPE}))
    return edge


async def put(edge: Edge, body: Any, *, account: str = "acct-1", **headers: str) -> httpx.Response:
    sent = {"authorization": f"Bearer {KEY}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await edge.request("PUT", f"/v1/accounts/{account}", content=content, headers=sent)


def problem_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert {"type", "title", "detail", "message", "field"} <= told.keys()
    return told


async def test_facts_are_on_the_log_when_they_are_answered(edge: Edge) -> None:
    answer = await put(edge, {**ACME, "time": "2025-01-02T03:04:05Z"}, idempotency_key="crm-17")
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "account_id": "acct-1",
        "id": "crm-17",
        "time": "2025-01-02T03:04:05.000Z",
        "facts": ACME,
    }
    (event,) = edge.log.values("accounts")
    assert (event["id"], event["subject"], event["type"]) == ("crm-17", "acct-1", "account.updated")
    assert event["data"] == ACME
    assert answer.headers["ratelimit"].startswith('"default";')


async def test_an_external_id_is_taught(edge: Edge) -> None:
    await put(edge, ACME)
    (taught,) = edge.log.values("identities")
    assert (taught["subject"], taught["data"]["lookup"]) == ("acct-1", "stripe:cus_1")


async def test_a_fact_with_a_typo_is_refused_with_the_one_that_was_meant(edge: Edge) -> None:
    told = problem_of(await put(edge, {"name": "Acme", "owner": "csm-7"}), 422, "data_invalid")
    assert told["field"] == "owner"
    assert "did you mean owner_id" in told["message"]
    assert edge.log.records == []


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"", 400, "body_invalid", ""),
        (b"[]", 400, "body_invalid", ""),
        (b'{"a": ' * 3000, 400, "body_invalid", ""),
        ({}, 422, "data_invalid", ""),
        ({"name": None}, 422, "data_invalid", "name"),
        ({"name": "x", "id": {}}, 422, "data_invalid", "id"),
        ({"name": "x", "id": "a\nb"}, 422, "id_invalid", "id"),
        ({"arr": "12"}, 422, "data_invalid", "arr"),
        ({"name": "x\u0000"}, 422, "data_invalid", "data"),
        ({"external_ids": {"stripe": 3}}, 422, "data_invalid", "external_ids[...]"),
        ({"name": "x", "time": "yesterday"}, 422, "time_unreadable", "time"),
        ({"name": "x", "time": "1960-01-01T00:00:00Z"}, 422, "time_out_of_range", "time"),
    ],
)
async def test_what_does_not_fit_is_named(edge: Edge, body: Any, status: int, code: str, field: str) -> None:
    assert problem_of(await put(edge, body), status, code)["field"] == field
    assert edge.log.records == []


async def test_an_account_id_that_cannot_be_one_is_refused(edge: Edge) -> None:
    problem_of(await put(edge, ACME, account="a" * 129), 422, "subject_invalid")


async def test_the_key_is_checked_before_anything_else(edge: Edge) -> None:
    problem_of(await edge.request("PUT", "/v1/accounts/a", content=b"{"), 401, "key_missing")
    edge.keys.keys["key1"] = stored_key()
    problem_of(await put(edge, ACME), 403, "scope_missing")
    assert (await put(Edge(), ACME, authorization=basic(KEY))).status_code == 403


async def test_a_body_may_be_gzipped_and_has_its_limit(edge: Edge) -> None:
    assert (await put(edge, gzipped(ACME), content_encoding="gzip")).status_code == 200
    problem_of(await put(edge, b"{}", content_encoding="br"), 415, "encoding_unsupported")
    problem_of(await put(edge, b"x" * 1_100_000), 413, "body_too_large")
    problem_of(await put(edge, gzipped("x" * 1_100_000), content_encoding="gzip"), 413, "body_too_large")


async def test_other_paths_methods_and_parameters_get_problems(edge: Edge) -> None:
    problem_of(await edge.request("GET", "/nowhere"), 404, "not_found")
    answer = await edge.request("POST", "/v1/accounts/a")
    problem_of(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "PUT"
    told = problem_of(await put(edge, ACME, idempotency_key="k" * 300), 422, "parameter_invalid")
    assert told["field"] == "idempotency-key"


async def test_what_cannot_be_done_now_is_said_and_nothing_claimed(edge: Edge) -> None:
    edge.log.broken = True
    answer = await put(edge, ACME)
    problem_of(answer, 503, "broker_unavailable")
    assert answer.headers["retry-after"]
    down = Edge()
    down.keys.down = True
    problem_of(await put(down, ACME), 503, "keys_unavailable")


async def test_a_key_has_its_rate_here_too() -> None:
    edge = Edge(key_events_per_second_max=1)
    edge.keys.keys["key1"] = stored_key(scopes=frozenset({ACCOUNTS_SCOPE}))
    statuses = [(await put(edge, ACME)).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert problem_of(await put(edge, ACME), 429, "rate_exceeded")
    assert edge.meter.counts["answered rate_exceeded"] == 2
    assert edge.meter.counts["answered ok"] == 10
