"""The client's queue: whatever is put in comes out once, in order, in batches within their limits, or comes back."""

from hypothesis import given
from hypothesis import strategies as st
from truenorth.client.backlog import Backlog, Queued
from truenorth.client.limits import ClientLimits
from truenorth.client.wire import NewEvent
from truenorth.errors import TransientError
from truenorth.events.inputs import UsageRecorded

LIMITS = ClientLimits(
    queue_events_max=7,
    queue_bytes_max=60,
    batch_events_max=3,
    batch_bytes_max=25,
    flush_seconds=0.0,
    block_seconds_max=0.0,
)


def queued(number: int, size_bytes: int) -> Queued:
    return Queued(NewEvent(str(number), "acct-1", 0, UsageRecorded(feature="f")), b"x" * size_bytes)


@given(st.lists(st.one_of(st.integers(1, 30), st.sampled_from(["take", "settle"])), max_size=60), st.booleans())
def test_nothing_is_lost_doubled_or_reordered(steps: list[int | str], told: bool) -> None:
    backlog = Backlog(LIMITS)
    taken: list[Queued] = []
    flying: list[Queued] = []
    put: list[Queued] = []
    for step in steps:
        if isinstance(step, int):
            item = queued(len(put), step)
            try:
                backlog.put(item)
            except TransientError:
                held = [one for one in put if one not in taken]
                assert len(held) == LIMITS.queue_events_max or (
                    sum(len(one.encoded) for one in held) + step > LIMITS.queue_bytes_max
                )
            else:
                put.append(item)
        elif step == "settle" and flying:
            assert backlog.claim()
            backlog.settle()
            flying = []
        elif step == "take" and not flying and len(put) > len(taken):
            flying = backlog.take()
            body_bytes = sum(len(one.encoded) for one in flying) + len(flying) + 1
            assert 1 <= len(flying) <= LIMITS.batch_events_max
            assert len(flying) == 1 or body_bytes <= LIMITS.batch_bytes_max
            taken += flying
        assert len(backlog) == len(put) - len(taken) + len(flying)
    waiting = put[len(taken) :]
    assert taken == put[: len(taken)]
    if told and flying:
        assert backlog.claim()
        assert backlog.abandon() == waiting
    else:
        assert backlog.abandon() == [*flying, *waiting]
        assert not backlog.claim()
    backlog.settle()
    assert len(backlog) == 0
    assert backlog.wait_settled(0.0)
