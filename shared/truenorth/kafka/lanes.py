"""A lane: what waits for one partition, sent in order with one batch in flight.

The client lets one ready-made batch per partition wait at a time and makes concurrent callers race for the place;
some starve. A lane gathers the records of all waiting callers instead and has one batch under way.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from truenorth.errors import TransientError
from truenorth.kafka.records import RECORD_HEADERS, Outgoing

_RECORD_OVERHEAD_BYTES: Final = 64


def size_of(item: Outgoing) -> int:
    """Return about how many bytes a record takes on the way."""
    return len(item.key or b"") + len(item.value or b"") + _RECORD_OVERHEAD_BYTES


def _unacknowledged(error: BaseException) -> TransientError:
    return TransientError(f"not acknowledged: {type(error).__name__}: {error}")


class Waiter:
    """One call that waits until all of its records are acknowledged, in however many lanes they lie."""

    __slots__ = ("future", "left")

    def __init__(self, future: "asyncio.Future[None]") -> None:
        self.future = future
        self.left = 0

    def acknowledged(self, count: int) -> None:
        """Note that ``count`` more of its records are on the log."""
        self.left -= count
        if self.left == 0 and not self.future.done():
            self.future.set_result(None)

    def failed(self, error: BaseException) -> None:
        """Let the call fail; its other records may or may not be on the log."""
        if not self.future.done():
            self.future.set_exception(error)


class Lane:
    """The records that wait for one partition. ``deliver`` sends one batch and returns when it is acknowledged."""

    def __init__(
        self,
        topic: str,
        partition: int,
        *,
        new_batch: Callable[[], Awaitable[tuple[Any, Any]]],
        deliver: Callable[[Any, Any, str, int], Awaitable[None]],
        released: Callable[[int], None],
    ) -> None:
        self.topic = topic
        self.partition = partition
        self._new_batch = new_batch
        self._deliver = deliver
        self._released = released
        self._waiting: deque[tuple[Outgoing, Waiter]] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, items: Sequence[Outgoing], waiter: Waiter) -> None:
        """Queue records in order; they leave together with what else is queued when the lane is free."""
        waiter.left += len(items)
        self._waiting.extend([(item, waiter) for item in items])
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    async def stop(self) -> None:
        """Let what waits fail and end."""
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            self._task = None
            self._fail_all(TransientError("not acknowledged: the producer was stopped"))  # it had not even begun

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._send_one_batch()
        except BaseException as error:  # cancelled too: nobody may wait for ever
            self._fail_all(_unacknowledged(error))
            if not isinstance(error, Exception | asyncio.CancelledError):
                raise
        finally:
            self._task = None
            if self._waiting:
                self._task = asyncio.create_task(self._drain())

    async def _send_one_batch(self) -> None:
        producer, builder = await self._new_batch()
        taken: list[tuple[Outgoing, Waiter]] = []
        waiting = self._waiting
        append = builder.append
        while waiting:
            item = waiting[0][0]
            if append(timestamp=None, key=item.key, value=item.value, headers=RECORD_HEADERS) is None:
                break
            taken.append(waiting.popleft())
        try:
            await self._deliver(producer, builder, self.topic, self.partition)
        except BaseException as error:
            failure = _unacknowledged(error)
            for _, waiter in taken:
                waiter.failed(failure)
            raise
        finally:
            self._released(sum([size_of(item) for item, _ in taken]))
        for _, waiter in taken:
            waiter.acknowledged(1)

    def _fail_all(self, error: TransientError) -> None:
        failed = list(self._waiting)
        self._waiting.clear()
        self._released(sum(size_of(item) for item, _ in failed))
        for _, waiter in failed:
            waiter.failed(error)
