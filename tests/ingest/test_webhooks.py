"""The road of webhooks: who may come in, what is taken once, and what a vendor is answered."""

import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest
from truenorth.clock import ManualClock
from truenorth.definitions.bundle import make_bundle
from truenorth.definitions.intake import Connector, EventMapping, Signature
from truenorth.definitions.model import Definitions

from tests.ingest.doubles import Edge, gzipped

JIRA = "jira-secret"
TOKEN = "a-token-of-freshdesk"
SECRETS = {
    "TRUENORTH_CONNECTOR_SECRET_JIRA": (JIRA,),
    "TRUENORTH_CONNECTOR_SECRET_FRESHDESK": (TOKEN, "the-next-token"),
    "TRUENORTH_CONNECTOR_SECRET_CHARGEBEE": ("hook:password",),
}
OPENED: dict[str, Any] = {"event": "ticket.created", "ticket_id": "7", "priority": "High", "account_id": "acct-7"}
CREATED: dict[str, Any] = {
    "timestamp": 1_000,
    "webhookEvent": "jira:issue_created",
    "issue": {"id": "1", "key": "SUP-1", "fields": {"customfield_10002": [{"id": "7"}], "priority": {"name": "High"}}},
}


@pytest.fixture
def edge() -> Edge:
    return Edge(connector_secrets=SECRETS)


async def freshdesk(edge: Edge, body: Any, *, token: str = TOKEN) -> httpx.Response:
    return await edge.post(body, key=None, path=f"/v1/webhooks/freshdesk/{token}")


async def jira(edge: Edge, body: Any, *, secret: str = JIRA, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return await edge.post(
        content, key=None, path="/v1/webhooks/jira", x_hub_signature=f"sha256={signature}", **headers
    )


async def test_what_is_signed_becomes_an_event_of_its_account(edge: Edge) -> None:
    edge.accounts.known["jira:7"] = ["acct-7"]
    answer = await jira(edge, CREATED)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "accepted": 1, "rejected": []})
    (event,) = edge.log.values("tickets")
    assert (event["type"], event["subject"], event["source"]) == ("ticket.opened", "acct-7", "webhook jira")
    assert event["data"] == {"ticket_id": "SUP-1", "priority": "p2"}
    assert edge.meter.counts["webhook jira taken"] == 1


async def test_an_account_that_is_not_known_yet_is_waited_for(edge: Edge) -> None:
    answer = await jira(edge, CREATED)
    assert answer.json()["unresolved"] == 1
    (held,) = edge.log.values("unresolved")
    assert held["data"]["lookups"] == ["jira:7"]


@pytest.mark.parametrize(
    ("path", "code"),
    [("/v1/webhooks/nobody", "connector_unknown"), ("/v1/webhooks/stripe", "connector_unknown")],
)
async def test_a_connector_without_a_secret_is_not_there_and_says_what_to_set(edge: Edge, path: str, code: str) -> None:
    answer = await edge.post({}, key=None, path=path)
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    if "stripe" in path:
        assert "TRUENORTH_CONNECTOR_SECRET_STRIPE" in answer.json()["message"]


async def test_who_is_not_who_it_says_is_refused_before_anything_is_read(edge: Edge) -> None:
    answers = [
        await jira(edge, CREATED, secret="another"),
        await edge.post(CREATED, key=None, path="/v1/webhooks/jira"),
        await freshdesk(edge, OPENED, token="a-token"),
        await edge.post({}, key=None, path="/v1/webhooks/chargebee", authorization="Basic eDp5"),
    ]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [
        (401, "signature_wrong"),
        (401, "signature_missing"),
        (401, "signature_wrong"),
        (401, "signature_wrong"),
    ]
    assert edge.log.records == []
    assert edge.meter.counts["webhook jira refused"] == 2


async def test_who_tries_tokens_out_has_to_wait_and_who_has_it_does_not() -> None:
    edge = Edge(connector_secrets=SECRETS, failures_per_minute_max=3)
    answers = [await freshdesk(edge, OPENED, token=f"guess-{n}") for n in range(4)]
    basic = await edge.post({}, key=None, path="/v1/webhooks/chargebee", authorization="Basic eDp5")
    assert [answer.status_code for answer in (*answers, basic)] == [401, 401, 401, 429, 429]
    assert basic.json()["code"] == "too_many_failures"
    assert (await freshdesk(edge, OPENED)).status_code == 200


async def test_a_token_may_be_either_of_two(edge: Edge) -> None:
    assert (await freshdesk(edge, OPENED, token="the-next-token")).status_code == 200


async def test_a_delivery_is_taken_once_and_answered_each_time(edge: Edge) -> None:
    first, second = [await jira(edge, CREATED, x_atlassian_webhook_identifier="d1") for _ in range(2)]
    assert (first.json()["accepted"], second.json()["accepted"], second.status_code) == (1, 0, 200)
    assert len(edge.log.values("unresolved")) == 1
    assert edge.meter.counts["webhook jira repeated"] == 1


