"""A refused event, sent again on its road once it can be taken."""

from typing import Any

import pytest
from truenorth_ingest.domain.keys import REPLAY_SCOPE, WRITE_SCOPE
from truenorth_ingest.domain.pseudonyms import Pseudonyms

from tests.ingest.doubles import PSEUDONYM_SECRET, Edge, stored_key, usage

of = Pseudonyms(PSEUDONYM_SECRET).of


@pytest.fixture
def edge() -> Edge:
    edge = Edge()
    edge.keys.keys["key1"] = stored_key(scopes=frozenset({REPLAY_SCOPE, WRITE_SCOPE}))
    return edge


def _of(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    names = ("route", "original", "key_name", "recordedtime")
    return {name: record[name] for name in names} | {"place": "0:1"} | changes


async def test_an_event_that_was_refused_is_taken_for_the_same_person_at_its_own_time(edge: Edge) -> None:
    await edge.post(usage(type="usage.recorderd", id=None, time=None, source=None, data={"feature": "x", "actor": "u"}))
    (record,) = edge.log.values("quarantine")
    edge.clock.advance(seconds=3_600)
    edge.keys.keys["key1"] = stored_key(scopes=frozenset({REPLAY_SCOPE}), name="replayer")
    fixed = record["original"].replace("recorderd", "recorded")
    for _ in range(2):
        answer = await edge.post(_of(record, original=fixed), path="/v1/replay")
        assert answer.json() == {"success": True, "accepted": 1, "rejected": []}
    taken, again = edge.log.values("usage")
    assert taken["data"]["actor"] == of("u")
    assert taken["time"] == record["recordedtime"]
    assert taken["source"] == "key backend"
    assert taken["id"] == again["id"] == "quarantine 0:1"


async def test_a_call_of_an_sdk_is_replayed_by_its_own_reader(edge: Edge) -> None:
    call = {"type": "trakc", "event": "Export", "userId": "u", "context": {"groupId": "acct-1", "ip": "203.0.113.7"}}
    await edge.post({"batch": [call]}, path="/v1/batch")
    (record,) = edge.log.values("quarantine")
    assert record["route"] == "tracking"
    fixed = record["original"].replace("trakc", "track")
    answer = await edge.post(_of(record, original=fixed), path="/v1/replay")
    assert answer.json()["accepted"] == 1
    (taken,) = edge.log.values("usage")
    assert (taken["subject"], taken["data"]["actor"]) == ("acct-1", of("u"))


async def test_a_call_that_came_by_a_road_of_its_own_kind_is_replayed_as_that(edge: Edge) -> None:
    original = '{"event":"Export","userId":"u","context":{"groupId":"acct-1"}}'
    said = {"route": "tracking/track", "original": original, "place": "0:1"}
    assert (await edge.post(said, path="/v1/replay")).json()["accepted"] == 1
    (taken,) = edge.log.values("usage")
    assert (taken["id"], taken["data"]["feature"]) == ("quarantine 0:1", "Export")
    assert (await edge.post({**said, "route": "tracking/x"}, path="/v1/replay")).json()["code"] == "route_unknown"


async def test_a_webhook_that_nothing_names_is_the_same_event_when_its_replay_is_repeated() -> None:
    edge = Edge(connector_secrets={"TRUENORTH_CONNECTOR_SECRET_FRESHDESK": ("t",)})
    edge.keys.keys["key1"] = stored_key(scopes=frozenset({REPLAY_SCOPE}))
    original = '{"event":"ticket.reopened","ticket_id":"7","account_id":"acct-7"}'
    for _ in range(2):
        said = {"route": "webhooks/freshdesk", "original": original, "place": "0:1"}
        assert (await edge.post(said, path="/v1/replay")).json()["accepted"] == 1
    assert [event["id"] for event in edge.log.values("tickets")] == ["quarantine 0:1-0"] * 2


async def test_a_dry_run_takes_nothing(edge: Edge) -> None:
    answer = await edge.post({"route": "events", "original": '{"type":"x"}', "dry_run": True}, path="/v1/replay")
    assert [bad["code"] for bad in answer.json()["rejected"]] == ["type_not_accepted"]
    answer = await edge.post(
        {
            "route": "events",
            "original": '{"type":"usage.recorded","subject":"a","data":{"feature":"f"}}',
            "dry_run": True,
        },
        path="/v1/replay",
    )
    assert answer.json()["accepted"] == 1
    assert not edge.log.records


async def test_what_is_still_wrong_is_refused_as_before(edge: Edge) -> None:
    answer = await edge.post({"route": "events", "original": '{"type":"usage.recorded"}'}, path="/v1/replay")
    assert (answer.status_code, answer.json()["rejected"][0]["code"]) == (200, "subject_missing")
    assert len(edge.log.values("quarantine")) == 1


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"route": "uploads", "original": "{}"}, "route_unknown"),
        ({"route": "events", "original": "[12 bytes, text]"}, "body_invalid"),
        ({"route": "events"}, "body_invalid"),
        ({"route": "events", "original": "{}", "key_name": "a\0b"}, "body_invalid"),
        ({"route": "webhooks/nobody", "original": "{}"}, "connector_unknown"),
        ({"route": "events", "original": "{}", "recordedtime": "yesterday"}, "time_unreadable"),
    ],
)
async def test_what_cannot_be_replayed_is_told(edge: Edge, said: Any, code: str) -> None:
    answer = await edge.post(said, path="/v1/replay")
    assert answer.json()["code"] == code
    assert 400 <= answer.status_code < 500


async def test_a_replay_needs_its_scope() -> None:
    answer = await Edge().post({"route": "events", "original": "{}"}, path="/v1/replay")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
