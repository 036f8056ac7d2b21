"""What the SDKs send as they are shipped: every event is on its topic once, and what is refused is not sent again."""

import json
import math
from collections import Counter
from typing import Any

import pytest
from truenorth.ids import random_id
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_local.stack import LocalStack

from tests.ingest.doubles import PSEUDONYM_SECRET
from tests.ingest.running import RunningIngest
from tests.sdks.between import Between
from tests.sdks.sending import ALL, PYTHON, RUDDER_NODE, SEGMENT_NODE, Call, Sdk, send
from tests.sdks.topics import events, ids, records

pytestmark = pytest.mark.sdks

TRACKED = 230
"""More than two of the largest batches."""


def track(account: str, number: int = 0, **more: Any) -> Call:
    return {
        "type": "track",
        "userId": f"ann of {account}",
        "event": "Report Exported",
        "properties": {"pages": number},
        "context": {"groupId": account},
    } | more


@pytest.mark.parametrize("sdk", ALL, ids=str)
async def test_every_event_is_on_the_topic_once(
    sdk: Sdk, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    context = {"groupId": account, "traits": {"email": f"ann@{account}.example"}, "ip": "192.0.2.77"}
    person = {"userId": f"ann of {account}", "context": context}
    calls: list[Call] = [track(account, number) for number in range(TRACKED)]
    calls += [
        {"type": "page", "name": "Pricing", **person},
        {"type": "screen", "name": "Home", **person},
        {"type": "group", "groupId": account, "traits": {"name": "Acme", "plan": "pro"}, **person},
        {"type": "identify", "traits": {"email": f"ann@{account}.example"}, **person},
        {"type": "alias", "previousId": f"visitor of {account}", **person},
    ]
    outcome = await send(sdk, front.url, edge.key, calls)
    assert outcome.errors == []
    assert {request.status for request in front.seen} == {200}
    assert {request.path for request in front.seen} == {"/v1/batch"}
    kind = {call["messageId"]: call["type"] for request in front.seen for call in request.body["batch"]}
    assert len(front.sent) == len(kind) == len(calls)
    usage = await events(stack.bootstrap, "usage", account)
    assert Counter(e["id"] for e in usage) == Counter(i for i, k in kind.items() if k in {"track", "page", "screen"})
    features = Counter(event["data"]["feature"] for event in usage)
    assert features == {"Report Exported": TRACKED, "Pricing page": 1, "Home screen": 1}
    (facts,) = await events(stack.bootstrap, "accounts", account)
    assert facts["id"] in {i for i, k in kind.items() if k == "group"}
    assert facts["data"] == {"name": "Acme", "plan": "pro"}
    learned = {event["data"]["lookup"] for event in await events(stack.bootstrap, "identities", account)}
    people = Pseudonyms(PSEUDONYM_SECRET)
    assert learned == {f"actor:{people.of(f'{who} of {account}')}" for who in ("ann", "visitor")}


@pytest.mark.parametrize("sdk", ALL, ids=str)
async def test_neither_the_key_nor_a_person_is_on_any_topic(
    sdk: Sdk, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account, run = f"acct-{random_id()}", random_id()
    mail, person = f"{run}@example.org", f"person {run}"
    context = {"groupId": account, "ip": "192.0.2.77", "traits": {"email": mail}}
    calls = [
        track(account, context=context, userId=person),
        track(account, context=context | {"groupId": f"{account} {'x' * 300}"}, userId=person),
        {"type": "group", "userId": person, "groupId": account, "traits": {"email": mail}},
    ]
    await send(sdk, front.url, edge.key, calls)
    assert all(request.key == edge.key or edge.key.encode() in request.raw for request in front.seen)
    found = 0
    for topic in ("usage", "accounts", "identities", "unresolved", "quarantine", "contacts"):
        for record in await records(stack.bootstrap, topic):
            said = (record.key or b"") + (record.value or b"")
            found += account.encode() in said
            hidden = [edge.key.split("_")[3], mail, person] + ["192.0.2.77"] * (account.encode() in said)
            assert [word for word in hidden if word.encode() in said] == [], topic
    assert found >= 3, "usage, the account's facts, the refused call"


@pytest.mark.parametrize("sdk", ALL, ids=str)
async def test_zipped_and_plain_bodies_are_read_alike(
    sdk: Sdk, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    for options in ({}, {"gzip": not sdk.zips}) if sdk is not SEGMENT_NODE else ({},):
        await send(sdk, front.url, edge.key, [track(account)], options=options)
    zipped = ["content-encoding" in request.headers for request in front.seen]
    assert zipped == [sdk.zips, not sdk.zips][: len(zipped)]
    assert Counter(await ids(stack.bootstrap, "usage", account)) == Counter(front.sent)


@pytest.mark.parametrize("sdk", PYTHON, ids=str)
async def test_what_is_no_json_is_taken_as_what_was_meant(
    sdk: Sdk, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    odd = {"ratio": math.nan, "most": math.inf, "least": -math.inf, "name": "caf\udce9"}
    calls = [track(account), track(account, properties=odd), track(account, event="Named \ud800 oddly")]
    outcome = await send(sdk, front.url, edge.key, calls)
    assert outcome.errors == []
    (request,) = front.seen
    assert b"NaN" in request.raw or sdk.zips
    assert math.isnan(request.body["batch"][1]["properties"]["ratio"])
    usage = await events(stack.bootstrap, "usage", account)
    assert Counter(e["id"] for e in usage) == Counter(front.sent)
    assert Counter(e["data"]["feature"] for e in usage) == {"Report Exported": 2, "Named � oddly": 1}


@pytest.mark.parametrize("sdk", ALL, ids=str)
async def test_a_bad_event_is_quarantined_once_and_the_rest_of_its_batch_is_taken(
    sdk: Sdk, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    calls = [track(account, n) for n in range(5)]
    calls[2]["context"] = {"groupId": f"{account} {'x' * 300}"}
    outcome = await send(sdk, front.url, edge.key, calls)
    assert outcome.errors == [], "an answer that names a refused event is a success to the SDK"
    assert len(front.sent) == len(set(front.sent)) == 5, "nothing is sent again"
    (bad,) = [refused for request in front.seen for refused in request.answer["rejected"]]
    assert (bad["code"], bad["field"]) == ("subject_invalid", "context.groupId")
    assert Counter(await ids(stack.bootstrap, "usage", account)) == Counter(i for i in front.sent if i != bad["id"])
    kept = [json.loads(r.value or b"") for r in await records(stack.bootstrap, "quarantine")]
    (mine,) = [one for one in kept if bad["id"] in str(one)]
    assert (mine["code"], mine["field"]) == ("subject_invalid", "context.groupId")


@pytest.mark.parametrize("sdk", [SEGMENT_NODE, RUDDER_NODE], ids=str)
async def test_bodies_beyond_what_the_vendors_allow_are_taken(
    sdk: Sdk, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    calls = [track(account, n, properties={"note": "a" * 30_000}) for n in range(25)]
    outcome = await send(sdk, front.url, edge.key, calls, options={"flushAt": 25, "gzip": False})
    assert outcome.errors == []
    if sdk is SEGMENT_NODE:  # it does not count every character
        assert max(len(request.raw) for request in front.seen) > 500_000
    assert {request.status for request in front.seen} == {200}
    assert Counter(await ids(stack.bootstrap, "usage", account)) == Counter(front.sent)
    assert len(front.sent) == 25


@pytest.mark.parametrize("sdk", [SEGMENT_NODE, RUDDER_NODE], ids=str)
async def test_an_event_that_the_sdk_lets_grow_too_large_is_refused_alone(
    sdk: Sdk, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    calls = [track(account, 0), track(account, 1, properties={"note": "a" * 40_000}), track(account, 2)]
    outcome = await send(sdk, front.url, edge.key, calls)
    assert outcome.errors == []
    (bad,) = [refused for request in front.seen for refused in request.answer["rejected"]]
    assert bad["code"] == "event_too_large"
    assert len(front.sent) == 3
    assert Counter(await ids(stack.bootstrap, "usage", account)) == Counter(i for i in front.sent if i != bad["id"])


@pytest.mark.parametrize("path", ["/v1/b", "/v1/import"])
async def test_other_paths_of_older_releases_work_too(
    path: str, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    outcome = await send(SEGMENT_NODE, front.url, edge.key, [track(account)], options={"path": path})
    assert outcome.errors == []
    assert [request.path for request in front.seen] == [path]
    assert await ids(stack.bootstrap, "usage", account) == front.sent