async def test_a_delivery_is_noted_only_after_its_events_are_acknowledged(edge: Edge) -> None:
    edge.log.broken = True
    answer = await jira(edge, CREATED, x_atlassian_webhook_identifier="d1")
    assert answer.status_code == 503
    assert edge.deliveries.taken == {}
    edge.log.broken = False
    assert (await jira(edge, CREATED, x_atlassian_webhook_identifier="d1")).json()["accepted"] == 1


async def test_webhooks_are_taken_while_the_database_is_away(edge: Edge) -> None:
    edge.deliveries.down = True
    answers = [await jira(edge, CREATED, x_atlassian_webhook_identifier="d1") for _ in range(2)]
    assert [answer.json()["accepted"] for answer in answers] == [1, 1]
    ids = {held["data"]["event_id"] for held in edge.log.values("unresolved")}
    assert ids == {"jira:issue_created-1-1000"}  # by which readers drop the second
    edge.deliveries.down = False
    await edge.clock.sleep(6)
    answers = [await jira(edge, CREATED, x_atlassian_webhook_identifier="d1") for _ in range(2)]
    assert [answer.json()["accepted"] for answer in answers] == [1, 0]


async def test_what_means_nothing_to_anybody_is_quarantined_and_answered_200(edge: Edge) -> None:
    answer = await jira(edge, {"webhookEvent": "sprint_started"}, x_atlassian_webhook_identifier="d2")
    assert answer.status_code == 200
    assert [one["code"] for one in answer.json()["rejected"]] == ["webhook_unknown"]
    (bad,) = edge.log.values("quarantine")
    assert (bad["route"], bad["key_id"]) == ("webhooks/jira", "webhook:jira")
    assert edge.deliveries.taken == {}  # it may be sent again once its mapping is there


async def test_a_field_that_cannot_be_is_named(edge: Edge) -> None:
    answer = await freshdesk(edge, {**OPENED, "ticket_id": ""})
    (bad,) = answer.json()["rejected"]
    assert (bad["code"], bad["field"]) == ("webhook_invalid", "data.ticket_id")


async def test_of_a_list_each_item_is_a_webhook_of_its_own(edge: Edge) -> None:
    answer = await freshdesk(edge, [OPENED, {"event": "other"}, {**OPENED, "ticket_id": "8"}])
    assert answer.json()["accepted"] == 2
    assert [bad["index"] for bad in answer.json()["rejected"]] == [1]
    assert [event["data"]["ticket_id"] for event in edge.log.values("tickets")] == ["7", "8"]


async def test_the_items_of_a_list_do_not_share_the_id_of_their_delivery(edge: Edge) -> None:
    signature = Signature(
        header="x-hub-signature", encoding="hex", signed="{id}.{body}", id_header="webhook-id", prefix="sha256="
    )
    mapping = EventMapping(when="n", type="ticket.opened", account="who", data={"ticket_id": "text(n)"})
    own = Connector(id="jira", auth="signature", signature=signature, mappings=[mapping])
    edge.defined.take(make_bundle(Definitions(connectors=[own]), ordinal=1, applied_ms=0))
    content = json.dumps([{"n": n, "who": "acct-1"} for n in (1, 2)]).encode()
    digest = hmac.new(JIRA.encode(), b"d1." + content, hashlib.sha256).hexdigest()
    signed = {"x_hub_signature": f"sha256={digest}", "webhook_id": "d1"}
    answer = await edge.post(content, key=None, path="/v1/webhooks/jira", **signed)
    assert answer.json()["accepted"] == 2, answer.text
    assert [event["id"] for event in edge.log.values("tickets")] == ["d1-0", "d1-1"]


async def test_an_account_that_no_table_can_be_asked_for_is_refused(edge: Edge) -> None:
    fields = {**CREATED["issue"]["fields"], "customfield_10002": [{"id": "7\0"}]}
    answer = await jira(edge, {**CREATED, "issue": {**CREATED["issue"], "fields": fields}})
    assert [(bad["code"], bad["field"]) for bad in answer.json()["rejected"]] == [("webhook_invalid", "external_id")]


async def test_two_webhooks_that_say_the_same_are_two_when_the_vendor_names_neither(edge: Edge) -> None:
    for _ in range(2):
        await freshdesk(edge, {**OPENED, "event": "ticket.reopened"})
    assert len({event["id"] for event in edge.log.values("tickets")}) == 2


@pytest.mark.parametrize("body", [b"", b" \n"])
async def test_an_empty_body_that_is_signed_is_how_vendors_try_an_address(edge: Edge, body: bytes) -> None:
    answer = await jira(edge, body)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)


