"""The sender is patient with a busy edge, exact about refusals, and gives up with a sentence."""

from collections.abc import Callable

import httpx
import msgspec
import pytest
from truenorth.client.wire import BATCH_EVENTS_MAX, Refusal
from truenorth.clock import ManualClock
from truenorth.errors import MissingError, TransientError
from truenorth.events.inputs import UsageRecorded
from truenorth.samples.events import SampleEvent
from truenorth.samples.sender import ATTEMPTS_MAX, EventSender

EVENTS = [SampleEvent(f"e{n}", "acct-1", 1_760_000_000_000 + n, UsageRecorded(feature="f")) for n in range(3)]


def sender(answer: Callable[[httpx.Request], httpx.Response], clock: ManualClock | None = None) -> EventSender:
    transport = httpx.MockTransport(answer)
    return EventSender("http://ingest/", "k-1", source="test", clock=clock or ManualClock(), transport=transport)


def taken(request: httpx.Request) -> httpx.Response:
    count = len(msgspec.json.decode(request.content))
    return httpx.Response(200, json={"success": True, "accepted": count, "rejected": []})


async def test_events_are_posted_as_a_cloudevents_batch_with_the_key() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return taken(request)

    async with sender(answer) as posting:
        await posting.post(EVENTS)
    (request,) = seen
    assert str(request.url) == "http://ingest/v1/events"
    assert request.headers["authorization"] == "Bearer k-1"
    assert request.headers["content-type"] == "application/cloudevents-batch+json"
    assert msgspec.json.decode(request.content)[0] == {
        "specversion": "1.0",
        "id": "e0",
        "source": "test",
        "type": "usage.recorded",
        "subject": "acct-1",
        "time": "2025-10-09T08:53:20.000Z",
        "data": {"feature": "f"},
    }
    assert posting.accepted == 3


async def test_a_busy_edge_is_asked_again_after_the_time_it_asks_for() -> None:
    answers = [httpx.Response(503, headers={"retry-after": "7"}), httpx.Response(503)]
    clock = ManualClock(0)
    async with sender(lambda request: answers.pop() if answers else taken(request), clock) as posting:
        answers.reverse()
        await posting.post(EVENTS)
    assert posting.accepted == 3
    assert clock.now_ms() == 7_000 + 14_000


async def test_it_gives_up_after_a_bounded_number_of_attempts() -> None:
    asked = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(503, text="not now")

    async with sender(answer) as posting:
        with pytest.raises(TransientError, match="not now"):
            await posting.post(EVENTS)
    assert asked == ATTEMPTS_MAX


async def test_an_edge_that_is_not_there_is_said() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with sender(answer) as posting:
        with pytest.raises(TransientError, match="does not answer"):
            await posting.post(EVENTS)


async def test_an_unknown_key_is_said_at_once() -> None:
    async with sender(lambda _: httpx.Response(401, text="key_unknown")) as posting:
        with pytest.raises(MissingError, match="--key"):
            await posting.post(EVENTS)


async def test_a_refused_event_is_told_with_its_reason() -> None:
    refused: list[tuple[str, Refusal]] = []
    rejected = [{"index": 1, "id": "e1", "code": "data_invalid", "message": "no", "field": "data.count"}]

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"success": True, "accepted": 2, "rejected": rejected})

    async with sender(answer) as posting:
        await posting.post(EVENTS, refused=lambda event, why: refused.append((event.id, why)))
    assert [(event_id, why.code, why.field) for event_id, why in refused] == [("e1", "data_invalid", "data.count")]
    assert (posting.accepted, posting.rejected) == (2, 1)


async def test_many_events_go_in_batches_in_order() -> None:
    sizes: list[int] = []
    progress: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sizes.append(len(msgspec.json.decode(request.content)))
        return taken(request)

    async with sender(answer) as posting:
        await posting.post(EVENTS * 200, progress=progress.append)
    assert sizes == progress == [BATCH_EVENTS_MAX, 100]
