"""Erasures and identities asked for by hand: what gets to the log, what never does, and what is answered."""

from typing import Any

import httpx
import pytest
from truenorth.erasures import SERVICES, request_id_of
from truenorth_ingest.domain.keys import ACCOUNTS_SCOPE, ERASURES_SCOPE, WRITE_SCOPE
from truenorth_ingest.domain.pseudonyms import Pseudonyms

from tests.ingest.doubles import KEY, PSEUDONYM_SECRET, Edge, stored_key

ANN = "ann@customer.example"
ALIAS = Pseudonyms(PSEUDONYM_SECRET).of(ANN)


@pytest.fixture
def edge() -> Edge:
    edge = Edge()
    edge.keys.keys["key1"] = stored_key(scopes=frozenset({WRITE_SCOPE, ACCOUNTS_SCOPE, ERASURES_SCOPE}))
    return edge


async def sent(edge: Edge, method: str, path: str, body: Any = None) -> httpx.Response:
    more = {} if body is None else {"json": body}
    return await edge.request(method, path, headers={"authorization": f"Bearer {KEY}"}, **more)


async def erased(edge: Edge, **body: Any) -> httpx.Response:
    return await sent(edge, "POST", "/v1/erasures", {"kind": "actor", "subject_id": ANN, "by": "dpo"} | body)


def nowhere(edge: Edge, text: str) -> bool:
    return all(text.encode() not in (record.key or b"") + (record.value or b"") for record in edge.log.records)


async def test_a_person_is_forgotten_at_the_account_that_is_named(edge: Edge) -> None:
    answer = await erased(edge, account="acme", id=f"dsr {ANN}", by=ANN)
    (event,) = edge.log.values("erasures")
    made = {"request_id": request_id_of("acme", "key backend", f"dsr {ALIAS}"), "account": "acme"}
    assert (answer.status_code, answer.json()) == (202, {"success": True, "requests": [made]})
    assert (event["subject"], event["data"]["subject_id"]) == ("acme", ALIAS)
    assert nowhere(edge, ANN)


async def test_without_an_account_they_are_forgotten_at_each_that_is_known(edge: Edge) -> None:
    edge.accounts.known[f"actor:{ALIAS}"] = ["acme", "zeta"]
    answer = await erased(edge, kind="contact")
    assert [one["account"] for one in answer.json()["requests"]] == ["acme", "zeta"]
    assert [event["subject"] for event in edge.log.values("erasures")] == ["acme", "zeta"]
    assert len({one["request_id"] for one in answer.json()["requests"]}) == 2


async def test_an_account_is_forgotten_by_its_id_alone(edge: Edge) -> None:
    assert (await erased(edge, kind="account", subject_id="acme")).status_code == 202
    (event,) = edge.log.values("erasures")
    assert (event["subject"], event["data"]) == ("acme", {"kind": "account", "subject_id": "acme", "by": "dpo"})


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "account_missing", "account"),
        ({"kind": "account", "account": "other"}, "data_invalid", "data.subject_id"),
        ({"kind": "segment"}, "data_invalid", "kind"),
        ({"subject_id": ""}, "data_invalid", "subject_id"),
        ({"acount": "acme"}, "data_invalid", ""),
        ({"account": " acme"}, "subject_invalid", "account"),
    ],
)
async def test_what_is_wrong_is_named_and_nobody_is_asked(edge: Edge, body: Any, code: str, field: str) -> None:
    answer = await erased(edge, **body)
    told = answer.json()
    assert (answer.status_code, told["code"], told["field"]) == (422, code, field)
    assert edge.log.values("erasures") == []
    assert ANN not in answer.text


@pytest.mark.parametrize("request_id", ["dsr\0", "dsr\n1"])
async def test_a_request_that_no_reader_could_keep_is_not_acknowledged(edge: Edge, request_id: str) -> None:
    answer = await erased(edge, account="acme", id=request_id)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "id_invalid", "id")
    assert not edge.log.records


async def test_nothing_is_claimed_while_the_broker_or_the_table_is_away(edge: Edge) -> None:
    edge.log.broken = True
    assert (await erased(edge, account="acme")).status_code == 503
    edge.log.broken, edge.erasures.down = False, True
    assert (await erased(edge, account="acme")).status_code == 503
    assert edge.log.values("erasures") == []


