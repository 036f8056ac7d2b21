"""Rates, ceilings, strangers, and how much may wait."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth.clock import ManualClock
from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.ceilings import Buckets, Ceilings, OverRateError
from truenorth_ingest.domain.keys import SCOPES
from truenorth_ingest.handlers.rates import Rates
from truenorth_ingest.handlers.strangers import Strangers, network_of

from tests.ingest.doubles import KEY, Edge, gzipped, stored_key, usage

GOOD = Sender("key1", "backend")
WRONG = KEY[:-1] + ("0" if KEY[-1] != "0" else "1")

asks = st.lists(
    st.tuples(st.floats(0, 30), st.integers(1, 2_500), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=60
)


@given(asks=asks, rate=st.integers(1, 500), burst=st.integers(1, 5_000))
def test_nobody_gets_more_than_the_rate_the_burst_and_one_request(
    asks: list[tuple[float, int, str]], rate: int, burst: int
) -> None:
    ceilings = Ceilings(events_per_second=rate, burst_events=burst)
    now = 0.0
    taken: dict[str, list[tuple[float, int]]] = {}
    for pause, events, account in asks:
        now += pause
        try:
            ceilings.admit([account] * events, now)
        except OverRateError:
            continue
        taken.setdefault(account, []).append((now, events))
    for requests in taken.values():
        for first, (begin, _) in enumerate(requests):
            sum_events = 0
            for at, events in requests[first:]:
                assert sum_events <= rate * (at - begin) + burst + 2_500 + 1e-3
                sum_events += events


@given(asks=asks, rate=st.integers(1, 500), burst=st.integers(1, 5_000))
def test_whoever_waits_as_long_as_told_is_let_in_however_much_they_bring(
    asks: list[tuple[float, int, str]], rate: int, burst: int
) -> None:
    ceilings = Ceilings(events_per_second=rate, burst_events=burst)
    now = 0.0
    for pause, events, account in asks:
        now += pause
        try:
            ceilings.admit([account] * events, now)
        except OverRateError as over:
            now += over.retry_after_seconds
            ceilings.admit([account] * events, now)


@given(asks=asks)
def test_forgetting_changes_no_answer_and_keeps_nothing_that_is_full(asks: list[tuple[float, int, str]]) -> None:
    buckets, now = Buckets(per_second=100, burst=1_000), 0.0
    tokens = dict.fromkeys("abc", (1000.0, 0.0))
    for pause, events, name in asks:
        now += pause
        left, at = tokens[name]
        expected = min(1_000.0, left + (now - at) * 100)
        assert buckets.left(name, now) == pytest.approx(expected)
        buckets.charge(name, events, now)
        tokens[name] = (expected - events, now)
    buckets.charge("d", 1, now + 1_000_000)
    buckets.charge("d", 1, now + 2_000_000)
    assert len(buckets) <= 1


def test_buckets_take_bounded_memory() -> None:
    buckets = Buckets(per_second=1, burst=10, buckets_max=100)
    for number in range(1_000):
        buckets.charge(str(number), 5, 0.0)
    assert len(buckets) == 100


def test_a_refused_request_charges_no_account() -> None:
    ceilings = Ceilings(events_per_second=1, burst_events=1)
    ceilings.admit(["a"], 0.0)
    with pytest.raises(OverRateError) as over:
        ceilings.admit(["b", "a"], 0.0)
    assert (over.value.code, over.value.retry_after_seconds) == ("account_over_ceiling", 1)
    ceilings.admit(["b"], 0.0)


def test_the_rate_is_told_as_the_draft_says() -> None:
    rates = Rates(events_per_second=10)

    def told(now: float) -> str:
        return dict(rates.headers(GOOD, now))[b"ratelimit"].decode()

    assert dict(rates.headers(GOOD, 0.0))[b"ratelimit-policy"] == b'"default";q=100;w=10'
    assert told(0.0) == '"default";r=100;t=0'
    rates.charge(GOOD, 40, 0.0)
    assert told(0.0) == '"default";r=60;t=1'
    rates.charge(GOOD, 100, 0.0)
    assert told(0.0) == '"default";r=0;t=5', "40 are owed: 4.1 s until one is there"
    with pytest.raises(OverRateError) as over:
        rates.charge(GOOD, 1, 0.0)
    assert over.value.retry_after_seconds == 5
    rates.charge(GOOD, 1, 5.0)


async def test_a_key_over_its_rate_is_told_when_to_come_back() -> None:
    edge = Edge(key_events_per_second_max=1)
    assert (await edge.post([usage(id=str(n)) for n in range(30)])).status_code == 200
    refused = await edge.post(usage())
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_exceeded")
    assert refused.headers["retry-after"] == "21"
    assert refused.headers["ratelimit"] == '"default";r=0;t=21'
    edge.clock.advance(seconds=21)
    assert (await edge.post(usage())).status_code == 200


async def test_a_batch_of_the_largest_size_is_never_impossible_for_ever() -> None:
    edge = Edge(key_events_per_second_max=1, account_events_per_second_max=1)
    batch = [{"type": "usage.recorded", "subject": "a", "data": {"feature": "x"}}] * 2_500
    for _ in range(3):
        assert (await edge.post(batch)).status_code == 200
        edge.clock.advance(seconds=2_500)


async def test_contacts_and_what_is_refused_are_charged_to_no_account() -> None:
    edge = Edge(account_events_per_second_max=1)
    contact = usage(type="contact.updated", data={"contact_id": "c", "account_id": "acct-1", "name": "Ann"})
    for _ in range(10):
        assert (await edge.post([contact] * 10 + [usage(subject=None)] * 10)).status_code == 200
    assert (await edge.post([usage(id=str(n)) for n in range(60)])).status_code == 200
    assert (await edge.post(usage())).json()["code"] == "account_over_ceiling"


def test_strangers_are_counted_by_address_and_network() -> None:
    strangers = Strangers(failures_per_minute=2)
    for _ in range(2):
        strangers.admit("192.0.2.1", 0.0)
        strangers.failed("192.0.2.1", 0.0)
    with pytest.raises(OverRateError) as over:
        strangers.admit("::ffff:192.0.2.1", 0.0)
    assert (over.value.code, over.value.retry_after_seconds) == ("too_many_failures", 30)
    strangers.admit("192.0.2.2", 0.0)
    strangers.admit("192.0.2.1", 30.0)
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:0:1::1")
    strangers.failed("", 0.0)
    strangers.failed("", 0.0)
    strangers.failed("", 0.0)
    strangers.admit("", 0.0)


async def test_an_address_without_a_good_key_has_to_wait_and_a_good_key_there_does_not() -> None:
    edge = Edge(failures_per_minute_max=3)
    assert (await edge.post(usage())).status_code == 200
    codes = [(await edge.post(usage(), key=WRONG)).json()["code"] for _ in range(4)]
    assert codes == ["key_malformed"] * 3 + ["too_many_failures"]
    refused = await edge.post(usage(), key=WRONG)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "20"
    edge.clock.advance(seconds=31)
    assert (await edge.post(usage())).status_code == 200, "although the key has to be looked up again"


async def test_too_many_failures_are_refused_before_the_body_is_read_and_the_table_asked() -> None:
    edge = Edge(failures_per_minute_max=1)
    edge.keys.keys.clear()
    await edge.post(usage())
    asked = edge.keys.asked
    edge.clock.advance(seconds=10)

    pieces: list[bytes] = []

    async def watched() -> Any:
        pieces.append(b"{}       ")
        yield pieces[0]

    answer = await edge.request(
        "POST", "/v1/events", content=watched(), headers={"authorization": f"Bearer {KEY}", "content-length": "9"}
    )
    assert answer.json()["code"] == "too_many_failures"
    assert edge.keys.asked == asked
    assert not pieces, "the body was read"


async def test_a_sender_that_repeats_itself_is_counted() -> None:
    edge = Edge()
    await edge.post(usage(), x_retry_count="2")
    await edge.post(usage(), x_retry_count="0")
    assert edge.meter.counts["client retry"] == 1


@pytest.mark.parametrize("status", [503, 429])
async def test_what_is_not_the_senders_doing_has_the_status_that_was_set(status: int) -> None:
    edge = Edge(busy_status=status)
    edge.log.broken = True
    answer = await edge.post(usage())
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.json()["code"] == "broker_unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    assert edge.meter.counts["answered broker_unavailable"] == 1
    edge.keys.down = True
    edge.keys.keys["other"] = stored_key()
    edge.clock.advance(seconds=60)
    assert (await edge.post(usage(), key=KEY)).json()["code"] == "broker_unavailable", "a known key goes on"


@pytest.mark.parametrize("packed", [False, True])
async def test_what_waits_stays_under_its_bound_whatever_the_number_of_senders(*, packed: bool) -> None:
    bound = 1024 * 1024
    edge = Edge(answer_seconds_max=0.3, waiting_bytes_max=bound)
    edge.log.silent = True
    batch = [usage(id=str(n), data={"feature": "x" * 100}) for n in range(100)]
    answers = await asyncio.gather(*(_posted(edge, batch, packed=packed, chunked=n % 2 == 0) for n in range(300)))
    assert edge.meter.waiting_bytes_most <= bound
    assert edge.meter.waiting_bytes == 0
    codes = {answer.json()["code"] for answer in answers}
    assert codes == {"too_much_waiting", "broker_unavailable"}
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["message"]


@pytest.mark.parametrize("path", ["/v1/events", "/v1/batch", "/v1/track", "/v1/replay"])
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"batch":[{"properties":', b'{"data":['])
async def test_what_nests_too_deeply_is_refused_clearly_on_every_road(path: str, opening: bytes) -> None:
    edge = Edge()
    edge.keys.keys["key1"] = stored_key(scopes=frozenset(SCOPES))
    for body in (opening * 20_000, opening + b"[" * 20_000 + b"]" * 20_000):
        answer = await edge.post(body, path=path)
        assert answer.status_code == 400
        assert answer.json()["code"] == "body_invalid"


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (usage(data={"feature": "x" * 129}), "data.feature"),
        (usage(subject="x" * 2_000), "subject"),
        (usage(id="x" * 257), "id"),
        (usage(source="x" * 257), "source"),
        (usage(type="x" * 3_000), "type"),
        (usage(data={"feature": "x", "actor": "x" * 129}), "data.actor"),
    ],
)
async def test_a_text_that_is_too_long_names_its_field(event: Any, field: str) -> None:
    answer = (await Edge().post([event, usage()])).json()
    assert answer["accepted"] == 1
    assert [bad["field"] for bad in answer["rejected"]] == [field]
    assert len(answer["rejected"][0]["message"]) < 400


async def test_senders_whose_key_is_not_known_yet_get_a_share_of_what_may_wait() -> None:
    edge = Edge(waiting_bytes_max=1024 * 1024)
    stalled = asyncio.Event()

    async def slow() -> Any:
        yield b" "
        await stalled.wait()
        yield b"{}"

    def start(**headers: str) -> "asyncio.Task[httpx.Response]":
        sent = {"content-length": str(200 * 1024), **headers}
        return asyncio.create_task(edge.request("POST", "/v1/batch", content=slow(), headers=sent))

    strange = [start(), start()]
    await asyncio.sleep(0.05)
    done = [task for task in strange if task.done()]
    assert [task.result().json()["code"] for task in done] == ["too_much_waiting"]
    assert (await edge.post([usage()])).status_code == 200
    stalled.set()
    await asyncio.gather(*strange)
    assert edge.meter.waiting_bytes == 0


def test_the_clock_of_the_limits_never_runs_backwards() -> None:
    clock = ManualClock()
    rates = Rates(events_per_second=10)
    rates.charge(GOOD, 200, clock.monotonic())
    clock.advance(seconds=11)
    rates.charge(GOOD, 1, clock.monotonic())


async def _posted(edge: Edge, batch: Any, *, packed: bool, chunked: bool) -> httpx.Response:
    headers = {"content_encoding": "gzip"} if packed else {}
    body = gzipped(batch) if packed else batch
    if not chunked or packed:
        return await edge.post(body, **headers)

    async def pieces() -> Any:
        for piece in (b"[", b" " * 300_000, json.dumps(batch[0]).encode(), b"]"):
            yield piece

    return await edge.request("POST", "/v1/events", content=pieces(), headers={"authorization": f"Bearer {KEY}"})
