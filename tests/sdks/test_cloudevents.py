"""The CloudEvents SDK in both of its modes, by its present API and the one before."""

import json
from datetime import UTC, datetime

import pytest
from truenorth.ids import random_id
from truenorth_local.stack import LocalStack

from tests.ingest.running import RunningIngest
from tests.sdks.sending import HERE, INSTALLED, run
from tests.sdks.topics import events, records

pytestmark = pytest.mark.sdks

PROGRAM = str(INSTALLED / "cloudevents-2.2.0" / "bin" / "python"), str(HERE / "programs" / "cloudevents_send.py")


@pytest.mark.parametrize("mode", ["binary", "structured", "binary, old API", "structured, old API"])
async def test_every_event_is_on_the_topic_once(mode: str, stack: LocalStack, edge: RunningIngest) -> None:
    # The old API does not encode headers.
    account = f"acct-{random_id()}" if mode == "binary, old API" else f"Zoë & Sons, 100 % {random_id()}"
    at = datetime.now(UTC).replace(microsecond=0).isoformat()
    sent: list[tuple[dict[str, str], dict[str, object]]] = [
        (
            {
                "specversion": "1.0",
                "type": "usage.recorded",
                "source": "/shop",
                "id": random_id(),
                "subject": account,
                "time": at,
                "datacontenttype": "application/json",
            },
            {"feature": f"export {number}", "count": number + 2},
        )
        for number in range(20)
    ]
    asked = {"url": f"{edge.url}/v1/events", "key": edge.key, "mode": mode, "events": sent}
    answers = await run(PROGRAM, asked)
    assert answers == [[200, {"success": True, "accepted": 1, "rejected": []}]] * len(sent)
    found = {event["id"]: event for event in await events(stack.bootstrap, "usage", account)}
    assert len(found) == len(await events(stack.bootstrap, "usage", account)) == len(sent)
    for attributes, data in sent:
        event = found[attributes["id"]]
        assert {name: event[name] for name in ("type", "source", "subject")} == {
            name: attributes[name] for name in ("type", "source", "subject")
        }
        assert datetime.fromisoformat(event["time"]) == datetime.fromisoformat(at)
        assert event["data"] == data


@pytest.mark.parametrize("mode", ["binary", "structured"])
async def test_a_bad_event_is_named_and_kept(mode: str, stack: LocalStack, edge: RunningIngest) -> None:
    account = f"acct-{random_id()}"
    attributes = {
        "specversion": "1.0",
        "type": "usage.recorded",
        "source": "/shop",
        "id": random_id(),
        "subject": account,
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
    }
    asked = {"url": f"{edge.url}/v1/events", "key": edge.key, "mode": mode, "events": [[attributes, {"count": "many"}]]}
    ((status, answer),) = await run(PROGRAM, asked)
    assert (status, answer["code"], answer["accepted"]) == (400, "nothing_taken", 0)
    assert [bad["code"] for bad in answer["rejected"]] == ["data_invalid"]
    kept = [json.loads(r.value or b"") for r in await records(stack.bootstrap, "quarantine")]
    assert [one["code"] for one in kept if attributes["id"] in str(one)] == ["data_invalid"]


async def test_a_wrong_key_is_refused(edge: RunningIngest) -> None:
    at = datetime.now(UTC).isoformat()
    event = [
        {"specversion": "1.0", "type": "usage.recorded", "source": "/s", "id": "1", "subject": "a", "time": at},
        {},
    ]
    asked = {"url": f"{edge.url}/v1/events", "key": "tn_no", "mode": "structured", "events": [event]}
    ((status, answer),) = await run(PROGRAM, asked)
    assert (status, answer["code"]) == (401, "key_malformed")
