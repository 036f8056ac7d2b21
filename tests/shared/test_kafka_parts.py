"""What needs no broker: partitions of keys, progress, and lanes."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st
from truenorth.clock import ManualClock
from truenorth.errors import TransientError
from truenorth.kafka.errors import BACKOFF_START_S, is_transient, retrying, within
from truenorth.kafka.lanes import Fleet, Lane, Waiter
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.progress import Progress
from truenorth.kafka.records import Outgoing, murmur2, partition_of


@given(st.binary(max_size=64))
def test_keys_hash_as_in_every_default_producer(data: bytes) -> None:
    assert murmur2(data) == reference(data)  # type: ignore[no-untyped-call]  # the client ships no types


def test_partitions_of_known_keys_stay() -> None:
    assert [partition_of(key, 8) for key in (b"acme", b"globex", b"initech", b"")] == [
        (reference(key) & 0x7FFFFFFF) % 8  # type: ignore[no-untyped-call]  # as above
        for key in (b"acme", b"globex", b"initech", b"")
    ]


def test_progress_is_caught_up_when_the_ends_of_the_assignment_are_reached() -> None:
    progress = Progress(ManualClock())

    def caught_up() -> bool:  # a call, so that what was asserted before is not held against what follows
        return progress.caught_up

    assert not caught_up()
    progress.assigned({("t", 0): 0, ("t", 1): 5}, {("t", 0): 3, ("t", 1): 5})
    assert not caught_up()
    assert progress.lag_records == 3
    progress.moved([(("t", 0), 3)])
    assert caught_up()
    progress.ends_known({("t", 0): 9, ("t", 1): 5})
    assert caught_up()
    assert progress.lag_records == 6
    progress.unassigned()
    assert not caught_up()


def test_progress_counts_as_stuck_only_with_something_to_read() -> None:
    clock = ManualClock()
    progress = Progress(clock)
    progress.assigned({("t", 0): 3}, {("t", 0): 3})
    clock.advance(seconds=100)
    assert progress.stuck_for_s == 0
    progress.ends_known({("t", 0): 4})
    clock.advance(seconds=7)
    assert progress.stuck_for_s == pytest.approx(7)
    progress.ends_known({("t", 0): 5})
    assert progress.stuck_for_s == pytest.approx(7)
    progress.moved([(("t", 0), 4), (("elsewhere", 0), 9)])
    assert progress.stuck_for_s == 0


async def test_transient_errors_are_tried_again_with_growing_pauses() -> None:
    clock = ManualClock()
    began = clock.monotonic()
    left = [TransientError("a"), OSError("b"), TimeoutError()]

    async def attempt() -> str:
        if left:
            raise left.pop()
        return "done"

    assert await retrying(attempt, clock=clock, what="trying") == "done"
    assert clock.monotonic() - began == pytest.approx(BACKOFF_START_S * 7)


async def test_other_errors_pass_through() -> None:
    async def attempt() -> None:
        raise ValueError("a bug")

    assert not is_transient(ValueError())
    with pytest.raises(ValueError, match="a bug"):
        await retrying(attempt, clock=ManualClock(), what="trying")


async def test_a_call_that_the_client_cancelled_itself_is_transient() -> None:
    async def given_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(TransientError, match="given up"):
        await within(5, given_up(), "a call")
    with pytest.raises(TransientError, match="longer than"):
        await within(0.01, asyncio.sleep(10), "a call")


async def test_our_own_cancellation_stays_one() -> None:
    task = asyncio.create_task(within(5, asyncio.sleep(10), "a call"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Batch:
    """A batch of at most three records."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []

    def append(self, *, timestamp: None, key: bytes | None, value: bytes | None, headers: object) -> object:
        if len(self.values) == 3:
            return None
        self.values.append(value)
        return value


class Broker:
    def __init__(self) -> None:
        self.delivered: list[Sequence[bytes | None]] = []
        self.in_flight: set[int] = set()
        self.released = 0
        self.broken: list[BaseException] = []
        self.silent = False
        self.away = False
        self.fail_at: set[int] = set()

    async def producer(self) -> "Broker":
        if self.away:
            raise TransientError("no broker")
        return self

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[None]":
        assert partition not in self.in_flight, "one batch in flight per partition"
        self.in_flight.add(partition)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def answer() -> None:
            self.in_flight.discard(partition)
            self.delivered.append(batch.values)
            if future.done():
                return
            if len(self.delivered) in self.fail_at:
                future.set_exception(ConnectionError("gone"))
            else:
                future.set_result(None)

        if not self.silent:
            asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, answer)
        return future

    def note_released(self, size: int) -> None:
        self.released += size

    def note_broken(self, producer: "Broker", error: BaseException) -> None:
        assert producer is self
        self.broken.append(error)

    def fleet(self) -> Fleet:
        return Fleet(producer=self.producer, broken=self.note_broken, delivery_s_max=0.05)

    def lane(self, fleet: Fleet | None = None, partition: int = 0) -> Lane:
        return Lane("t", partition, wake=(fleet or self.fleet()).wake)

    def put(self, lane: Lane, *values: bytes) -> "asyncio.Future[None]":
        waiter = Waiter(asyncio.get_running_loop().create_future(), len(values), self.note_released)
        lane.put([Outgoing("t", b"k", value) for value in values], waiter)
        return waiter.future


