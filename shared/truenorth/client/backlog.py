"""What waits to be sent: a bounded queue between the threads that send and the one that posts."""

import threading
from collections import deque
from dataclasses import dataclass

from truenorth.client.limits import ClientLimits
from truenorth.client.wire import NewEvent
from truenorth.errors import RefusedError, TransientError


@dataclass(frozen=True, slots=True)
class Queued:
    """An event beside its JSON."""

    event: NewEvent
    encoded: bytes


class Backlog:
    """First in, first out; one batch is in flight at a time and counts as waiting until it is settled."""

    def __init__(self, limits: ClientLimits) -> None:
        self._limits = limits
        self._changed = threading.Condition()
        self._queue: deque[Queued] = deque()
        self._queue_bytes = 0
        self._flying: list[Queued] = []
        self._put_count = 0
        self._settled_count = 0
        self._hurry_to = 0
        self._claimed = False
        self._closing = False
        self._abandoned = False

    def __len__(self) -> int:
        with self._changed:
            return len(self._queue) + len(self._flying)

    def put(self, item: Queued) -> None:
        """Queue an event; waits up to ``block_seconds_max`` for room.

        Raises:
            TransientError: there was no room.
            RefusedError: ``client_closed``.
        """
        with self._changed:
            fits = self._changed.wait_for(lambda: self._closing or self._has_room(item), self._limits.block_seconds_max)
            if self._closing:
                raise RefusedError("client_closed", "this client was closed; make another one")
            if not fits:
                raise TransientError(
                    f"the queue is full ({len(self._queue)} events, {self._queue_bytes} bytes) and stayed so for "
                    f"{self._limits.block_seconds_max:g} s: the edge is away, or slower than this process; "
                    "the event was not queued"
                )
            self._queue.append(item)
            self._queue_bytes += len(item.encoded)
            self._put_count += 1
            if len(self._queue) == 1 or self._is_full_batch():
                self._changed.notify_all()

    def take(self) -> list[Queued]:
        """Wait for the next batch and return it; empty once the backlog is closed and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            self._changed.wait_for(self._is_due, self._limits.flush_seconds)
            if self._abandoned:
                return []
            self._flying = self._cut()
            self._changed.notify_all()
            return list(self._flying)

    def pause(self, seconds: float) -> bool:
        """Wait between two attempts; True when the batch has been given up meanwhile."""
        with self._changed:
            return self._changed.wait_for(lambda: self._abandoned, seconds)

    def claim(self) -> bool:
        """Tell whether the fate of the batch in flight is still to be told; from then on it is the caller's to tell."""
        with self._changed:
            self._claimed = not self._abandoned
            return self._claimed

    def settle(self) -> None:
        """The batch in flight is done with, whatever became of it."""
        with self._changed:
            self._settled_count += len(self._flying)
            self._flying = []
            self._claimed = False
            self._changed.notify_all()

    def wait_settled(self, seconds_max: float) -> bool:
        """Send at once what is queued now, and tell whether all of it was settled within ``seconds_max``."""
        with self._changed:
            wanted = self._put_count
            self._hurry_to = max(self._hurry_to, wanted)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled_count >= wanted, seconds_max)

    def close(self) -> None:
        """Take nothing more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def abandon(self) -> list[Queued]:
        """Give up what is left and return it, the batch in flight first."""
        with self._changed:
            self._abandoned = True
            left = list(self._queue)
            if not self._claimed:
                left = [*self._flying, *left]
                self._flying = []
            self._settled_count += len(left)
            self._queue.clear()
            self._queue_bytes = 0
            self._changed.notify_all()
            return left

    def _has_room(self, item: Queued) -> bool:
        return (
            len(self._queue) < self._limits.queue_events_max
            and self._queue_bytes + len(item.encoded) <= self._limits.queue_bytes_max
        )

    def _is_full_batch(self) -> bool:
        return (
            len(self._queue) >= self._limits.batch_events_max
            or self._queue_bytes >= self._limits.batch_bytes_max
            or len(self._queue) >= self._limits.queue_events_max
        )

    def _is_due(self) -> bool:
        return self._closing or self._settled_count < self._hurry_to or self._is_full_batch()

    def _cut(self) -> list[Queued]:
        batch: list[Queued] = []
        size = 1
        while self._queue and len(batch) < self._limits.batch_events_max:
            size += len(self._queue[0].encoded) + 1
            if batch and size > self._limits.batch_bytes_max:
                break
            batch.append(self._queue.popleft())
            self._queue_bytes -= len(batch[-1].encoded)
        return batch