async def test_a_request_is_told_with_who_has_carried_it_out(edge: Edge) -> None:
    request_id = (await erased(edge, account="acme")).json()["requests"][0]["request_id"]
    told = (await sent(edge, "GET", f"/v1/erasures/{request_id}")).json()
    assert (told["status"], told["services"]) == ("requested", dict.fromkeys(SERVICES))
    noted = edge.erasures.noted[request_id]
    edge.erasures.noted[request_id] = noted._replace(done_ms={"health": edge.clock.now_ms()})
    told = (await sent(edge, "GET", f"/v1/erasures/{request_id}")).json()
    assert (told["status"], told["services"]["health"]) == ("running", {"done_at": "2025-10-09T08:53:20.000Z"})
    edge.erasures.noted[request_id] = noted._replace(done_ms=dict.fromkeys(SERVICES, 0))
    assert (await sent(edge, "GET", f"/v1/erasures/{request_id}")).json()["status"] == "finished"
    assert (await sent(edge, "GET", "/v1/erasures/nobody")).status_code == 404


async def test_a_key_without_the_scope_may_not(edge: Edge) -> None:
    edge.keys.keys["key1"] = stored_key(scopes=frozenset({WRITE_SCOPE}))
    assert (await erased(edge, account="acme")).json()["code"] == "scope_missing"
    assert (await sent(edge, "PUT", "/v1/identities/stripe/cus_1", {"account": "acme"})).status_code == 403


async def test_an_id_is_said_to_belong_to_one_account_and_to_no_other(edge: Edge) -> None:
    edge.accounts.known["stripe:cus/1"] = ["acme", "zeta"]
    answer = await sent(edge, "PUT", "/v1/identities/stripe/cus/1", {"account": "acme"})
    assert answer.json() == {"success": True, "lookup": "stripe:cus/1", "accounts": ["acme"]}
    written = {record.key: record.value for record in edge.log.records}
    assert set(written) == {b"stripe:cus/1\nacme", b"stripe:cus/1\nzeta"}
    assert written[b"stripe:cus/1\nzeta"] is None
    edge.accounts.known["stripe:cus/1"] = ["acme"]
    assert (await sent(edge, "GET", "/v1/identities/stripe/cus/1")).json()["accounts"] == ["acme"]


async def test_an_id_is_said_to_belong_to_nobody(edge: Edge) -> None:
    edge.accounts.known["stripe:cus_1"] = ["acme"]
    assert (await sent(edge, "DELETE", "/v1/identities/stripe/cus_1")).json()["accounts"] == ["acme"]
    (record,) = edge.log.records
    assert (record.key, record.value) == (b"stripe:cus_1\nacme", None)
    edge.accounts.known.clear()
    assert (await sent(edge, "DELETE", "/v1/identities/stripe/cus_1")).json()["accounts"] == []


async def test_an_actor_is_never_written_by_name(edge: Edge) -> None:
    answer = await sent(edge, "PUT", f"/v1/identities/actor/{ANN}", {"account": "acme"})
    assert answer.json()["lookup"] == f"actor:{ALIAS}"
    assert nowhere(edge, ANN)


@pytest.mark.parametrize(
    ("path", "field"), [("Stripe/1", "system"), ("stripe/%20", "external_id"), (f"stripe/{'x' * 300}", "external_id")]
)
async def test_an_id_that_cannot_be_one_is_refused(edge: Edge, path: str, field: str) -> None:
    answer = await sent(edge, "PUT", f"/v1/identities/{path}", {"account": "acme"})
    assert (answer.json()["code"], answer.json()["field"]) == ("id_invalid", field)


async def test_no_log_line_has_whom_an_address_names(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    edge.log.broken = True
    answer = await sent(edge, "PUT", f"/v1/identities/actor/{ANN}", {"account": "acme"})
    assert answer.status_code == 503
    (told,) = [record for record in caplog.records if "control request" in record.getMessage()]
    assert told.__dict__["road"] == "/v1/identities/{system}/{external_id:path}"
    assert all(ANN not in str(record.__dict__) for record in caplog.records if record.name.startswith("truenorth"))


async def test_an_identity_is_not_claimed_while_the_broker_is_away(edge: Edge) -> None:
    edge.log.broken = True
    assert (await sent(edge, "PUT", "/v1/identities/stripe/1", {"account": "acme"})).status_code == 503