async def test_head_asks_whether_anybody_is_there(edge: Edge) -> None:
    there = await edge.request("HEAD", "/v1/webhooks/jira")
    nowhere = await edge.request("HEAD", "/v1/webhooks/nobody")
    assert (there.status_code, nowhere.status_code) == (200, 404)


async def test_a_body_that_is_not_json_is_a_400(edge: Edge) -> None:
    answer = await jira(edge, b"a=b&c=d")
    assert (answer.status_code, answer.json()["code"]) == (400, "body_invalid")


@pytest.mark.parametrize("depth", [200, 400, 600, 800, 900, 950, 980, 1_000, 5_000, 100_000])
@pytest.mark.parametrize("kind", ["[%s]", '{"a":%s}'])
async def test_however_deep_a_body_is_it_is_answered(edge: Edge, kind: str, depth: int) -> None:
    head, tail = kind.split("%s")
    answer = await jira(edge, (head * depth + "1" + tail * depth).encode())
    assert answer.status_code in {200, 400}


@pytest.mark.parametrize("body", ['{"webhookEvent": NaN}', '"\\ud800"', "1e999", "-0", "[]", "null", "9" * 5_000])
async def test_whatever_json_a_body_is_it_is_answered(edge: Edge, body: str) -> None:
    assert (await jira(edge, body.encode())).status_code in {200, 400}


async def test_a_signature_is_over_the_body_before_it_was_zipped(edge: Edge) -> None:
    signature = hmac.new(JIRA.encode(), json.dumps(CREATED).encode(), hashlib.sha256).hexdigest()
    answer = await edge.post(
        gzipped(CREATED),
        key=None,
        path="/v1/webhooks/jira",
        x_hub_signature=f"sha256={signature}",
        content_encoding="gzip",
    )
    assert answer.status_code == 200


async def test_a_connector_of_the_definitions_stands_in_for_the_shipped_one(edge: Edge) -> None:
    own = Connector(
        id="freshdesk",
        auth="token",
        mappings=[
            EventMapping(when="kind", type="ticket.opened", account="who", data={"ticket_id": "text(n)"}),
        ],
    )
    edge.defined.take(make_bundle(Definitions(connectors=[own]), ordinal=1, applied_ms=0))
    assert (await freshdesk(edge, {"kind": "x", "who": "acct-1", "n": 5})).json()["accepted"] == 1
    assert [bad["code"] for bad in (await freshdesk(edge, OPENED)).json()["rejected"]] == ["webhook_unknown"]


async def test_a_definition_that_cannot_be_used_makes_vendors_repeat(edge: Edge) -> None:
    own = Connector(id="freshdesk", auth="token", mappings=[EventMapping(when="a[", ignore=True)])
    edge.defined.take(make_bundle(Definitions(connectors=[own]), ordinal=1, applied_ms=0))
    answer = await freshdesk(edge, OPENED)
    assert (answer.status_code, answer.json()["code"]) == (503, "connector_broken")
    assert "mappings[0].when" in answer.json()["message"]


async def test_a_connector_that_signs_the_url_needs_to_know_it() -> None:
    edge = Edge(connector_secrets={"TRUENORTH_CONNECTOR_SECRET_HUBSPOT": ("s",)})
    answer = await edge.post([], key=None, path="/v1/webhooks/hubspot")
    assert (answer.status_code, answer.json()["code"]) == (503, "connector_broken")
    assert "TRUENORTH_INGEST_PUBLIC_URL" in answer.json()["message"]


async def test_a_connector_is_held_to_a_rate_as_a_key_is() -> None:
    edge = Edge(connector_secrets=SECRETS, key_events_per_second_max=1)
    answers = [await freshdesk(edge, [OPENED] * 20) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1].headers["retry-after"]) > 0


async def test_a_connector_that_goes_silent_is_told_and_told_again_when_it_is_heard(edge: Edge) -> None:
    hearing = edge.webhooks.hearing
    await freshdesk(edge, OPENED)
    await hearing.check()
    assert edge.meter.silent_seconds["freshdesk"] == 0
    assert edge.meter.silent_seconds["jira"] == 0  # never heard: it has not begun
    await _days(edge.clock, 11)
    await hearing.check()
    assert edge.meter.silent_seconds["freshdesk"] == 11 * 86_400
    edge.heard.down = True
    await freshdesk(edge, OPENED)
    await hearing.check()
    assert edge.meter.silent_seconds["freshdesk"] == 0


async def test_what_was_heard_while_the_database_was_away_is_shared_later(edge: Edge) -> None:
    edge.heard.down = True
    await freshdesk(edge, OPENED)
    await edge.webhooks.hearing.check()
    await freshdesk(edge, OPENED)
    await edge.webhooks.hearing.check()
    edge.heard.down = False
    await edge.webhooks.hearing.check()
    assert set(edge.heard.known) == {"freshdesk"}


async def _days(clock: ManualClock, days: int) -> None:
    await clock.sleep(days * 86_400)
