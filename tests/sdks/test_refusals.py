"""What the SDKs do when the edge refuses or puts off a whole request, and when an answer gets lost."""

from collections import Counter

import pytest
from truenorth.ids import random_id
from truenorth_local.stack import LocalStack

from tests.ingest.running import RunningIngest
from tests.sdks.between import Between, Turn
from tests.sdks.sending import ALL, HIGHTOUCH_PYTHON, RUDDER_NODE, SEGMENT_PYTHON_OLD, Sdk, send
from tests.sdks.test_calls import track
from tests.sdks.topics import ids

pytestmark = pytest.mark.sdks

FEW = 12
"""One batch of every SDK but those that send the first event alone."""


@pytest.mark.parametrize("sdk", ALL, ids=str)
async def test_a_wrong_key_ends_it_at_once_and_says_so(sdk: Sdk, edge: RunningIngest, front: Between) -> None:
    calls = [track("acct-nobody", number) for number in range(FEW)]
    outcome = await send(sdk, front.url, "tn_live_0000000000_00000000000000000000000000000000_000000", calls)
    assert {request.status for request in front.seen} == {401}
    assert {request.answer["code"] for request in front.seen} <= {"key_malformed", "key_unknown"}
    assert len(front.sent) == len(set(front.sent)) == FEW, "nothing is sent again"
    assert outcome.given_up == FEW
    keyless = sdk.name in {SEGMENT_PYTHON_OLD.name, HIGHTOUCH_PYTHON.name}
    assert all(("authorization" not in request.headers) == keyless for request in front.seen)


@pytest.mark.parametrize("code", ["body_invalid", "body_too_large", "batch_too_long"])
@pytest.mark.parametrize("sdk", ALL, ids=str)
async def test_a_refused_request_is_not_sent_again(
    sdk: Sdk, code: str, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    front.misbehave(Turn("refuse", code))
    outcome = await send(sdk, front.url, edge.key, [track(account, number) for number in range(FEW)])
    first, *rest = front.seen
    assert first.status in {400, 413}
    assert all(request.status == 200 for request in rest)
    assert len(front.sent) == len(set(front.sent)) == FEW
    assert outcome.given_up == len(first.ids)
    assert Counter(await ids(stack.bootstrap, "usage", account)) == Counter(front.sent) - Counter(first.ids)


@pytest.mark.parametrize("code", ["broker_unavailable", "rate_exceeded"])
@pytest.mark.parametrize("sdk", ALL, ids=str)
async def test_what_is_put_off_is_sent_again_and_nothing_is_lost(
    sdk: Sdk, code: str, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    front.misbehave(Turn("refuse", code, retry_after_seconds=2), Turn("refuse", code, retry_after_seconds=2))
    outcome = await send(sdk, front.url, edge.key, [track(account, number) for number in range(FEW)])
    assert outcome.errors == []
    assert [request.status for request in front.seen[:2]] == [503 if code == "broker_unavailable" else 429] * 2
    assert len(set(front.sent)) == FEW
    assert Counter(await ids(stack.bootstrap, "usage", account)) == Counter(set(front.sent)), "each exactly once"
    if front.seen[0].status in sdk.waits:
        assert front.seen[1].at - front.seen[0].at >= 2, "it waits as long as it is told"


@pytest.mark.parametrize(("options", "given_up"), [({}, 1), ({"retryCount": 20}, 0)])
async def test_rudderstack_for_node_gives_up_after_three_tries_unless_told(
    options: dict[str, int], given_up: int, edge: RunningIngest, front: Between
) -> None:
    front.misbehave(*[Turn("refuse", "broker_unavailable")] * 4)
    outcome = await send(RUDDER_NODE, front.url, edge.key, [track(f"acct-{random_id()}")], options=options)
    assert outcome.given_up == given_up
    assert [request.status for request in front.seen] == [503] * 4 + [200] * (1 - given_up)
    assert len({tuple(request.ids) for request in front.seen}) == 1


@pytest.mark.parametrize("sdk", ALL, ids=str)
async def test_a_lost_answer_makes_no_event_of_its_own(
    sdk: Sdk, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    front.misbehave(Turn("cut"), Turn("lose"))
    outcome = await send(sdk, front.url, edge.key, [track(account, number) for number in range(FEW)])
    assert outcome.errors == []
    assert [request.status for request in front.seen[:2]] == [0, 0]
    on_topic = Counter(await ids(stack.bootstrap, "usage", account))
    assert set(on_topic) == set(front.sent), "every event that was sent and no other"
    assert len(on_topic) == FEW
    again = {event_id for event_id, times in on_topic.items() if times == 2}
    assert again == set(front.seen[1].ids), "what was taken without being told is there twice, under one id"
    assert max(on_topic.values()) == 2