async def test_a_lane_gathers_the_records_of_all_callers_in_order() -> None:
    broker = Broker()
    lane = broker.lane()
    await asyncio.gather(broker.put(lane, b"1", b"2"), broker.put(lane, b"3", b"4", b"5"), broker.put(lane, b"6"))
    assert broker.delivered == [[b"1", b"2", b"3"], [b"4", b"5", b"6"]]
    assert broker.released == 6


async def test_what_comes_while_the_broker_is_busy_leaves_in_one_flight() -> None:
    broker = Broker()
    fleet = broker.fleet()
    one, other = broker.lane(fleet, 0), broker.lane(fleet, 1)
    first = broker.put(one, b"1")
    await asyncio.sleep(0)
    await asyncio.gather(first, *(broker.put(lane, value) for value in (b"2", b"3") for lane in (one, other)))
    assert broker.delivered == [[b"1"], [b"2", b"3"], [b"2", b"3"]]


async def test_a_call_over_two_lanes_is_done_when_both_are() -> None:
    broker = Broker()
    fleet = broker.fleet()
    waiter = Waiter(asyncio.get_running_loop().create_future(), 7, broker.note_released)
    for partition in (0, 1):
        broker.lane(fleet, partition).put([Outgoing("t", b"k", b"x")], waiter)
    await waiter.future
    assert (len(broker.delivered), broker.released) == (2, 7)


async def test_a_failed_batch_fails_everyone_who_waits_and_the_lane_goes_on() -> None:
    broker = Broker()
    broker.fail_at = {1}
    lane = broker.lane()
    outcomes = await asyncio.gather(
        broker.put(lane, b"1", b"2"), broker.put(lane, b"3", b"4"), broker.put(lane, b"5"), return_exceptions=True
    )
    assert all(isinstance(outcome, TransientError) for outcome in outcomes)
    assert (len(broker.broken), broker.released) == (1, 5)
    await broker.put(lane, b"6")
    assert broker.delivered[-1] == [b"6"]


async def test_a_failed_partition_fails_nobody_elses_records() -> None:
    broker = Broker()
    broker.fail_at = {1}
    fleet = broker.fleet()
    bad, good = broker.put(broker.lane(fleet, 0), b"1"), broker.put(broker.lane(fleet, 1), b"2")
    outcomes = await asyncio.gather(bad, good, return_exceptions=True)
    assert isinstance(outcomes[0], TransientError)
    assert outcomes[1] is None


async def test_a_broker_that_never_answers_fails_the_flight_in_time() -> None:
    broker = Broker()
    broker.silent = True
    with pytest.raises(TransientError, match="TimeoutError"):
        await broker.put(broker.lane(), b"1")
    assert (broker.released, len(broker.broken)) == (1, 1)


async def test_a_broker_that_is_away_fails_who_waits_and_is_asked_again() -> None:
    broker = Broker()
    broker.away = True
    lane = broker.lane()
    with pytest.raises(TransientError):
        await broker.put(lane, b"1")
    broker.away = False
    await broker.put(lane, b"2")
    assert broker.delivered == [[b"2"]]


async def test_a_stopped_fleet_leaves_nobody_waiting() -> None:
    broker = Broker()
    broker.silent = True
    fleet = broker.fleet()
    flying = broker.put(broker.lane(fleet, 0), b"1")
    await asyncio.sleep(0)
    waiting = broker.put(broker.lane(fleet, 1), b"2")
    await fleet.stop()
    for future in (flying, waiting):
        with pytest.raises(TransientError):
            await future
    assert broker.released == 2


async def test_a_topic_whose_partitions_are_not_known_yet_is_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        async def partitions_for(self, _topic: str) -> set[int]:
            return set()

    async def ready(_: LanesProducer) -> Client:
        return Client()

    monkeypatch.setattr(LanesProducer, "_ready", ready)
    producer = LanesProducer("", clock=ManualClock(), client_id="test")
    with pytest.raises(TransientError, match="no partitions yet"):
        await producer.send_many([Outgoing("t", b"k", b"v")])
