"""Lanes and fleets: what waits for each partition, sent to its broker in order, one flight at a time.

The client has one request under way per broker, lets one ready-made batch per partition wait, and makes concurrent
callers race for the place; some starve. A lane gathers the records of all callers for one partition instead; a fleet
takes what all lanes to one broker hold at the moment the broker is free, as one request. A batch made any earlier
would carry one record where it could carry ten.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from truenorth.errors import TransientError
from truenorth.kafka.records import RECORD_HEADERS, Sendable

RECORD_OVERHEAD_BYTES: Final = 64
"""What a record takes on the way beside its key and value, about."""
FLIGHT_SECONDS_MIN: Final = 0.003
"""From the start of one flight to the next: under load fewer and fuller flights; the first one leaves at once."""


def _unacknowledged(error: BaseException) -> TransientError:
    return TransientError(f"not acknowledged: {type(error).__name__}: {error}")


class Waiter:
    """One call that waits until all of its records are acknowledged, in however many lanes they lie.

    ``released`` is told its ``size`` in bytes when the last of its records has left, acknowledged or not.
    """

    __slots__ = ("_released", "_size", "future", "left")

    def __init__(self, future: "asyncio.Future[None]", size: int, released: Callable[[int], None]) -> None:
        self.future = future
        self.left = 0
        self._size = size
        self._released = released

    def acknowledged(self, count: int) -> None:
        """Note that ``count`` more of its records are on the log."""
        self._leave(count)
        if self.left == 0 and not self.future.done():
            self.future.set_result(None)

    def failed(self, count: int, error: BaseException) -> None:
        """Let the call fail for ``count`` records; its others may or may not be on the log."""
        self._leave(count)
        if not self.future.done():
            self.future.set_exception(error)

    def _leave(self, count: int) -> None:
        self.left -= count
        if self.left == 0:
            self._released(self._size)


class Lane:
    """The records that wait for one partition, and those of it that are in flight."""

    def __init__(self, topic: str, partition: int, *, wake: Callable[["Lane"], None]) -> None:
        self.topic = topic
        self.partition = partition
        self._wake = wake
        self._waiting: deque[tuple[Sequence[Sendable], Waiter]] = deque()
        self._flying: list[tuple[int, Waiter]] = []

    def put(self, items: Sequence[Sendable], waiter: Waiter) -> None:
        """Queue records in order; they leave together with what else is queued when the broker is free."""
        waiter.left += len(items)
        self._waiting.append((items, waiter))
        self._wake(self)

    def load(self, builder: Any) -> bool:
        """Fill a batch with what waits, as far as it goes; tell whether something had to stay behind."""
        waiting, append = self._waiting, builder.append
        while waiting:
            items, waiter = waiting[0]
            count = 0
            for item in items:
                if append(timestamp=None, key=item.key, value=item.value, headers=RECORD_HEADERS) is None:
                    break
                count += 1
            if count:
                self._flying.append((count, waiter))
            if count < len(items):
                waiting[0] = items[count:], waiter
                return True
            waiting.popleft()
        return False

    def landed(self, error: BaseException | None) -> None:
        """Tell the callers of what was in flight; an error fails those who still wait in this lane too."""
        flying, self._flying = self._flying, []
        if error is None:
            for count, waiter in flying:
                waiter.acknowledged(count)
            return
        failure = _unacknowledged(error)
        for count, waiter in flying:
            waiter.failed(count, failure)
        while self._waiting:
            items, waiter = self._waiting.popleft()
            waiter.failed(len(items), failure)


class Fleet:
    """The lanes to one broker. ``producer`` gives a working producer; ``broken`` is told which one no longer is."""

    def __init__(
        self,
        *,
        producer: Callable[[], Awaitable[Any]],
        broken: Callable[[Any, BaseException], None],
        delivery_s_max: float,
    ) -> None:
        self._producer = producer
        self._broken = broken
        self._delivery_s_max = delivery_s_max
        self._ready: dict[Lane, None] = {}
        self._task: asyncio.Task[None] | None = None

    def wake(self, lane: Lane) -> None:
        """Have a lane's records in the next flight."""
        self._ready[lane] = None
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Let what waits fail and end."""
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            self._task = None
        self._fail_waiting(TransientError("the producer was stopped"))  # it had not even begun

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._ready:
                began_s = loop.time()
                await self._fly()
                if self._ready and (early_s := FLIGHT_SECONDS_MIN - (loop.time() - began_s)) > 0:
                    await asyncio.sleep(early_s)
        except BaseException as error:  # cancelled too: nobody may wait for ever
            self._fail_waiting(error)
            if not isinstance(error, Exception | asyncio.CancelledError):
                raise
        finally:
            self._task = None
            if self._ready:
                self._task = asyncio.create_task(self._run())

    async def _fly(self) -> None:
        """Send one batch of every lane that has something, and wait until each is acknowledged."""
        producer = await self._producer()
        lanes = list(self._ready)
        self._ready.clear()
        under_way: dict[asyncio.Future[Any], Lane] = {}
        landed: set[Lane] = set()
        try:
            async with asyncio.timeout(self._delivery_s_max):
                for lane in lanes:
                    builder = producer.create_batch()
                    if lane.load(builder):
                        self._ready[lane] = None
                    under_way[await producer.send_batch(builder, lane.topic, partition=lane.partition)] = lane
                await asyncio.wait(under_way)
        except BaseException as error:
            self._land(under_way, landed, error)
            for lane in lanes:
                if lane not in landed:
                    lane.landed(error)
            self._broken(producer, error)
            if not isinstance(error, Exception):
                raise
            return
        refused = self._land(under_way, landed, None)
        if refused is not None:
            self._broken(producer, refused)

    @staticmethod
    def _land(
        under_way: dict["asyncio.Future[Any]", Lane], landed: set[Lane], late: BaseException | None
    ) -> BaseException | None:
        """Settle the lanes of a flight; return the first error. ``late`` is what is said of those without an answer."""
        first: BaseException | None = None
        for future, lane in under_way.items():
            error: BaseException | None
            if not future.done():
                future.cancel()
                error = late
            else:
                error = asyncio.CancelledError() if future.cancelled() else future.exception()
            first = first or error
            lane.landed(error)
            landed.add(lane)
        return first

    def _fail_waiting(self, error: BaseException) -> None:
        ready, self._ready = list(self._ready), {}
        for lane in ready:
            lane.landed(error)
