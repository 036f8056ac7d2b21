"""Reading topics on and on: the loop of every reader but the stream engine.

One session is the life of one client. Anything transient ends the session and begins a new one, positions come from
the database (``position``) or the group each time, so that a broken client can do no more than cost a moment.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from truenorth.clock import Clock
from truenorth.errors import HaltError, TransientError
from truenorth.kafka.admin import offsets_of, partitions_of
from truenorth.kafka.clients import new_consumer, stop_consumer
from truenorth.kafka.errors import BACKOFF_MAX_S, BACKOFF_START_S, describe, is_transient, within
from truenorth.kafka.progress import STUCK_S_MAX, Place, Progress
from truenorth.kafka.records import Record, to_record

_log = logging.getLogger(__name__)

POLL_MS: Final = 200
POLL_S_MAX: Final = 60.0
ENDS_EVERY_S: Final = 5.0
ANSWER_S_MAX: Final = 15.0

Handle = Callable[[Sequence[Record]], Awaitable[None]]
Position = Callable[[set[Place]], Awaitable[dict[Place, int]]]


class ConsumerLoop:
    """Reads topics (full names) and hands over batches, in order per partition.

    ``group`` None reads all partitions without a group. ``position`` answers, for partitions just assigned, the next
    offsets (the database is the truth); a partition it leaves out is begun at its first offset (``from_start``) or at
    its end. Without ``position`` a group's committed offsets count. ``handle`` is tried again with backoff when it
    fails transiently; whatever else it raises ends `run`. A batch counts as handled when ``handle`` returns.
    """

    def __init__(
        self,
        bootstrap: str,
        group: str | None,
        topics: Sequence[str],
        handle: Handle,
        *,
        clock: Clock,
        position: Position | None = None,
        from_start: bool = True,
        batch_records_max: int = 500,
        on_caught_up: Callable[[], Awaitable[None]] | None = None,
        client_id: str = "truenorth",
        stuck_s_max: float = STUCK_S_MAX,
    ) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._topics = list(topics)
        self._handle = handle
        self._clock = clock
        self._position = position
        self._from_start = from_start
        self._batch_records_max = batch_records_max
        self._on_caught_up = on_caught_up
        self._client_id = client_id
        self._stuck_s_max = stuck_s_max
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[Any] | None = None
        self._told_caught_up = False
        self.progress = Progress(clock)

    async def start(self) -> None:
        """Make ready to run; the broker is looked for in `run`."""
        self._stopping.clear()

    async def run(self) -> None:
        """Read until `stop`.

        Raises:
            HaltError: a position lies outside of what the log still holds.
        """
        self._running = asyncio.current_task()
        wait_s = BACKOFF_START_S
        while not self._stopping.is_set():
            began_s = self._clock.monotonic()
            try:
                await self._session()
            except Exception as error:
                if not is_transient(error) and not isinstance(error, KafkaError):
                    raise
                _log.warning("reading %s is begun anew in %.1f s: %s", self._topics, wait_s, describe(error))
                self.progress.unassigned()
                await self._pause(wait_s)
                lasted = self._clock.monotonic() - began_s > 4 * BACKOFF_MAX_S
                wait_s = BACKOFF_START_S if lasted else min(wait_s * 2, BACKOFF_MAX_S)

    async def stop(self) -> None:
        """End `run` after the batch in hand."""
        self._stopping.set()
        running = self._running
        if running is not None and running is not asyncio.current_task() and not running.done():
            await asyncio.wait([running], timeout=ANSWER_S_MAX)

    async def _pause(self, seconds: float) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait([stopping, sleeping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            sleeping.cancel()

    async def _session(self) -> None:
        consumer = await new_consumer(self._bootstrap, client_id=self._client_id, group=self._group)
        try:
            assignment = _Assignment()
            if self._group is None:
                places = [
                    TopicPartition(t, number) for t in self._topics for number in await partitions_of(consumer, t)
                ]
                consumer.assign(places)
                assignment.generation = 1
            else:
                for topic in self._topics:  # a topic that is not there would be waited for without a word
                    await partitions_of(consumer, topic)
                assignment.consumer = consumer
                consumer.subscribe(self._topics, listener=assignment)
            await self._read(consumer, assignment)
        finally:
            await stop_consumer(consumer)

    async def _read(self, consumer: Any, assignment: "_Assignment") -> None:
        positioned = 0
        ends_at_s = self._clock.monotonic()
        while not self._stopping.is_set():
            try:
                if positioned != assignment.generation:
                    generation = assignment.generation
                    await self._begin(consumer)
                    positioned = generation
                polling = consumer.getmany(timeout_ms=POLL_MS, max_records=self._batch_records_max)
                polled = await within(POLL_S_MAX, polling, "a poll")
            except NoOffsetForPartitionError:
                continue  # asked before the partition was positioned
            except IllegalStateError:
                continue  # the assignment changed in the middle: the next round sees the new one
            except OffsetOutOfRangeError as error:
                raise HaltError(
                    f"a position lies outside of what the log holds; nothing is skipped: {error}"
                ) from error
            if polled and not await self._hand_over(consumer, assignment, positioned, polled):
                continue
            with contextlib.suppress(IllegalStateError):
                await self._note(consumer, assignment, positioned)
                if self._clock.monotonic() - ends_at_s > ENDS_EVERY_S:
                    ends_at_s = self._clock.monotonic()
                    await self._check(consumer)

    async def _begin(self, consumer: Any) -> None:
        """Seek every assigned partition to where it goes on."""
        assigned = consumer.assignment()
        spans = await offsets_of(consumer, sorted({place.topic for place in assigned}))
        wanted = await self._wanted(consumer, assigned)
        positions: dict[Place, int] = {}
        for place in assigned:
            begin, end = spans[place]
            position = wanted.get(tuple(place), begin if self._from_start else end)
            if not begin <= position <= end and position != 0:
                raise HaltError(
                    f"the next offset of {place.topic}-{place.partition} is {position}, but the log holds "
                    f"{begin} to {end}; nothing is skipped"
                )
            positions[tuple(place)] = max(position, begin)
            consumer.seek(place, positions[tuple(place)])
        if assigned:
            consumer.resume(*assigned)
        self.progress.assigned(positions, {tuple(place): spans[place][1] for place in assigned})

    async def _wanted(self, consumer: Any, assigned: set[Any]) -> dict[Any, int]:
        if self._position is not None:
            return dict(await self._position({tuple(place) for place in assigned}))
        if self._group is None:
            return {}
        committed = {
            place: await within(ANSWER_S_MAX, consumer.committed(place), "asking for committed offsets")
            for place in assigned
        }
        return {tuple(place): offset for place, offset in committed.items() if offset is not None}

    async def _hand_over(self, consumer: Any, assignment: "_Assignment", generation: int, polled: Any) -> bool:
        """Have a batch handled; False when the assignment changed first and the batch belongs to somebody else."""
        records = [to_record(raw) for raws in polled.values() for raw in raws]
        wait_s = BACKOFF_START_S
        while True:
            async with assignment.handling:
                if assignment.generation != generation or self._stopping.is_set():
                    return False
                try:
                    await self._handle(records)
                    break
                except Exception as error:
                    if not is_transient(error):
                        raise
                    _log.warning("a batch failed, trying again in %.1f s: %s", wait_s, describe(error))
            await self._pause(wait_s)
            wait_s = min(wait_s * 2, BACKOFF_MAX_S)
        if self._group is not None:
            await self._commit(consumer, {place: raws[-1].offset + 1 for place, raws in polled.items()})
        return True

    async def _commit(self, consumer: Any, offsets: dict[Any, int]) -> None:
        try:
            await within(ANSWER_S_MAX, consumer.commit(offsets), "a commit")
        except CommitFailedError as error:  # the group moved on: the next owner repeats the batch
            _log.warning("a batch may be repeated: %s", describe(error))

    async def _note(self, consumer: Any, assignment: "_Assignment", generation: int) -> None:
        if assignment.generation != generation:
            return
        moved = [
            (tuple(place), await within(ANSWER_S_MAX, consumer.position(place), "asking for a position"))
            for place in consumer.assignment()
        ]
        self.progress.moved(moved)
        if self.progress.caught_up and not self._told_caught_up:
            self._told_caught_up = True
            if self._on_caught_up is not None:
                await self._on_caught_up()

    async def _check(self, consumer: Any) -> None:
        """Ask where the partitions end: a client that stopped fetching does not know that it lags."""
        assigned = consumer.assignment()
        if not assigned:
            return
        ends = await within(ANSWER_S_MAX, consumer.end_offsets(list(assigned)), "asking for end offsets")
        self.progress.ends_known({tuple(place): end for place, end in ends.items()})
        if self.progress.stuck_for_s > self._stuck_s_max:
            raise TransientError(
                f"no step for {self.progress.stuck_for_s:.0f} s with {self.progress.lag_records} to read"
            )


class _Assignment(ConsumerRebalanceListener):
    """Counts assignments; a revocation waits for the batch in hand."""

    def __init__(self) -> None:
        self.generation = 0
        self.handling = asyncio.Lock()
        self.consumer: Any = None

    async def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ARG002 - the client's interface
        async with self.handling:
            self.generation += 1

    async def on_partitions_assigned(self, assigned: Any) -> None:
        if assigned:
            self.consumer.pause(*assigned)  # until they are positioned
        self.generation += 1
