"""The other roads of the simulated traffic: calls that mean the same, webhooks that verify, mistakes that are some."""

import httpx
import msgspec
import pytest
from truenorth.clock import ManualClock
from truenorth.definitions.intake import Signature
from truenorth.definitions.parse import load_directory
from truenorth.events.inputs import UsageRecorded
from truenorth.samples.book import FEATURES, make_book
from truenorth.samples.errands import CONNECTORS, Errand, errands_of
from truenorth.samples.events import SampleEvent
from truenorth.samples.live import Happens, play
from truenorth.samples.roads import (
    PlainEvents,
    Roads,
    SdkCalls,
    Webhook,
    as_sdk_call,
    is_sdk_usage,
    signed,
)
from truenorth.samples.sender import EventSender
from truenorth_ingest.domain.accepting import TYPES_TAKEN
from truenorth_ingest.domain.tracking.meaning import Meanings
from truenorth_ingest.domain.vendors.stripe import read as read_stripe
from truenorth_ingest.domain.webhooks.mapping import CompiledMappings
from truenorth_ingest.domain.webhooks.verifying import verified

from .test_definitions_parse import CONFIG

NOW_MS = 1_795_370_000_000
DEFINITIONS = load_directory(CONFIG)


def errands(accounts: int = 60) -> list[Errand]:
    return errands_of(make_book(accounts=accounts, seed=7), start_ms=NOW_MS)


@pytest.mark.parametrize(
    ("module", "feature"), [(module, feature) for module, features in FEATURES.items() for feature in features]
)
def test_the_example_rules_lead_an_sdk_call_back_to_the_feature_it_is(module: str, feature: str) -> None:
    event = SampleEvent("e1", "acct-1", NOW_MS, UsageRecorded(feature=feature, module=module, actor="u1"))
    if not is_sdk_usage(event):
        assert feature == "api-call"
        return
    call = as_sdk_call(event)
    raw = msgspec.json.encode(call)
    meant = Meanings(DEFINITIONS.tracking).of(call["type"], call.get("event") or call["name"])(raw, "")
    assert meant is not None
    assert meant.payload == UsageRecorded(feature=feature, module=module)
    assert (call["userId"], call["messageId"], call["context"]) == ("u1", "e1", {"groupId": "acct-1"})


def test_what_is_no_single_use_is_left_to_the_back_end() -> None:
    assert not is_sdk_usage(SampleEvent("e", "a", 0, UsageRecorded(feature="board", count=3)))
    assert not is_sdk_usage(SampleEvent("e", "a", 0, UsageRecorded(feature="something else")))


def test_errands_come_in_order_within_the_minute_and_each_run_has_its_own_ids() -> None:
    made = errands()
    assert [one.after_s for one in made] == sorted(one.after_s for one in made)
    assert made[-1].after_s < 60
    assert made == errands()
    assert made != errands_of(make_book(accounts=60, seed=7), start_ms=NOW_MS + 1)
    assert errands_of([], start_ms=NOW_MS) == []


def test_every_connector_of_the_errands_has_a_webhook() -> None:
    assert {one.parcel.connector for one in errands() if isinstance(one.parcel, Webhook)} == set(CONNECTORS)


def test_the_academy_webhook_verifies_and_is_a_training_by_the_example_connector() -> None:
    academy = next(one for one in DEFINITIONS.connectors if one.id == "academy")
    webhook = next(
        one.parcel for one in errands() if isinstance(one.parcel, Webhook) and one.parcel.connector != "stripe"
    )
    body = msgspec.json.encode(webhook.payload)
    assert academy.signature is not None
    headers = signed("academy", "s3cret", body, NOW_MS)
    verified(academy.signature, ["s3cret"], body=body, headers=headers, method="POST", url="", now_ms=NOW_MS)
    told = CompiledMappings(academy).read(webhook.payload, headers)
    assert [(one.type, one.account) for one in told] == [("engagement.held", webhook.payload["attended"][0]["account"])]


def test_the_stripe_webhooks_verify_and_are_bills_of_customers_nobody_has_claimed() -> None:
    stripe = Signature(
        header="Stripe-Signature", signed="{timestamp}.{body}", separator=",", prefix="v1=", timestamp_prefix="t="
    )
    said = []
    for webhook in [
        one.parcel for one in errands() if isinstance(one.parcel, Webhook) and one.parcel.connector == "stripe"
    ]:
        body = msgspec.json.encode(webhook.payload)
        headers = signed("stripe", "whsec_1", body, NOW_MS)
        verified(stripe, ["whsec_1"], body=body, headers=headers, method="POST", url="", now_ms=NOW_MS)
        said += [(one.type, one.account, len(one.lookups)) for one in read_stripe(webhook.payload, headers)]
    assert said == [("invoice.issued", "", 1), ("invoice.issued", "", 1), ("invoice.paid", "", 1)]


def test_a_mistake_is_one_by_the_edges_own_list() -> None:
    wrong = [event for one in errands() if isinstance(one.parcel, PlainEvents) for event in one.parcel.events]
    assert any(event["type"] not in TYPES_TAKEN for event in wrong)


async def test_live_traffic_takes_every_road_and_posts_each_event_once() -> None:
    posted: dict[str, list[httpx.Request]] = {}
    told: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        posted.setdefault(request.url.path, []).append(request)
        return httpx.Response(200, json={"accepted": 1, "rejected": []})

    clock = ManualClock(NOW_MS)
    transport = httpx.MockTransport(answer)
    book = make_book(accounts=24, seed=1)
    roads = Roads("http://ingest", "k", {"stripe": "whsec_1", "academy": ""}, transport=transport)
    async with EventSender("http://ingest", "k", source="s", clock=clock, transport=transport) as sender, roads:
        happens = Happens(rate=10, told=told.append, refused=lambda *_: None, seconds=60)
        await play(book, happens, sender=sender, roads=roads, clock=clock, seed=1)
    assert set(posted) == {"/v1/events", "/v1/batch", "/v1/webhooks/stripe"}
    calls = [call for request in posted["/v1/batch"] for call in msgspec.json.decode(request.content)["batch"]]
    events = [event for request in posted["/v1/events"] for event in msgspec.json.decode(request.content)]
    ids = [call["messageId"] for call in calls] + [event["id"] for event in events]
    assert len(set(ids)) == len(ids)
    assert len(calls) > 50
    assert {request.headers["authorization"].split()[0] for request in posted["/v1/batch"]} == {"Basic"}
    assert any("Intake" in words for words in told)


async def test_what_does_not_arrive_is_told_and_let_go() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(503, text="later"))
    async with Roads("http://ingest", "k", {}, transport=transport) as roads:
        assert await roads.send(SdkCalls([]), NOW_MS) == "/v1/batch says 503: later"
        assert not roads.takes(Webhook("stripe", {}))
