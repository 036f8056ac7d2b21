"""SDK calls through the whole door: what they become, whose they are, when they were, and how they are refused."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth.clock import ManualClock
from truenorth.codec import parse_time, rfc3339
from truenorth.definitions.intake import TrackRule, Trait
from truenorth.definitions.model import Bundle, Definitions
from truenorth_ingest.api.tracking import BATCH_PATHS, CALL_PATHS
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.domain.times import Times
from truenorth_ingest.domain.tracking.calls import Call
from truenorth_ingest.domain.tracking.when import SKEW_MS_MIN, Moments

from tests.ingest.doubles import KEY, PSEUDONYM_SECRET, Edge, basic

PEOPLE = Pseudonyms(PSEUDONYM_SECRET)
NOW_MS = ManualClock().now_ms()
BATCH = "/v1/batch"


@pytest.fixture
def edge() -> Edge:
    return Edge()


def track(**changes: Any) -> dict[str, Any]:
    call: dict[str, Any] = {
        "type": "track",
        "event": "Report Exported",
        "userId": "u1",
        "messageId": "m1",
        "timestamp": rfc3339(NOW_MS - 1000),
        "context": {"groupId": "acme", "ip": "10.1.2.3", "traits": {"email": "ann@acme.example"}},
    }
    return {name: value for name, value in {**call, **changes}.items() if value is not None}


def group(**changes: Any) -> dict[str, Any]:
    return {"type": "group", "groupId": "acme", "userId": "u1", "messageId": "g1", **changes}


async def send(edge: Edge, *calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await edge.post({"batch": list(calls), **more}, path=BATCH)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_tracked_call_is_usage_of_a_feature_of_its_name(edge: Edge) -> None:
    assert await send(edge, track()) == {"success": True, "accepted": 1, "rejected": []}
    (value,) = edge.log.values("usage")
    assert (value["id"], value["subject"], value["source"]) == ("m1", "acme", "key backend")
    assert value["data"] == {"feature": "Report Exported", "actor": PEOPLE.of("u1")}


async def test_nothing_that_names_a_person_reaches_a_topic(edge: Edge) -> None:
    await send(edge, track(), group(traits={"name": "Acme", "email": "ann@acme.example", "phone": "+49 1"}))
    written = b"".join(record.value or b"" for record in edge.log.records)
    for private in (b"u1", b"10.1.2.3", b"ann@", b"+49", KEY.encode()):
        assert private not in written


@pytest.mark.parametrize("path", [*BATCH_PATHS, "/v1/batch/"])
async def test_a_batch_is_taken_at_every_path_that_sdks_know(edge: Edge, path: str) -> None:
    assert (await edge.post({"batch": [track()]}, path=path)).json()["accepted"] == 1


@pytest.mark.parametrize(("path", "kind"), list(CALL_PATHS.items()))
async def test_a_single_call_takes_its_kind_from_its_path(edge: Edge, path: str, kind: str) -> None:
    call = {"userId": "u1", "groupId": "acme", "event": "X", "name": "Home", "context": {"groupId": "acme"}}
    answer = await edge.post(call, path=path)
    assert answer.json() == {"success": True, "accepted": 1, "rejected": []}, kind


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
async def test_the_content_type_does_not_matter_and_gzip_is_welcome(edge: Edge, kind: str) -> None:
    body = gzip.compress(json.dumps({"batch": [track()]}).encode())
    answer = await edge.post(body, path=BATCH, content_encoding="gzip", content_type=kind)
    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize("place", ["basic", "bearer", "header", "body"])
async def test_the_key_is_taken_wherever_it_is(edge: Edge, place: str) -> None:
    body: dict[str, Any] = {"batch": [track()]} | ({"writeKey": KEY} if place == "body" else {})
    headers = {
        "basic": {"authorization": basic(KEY)},
        "bearer": {"authorization": f"Bearer {KEY}"},
        "header": {"x_write_key": KEY},
        "body": {},
    }[place]
    answer = await edge.post(body, key=None, path=BATCH, **headers)
    assert answer.status_code == 200, answer.text
    assert KEY.encode() not in b"".join(record.value or b"" for record in edge.log.records)


async def test_no_key_anywhere_and_a_wrong_one_are_told_with_code_and_message(edge: Edge) -> None:
    missing = await edge.post({"batch": [track()]}, key=None, path=BATCH)
    wrong = await edge.post({"batch": [track()], "writeKey": "nonsense"}, key=None, path=BATCH)
    colon = base64.b64encode(b"nonsense:").decode()
    basic_wrong = await edge.post({"batch": []}, key=None, path=BATCH, authorization=f"Basic {colon}")
    assert [(a.status_code, a.json()["code"]) for a in (missing, wrong, basic_wrong)] == [
        (401, "key_missing"),
        (401, "key_malformed"),
        (401, "key_malformed"),
    ]
    assert all(answer.json()["message"] for answer in (missing, wrong, basic_wrong))


async def test_what_is_not_quite_json_is_repaired_once(edge: Edge) -> None:
    call = b'{"type": "track", "event": "a\\ud800b", "userId": "u", "properties": {"groupId": "acme", "x": NaN}}'
    body = b'{"batch": [' + call + b"]}"
    answer = await edge.post(body, path=BATCH)
    assert answer.json()["accepted"] == 1
    assert edge.log.values("usage")[0]["data"]["feature"] == "a�b"
    assert edge.meter.counts["repaired"] == 1


@pytest.mark.parametrize(
    ("call", "account"),
    [
        (group(context={"groupId": "other"}), "acme"),
        (track(properties={"groupId": "p"}), "acme"),
        (track(context=None, properties={"groupId": "p", "accountId": "q"}), "p"),
        (track(context=None, properties={"accountId": 42}), "42"),
        (track(context={"traits": {"account_id": "ct"}}, traits={"accountId": "t"}), "ct"),
        (track(context=None, traits={"accountExternalId": "t"}), "t"),
    ],
)
async def test_the_account_is_found_in_a_fixed_order(edge: Edge, call: dict[str, Any], account: str) -> None:
    await send(edge, call)
    subjects = [json.loads(r.value or b"")["subject"] for r in edge.log.records if "identities" not in r.topic]
    assert subjects == [account]


async def test_the_context_of_the_batch_counts_for_calls_without_one(edge: Edge) -> None:
    await send(edge, track(context=None), context={"groupId": "whole"})
    assert edge.log.values("usage")[0]["subject"] == "whole"


async def test_a_call_of_somebody_unknown_waits_and_says_so(edge: Edge) -> None:
    told = await send(edge, track(context=None))
    assert (told["accepted"], told["unresolved"]) == (1, 1)
    (held,) = edge.log.values("unresolved")
    assert held["data"]["lookups"] == [f"actor:{PEOPLE.of('u1')}"]
    assert (held["data"]["event_id"], held["data"]["reason"]) == ("m1", "unknown")
    assert edge.log.values("usage") == []


async def test_somebody_of_two_accounts_is_never_guessed(edge: Edge) -> None:
    edge.accounts.known[f"actor:{PEOPLE.of('u1')}"] = ["a", "b"]
    assert (await send(edge, track(context=None)))["unresolved"] == 1
    assert edge.log.values("unresolved")[0]["data"]["reason"] == "ambiguous"


async def test_what_a_group_call_teaches_holds_at_once_and_is_told_once(edge: Edge) -> None:
    assert "unresolved" not in await send(edge, group(), track(context=None))
    assert "unresolved" not in await send(edge, group(messageId="g2"), track(context=None, messageId="m2"))
    assert [value["subject"] for value in edge.log.values("usage")] == ["acme", "acme"]
    assert [value["data"]["lookup"] for value in edge.log.values("identities")] == [f"actor:{PEOPLE.of('u1')}"]


async def test_what_was_learned_is_told_again_when_the_broker_did_not_take_it(edge: Edge) -> None:
    edge.log.broken = True
    assert (await edge.post({"batch": [group()]}, path=BATCH)).status_code == 503
    edge.log.broken = False
    await send(edge, group())
    assert len(edge.log.values("identities")) == 1


async def test_identify_and_alias_with_an_account_teach_and_are_no_events(edge: Edge) -> None:
    identify = {"type": "identify", "userId": "u2", "anonymousId": "v2", "context": {"groupId": "acme"}}
    alias = {"type": "alias", "userId": "u3", "previousId": "v3", "context": {"groupId": "acme"}}
    assert (await send(edge, identify, alias, {"type": "identify", "userId": "u9"}))["accepted"] == 3
    told = {value["data"]["lookup"] for value in edge.log.values("identities")}
    assert told == {f"actor:{PEOPLE.of(person)}" for person in ("u2", "v2", "u3", "v3")}
    assert len(edge.log.records) == 4


@pytest.mark.parametrize("kind", ["identify", "alias"])
async def test_ids_of_one_person_share_what_is_known_of_any(edge: Edge, kind: str) -> None:
    edge.accounts.known[f"actor:{PEOPLE.of('u1')}"] = ["acme"]
    other = {"anonymousId": "v1"} if kind == "identify" else {"previousId": "v1"}
    stranger = {"anonymousId": "v7"} if kind == "identify" else {"previousId": "v7"}
    told = await send(edge, {"type": kind, "userId": "u1", **other}, {"type": kind, "userId": "u7", **stranger})
    assert told == {"success": True, "accepted": 2, "rejected": []}
    lookups = {value["data"]["lookup"] for value in edge.log.values("identities")}
    assert f"actor:{PEOPLE.of('v1')}" in lookups
    assert f"actor:{PEOPLE.of('v7')}" not in lookups
    assert edge.log.values("unresolved") == []


async def test_what_a_batch_teaches_is_no_answer_while_nobody_can_be_asked(edge: Edge) -> None:
    edge.accounts.down = True
    told = await send(edge, group(), track(context=None))
    assert (told["accepted"], told["unresolved"]) == (2, 1)
    assert edge.log.values("unresolved")[0]["data"]["reason"] == "unavailable"


async def test_known_people_keep_working_while_the_map_is_away_and_others_wait(edge: Edge) -> None:
    edge.accounts.known[f"actor:{PEOPLE.of('u1')}"] = ["acme"]
    await send(edge, track(context=None))
    edge.accounts.down = True
    edge.clock.advance(seconds=3600)
    told = await send(edge, track(context=None, messageId="m2"))
    assert (told["accepted"], told.get("unresolved", 0)) == (1, 0)
    both = await send(edge, track(context=None, userId="new", messageId="m3"), track(context=None, messageId="m4"))
    assert (both["accepted"], both["unresolved"]) == (2, 1)
    assert edge.log.values("unresolved")[0]["data"]["reason"] == "unavailable"


async def test_traits_of_a_group_are_facts_by_an_allow_list(edge: Edge) -> None:
    traits = {"name": "Acme", "createdAt": "2024-02-01T10:00:00Z", "plan": None, "employees": 50, "website": "x"}
    await send(edge, group(traits=traits))
    assert edge.log.values("accounts")[0]["data"] == {"name": "Acme", "signed_up_on": "2024-02-01"}


async def test_a_trait_that_cannot_be_the_fact_is_refused_by_its_name(edge: Edge) -> None:
    told = await send(edge, group(traits={"createdAt": "last week"}), track())
    assert told["accepted"] == 1
    (rejected,) = told["rejected"]
    assert (rejected["code"], rejected["field"]) == ("data_invalid", "traits.createdAt")
    assert rejected["message"].endswith("correct traits.createdAt")


@pytest.mark.parametrize(
    ("call", "code", "field"),
    [
        ({"type": "track", "event": "X"}, "actor_missing", "userId"),
        ({"type": "track", "userId": "u"}, "event_invalid", "event"),
        ({"type": "walk", "userId": "u"}, "call_unknown", "type"),
        ({"userId": "u"}, "call_unknown", "type"),
        ({"type": "group", "userId": "u"}, "subject_missing", "groupId"),
        (track(event="x" * 129), "event_invalid", "event"),
        (track(messageId="x" * 257), "id_invalid", "messageId"),
        (track(timestamp="yesterday"), "time_unreadable", "timestamp"),
        (track(userId=1.5), "event_invalid", "userId"),
        (track(context={"groupId": {"id": 1}}), "subject_invalid", "context.groupId"),
        (track(event="a\u0000b"), "data_invalid", "data"),
        (track(properties={"x": "y" * 33_000}), "event_too_large", ""),
    ],
)
async def test_a_bad_call_is_refused_by_itself(edge: Edge, call: dict[str, Any], code: str, field: str) -> None:
    told = await send(edge, call, track(messageId="good"))
    assert told["accepted"] == 1
    (rejected,) = told["rejected"]
    assert (rejected["index"], rejected["code"], rejected["field"]) == (0, code, field)
    assert edge.log.values("quarantine")[0]["route"] == "tracking"


@pytest.mark.parametrize("body", [b"[]", b"7", b'{"batch": {}}', b"{}", b"", b'{"batch": [1}'])
async def test_a_body_that_is_no_batch_is_refused_whole(edge: Edge, body: bytes) -> None:
    answer = await edge.post(body, path=BATCH)
    assert (answer.status_code, answer.json()["code"]) == (400, "body_invalid")


async def test_a_batch_of_a_full_sdk_is_taken(edge: Edge) -> None:
    calls = [track(messageId=f"m{n}", properties={"text": "x" * 4_600}) for n in range(105)]
    body = json.dumps({"batch": calls}).encode()
    assert 500_000 < len(body) < 520_000
    assert (await edge.post(body, path=BATCH)).json()["accepted"] == 105


def in_force(edge: Edge, **sections: Any) -> None:
    edge.defined.take(Bundle("h1", 1, 0, Definitions(**sections)))


async def test_rules_say_what_calls_mean(edge: Edge) -> None:
    in_force(
        edge,
        tracking=[
            TrackRule(event="Heartbeat", ignore=True),
            TrackRule(event="Report Exported", feature="export", module="reports", count="properties.rows"),
            TrackRule(event="Report *", feature="report"),
            TrackRule(event="*", call="page", ignore=True),
            TrackRule(event="Went Live", type="account.updated", data={"live_on": "=properties.day", "tier": "gold"}),
        ],
        traits=[Trait(trait="mrr", fact="arr", times=1200)],
    )
    told = await send(
        edge,
        track(event="Heartbeat"),
        track(properties={"rows": 7}),
        track(event="Report Opened"),
        {"type": "page", "name": "Home", "userId": "u1"},
        track(event="Went Live", properties={"day": "2025-09-01"}),
        group(traits={"mrr": 99.5}),
        track(properties={"rows": "many"}),
    )
    assert (told["accepted"], told["rejected"][0]["field"]) == (6, "data.count")
    usage = [(value["data"]["feature"], value["data"].get("count", 1)) for value in edge.log.values("usage")]
    assert usage == [("export", 7), ("report", 1)]
    facts = [value["data"] for value in edge.log.values("accounts")]
    assert facts == [{"tier": "gold", "live_on": "2025-09-01"}, {"arr": 119_400}]


async def test_rules_that_cannot_be_read_replace_none(edge: Edge) -> None:
    in_force(edge, tracking=[TrackRule(event="A", feature="a-feature")])
    await send(edge, track(event="A"))
    edge.defined.take(Bundle("h2", 2, 0, Definitions(tracking=[TrackRule(event="A", count="not (an expression")])))
    await send(edge, track(event="A", messageId="m2"))
    assert [value["data"]["feature"] for value in edge.log.values("usage")] == ["a-feature", "a-feature"]


async def test_the_b2b_vocabulary_says_things_about_the_account(edge: Edge) -> None:
    names = ("Account Created", "Trial Started", "Trial Ended", "Account Deleted", "Signed In")
    await send(edge, *(track(event=name, messageId=name) for name in names))
    assert [value["type"] for value in edge.log.values("accounts")] == [*["account.updated"] * 3, "account.churned"]
    assert [value["data"]["feature"] for value in edge.log.values("usage")] == ["Signed In"]


@given(
    ago_ms=st.integers(0, 10**10),
    behind_ms=st.integers(-(10**9), 10**9),
    way_ms=st.integers(0, SKEW_MS_MIN),
    has_sent_at=st.booleans(),
)
def test_a_wrong_clock_is_made_good(ago_ms: int, behind_ms: int, way_ms: int, has_sent_at: bool) -> None:
    """``receivedAt - (sentAt - originalTimestamp)``, and never more than a little ahead."""
    sent_ms = NOW_MS - behind_ms
    told_ms = max(0, sent_ms - ago_ms)
    call = Call(timestamp=rfc3339(told_ms), sent_at=rfc3339(sent_ms) if has_sent_at else None)
    got_ms = parse_time(Moments(Times(future_ms_max=300_000), sent_at=None, now_ms=NOW_MS).of(call))
    meant_ms = max(0, NOW_MS - (sent_ms - told_ms)) if has_sent_at else told_ms
    if meant_ms > NOW_MS + 300_000:
        assert got_ms == NOW_MS
    else:
        assert abs(got_ms - meant_ms) <= SKEW_MS_MIN
        assert has_sent_at or got_ms == meant_ms


@pytest.mark.parametrize(
    "number", ["1e999", "1" + "0" * 400, "1" * 5_000], ids=["infinite", "401 digits", "5000 digits"]
)
@pytest.mark.parametrize("trait", ["seats", "plan", "created_at", "whatever"])
async def test_a_number_beyond_all_bounds_costs_its_own_call_alone(edge: Edge, trait: str, number: str) -> None:
    call = f'{{"type":"group","userId":"u","groupId":"acme","traits":{{"{trait}":{number}}}}}'
    good = '{"type":"track","userId":"u","event":"Export","context":{"groupId":"acme"}}'
    answer = await edge.post(f'{{"batch":[{call},{good}]}}'.encode(), path="/v1/batch")
    assert answer.status_code == 200
    assert [event["data"]["feature"] for event in edge.log.values("usage")] == ["Export"]
