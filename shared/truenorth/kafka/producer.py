"""Writing records: idempotent, acknowledged by all replicas, one lane per partition and one fleet per broker.

aiokafka's idempotent producer stays broken once a batch was given up or refused out of order (every later send of
the partition fails), so a fleet that meets an error has the whole producer replaced.
"""

import asyncio
import itertools
import logging
from collections.abc import Sequence
from typing import Any, Final

from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError
from truenorth.kafka.clients import discard_producer, leader_of, new_producer, stop_producer
from truenorth.kafka.errors import describe, retrying, within
from truenorth.kafka.lanes import RECORD_OVERHEAD_BYTES, Fleet, Lane, Waiter
from truenorth.kafka.records import RECORD_BYTES_MAX, Sendable, partition_of

_log = logging.getLogger(__name__)

DELIVERY_S_MAX: Final = 20.0
WAITING_BYTES_MAX: Final = 64 * 1024 * 1024


class LanesProducer:
    """A producer for many concurrent callers. After an error a record may still have reached the log: ids matter."""

    def __init__(
        self,
        bootstrap: str,
        *,
        clock: Clock,
        client_id: str,
        delivery_s_max: float = DELIVERY_S_MAX,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
    ) -> None:
        self._bootstrap = bootstrap
        self._clock = clock
        self._client_id = client_id
        self._delivery_s_max = delivery_s_max
        self._waiting_bytes_max = waiting_bytes_max
        self._waiting_bytes = 0
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._fleets: dict[int | None, Fleet] = {}
        self._partitions: dict[str, int] = {}
        self._producer: Any | None = None
        self._connecting: asyncio.Task[Any] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._turn = itertools.count()
        self._stopped = False
        self.replaced_count = 0

    @property
    def connected(self) -> bool:
        """Whether there is a producer that, for all we know, works; for the readiness probe."""
        return self._producer is not None

    async def start(self) -> None:
        """Begin to connect; goes on in the background while the broker is away."""
        self._stopped = False
        self._connect()

    async def stop(self) -> None:
        """Send what waits for a bounded time, then close. Calls still waiting fail."""
        self._stopped = True
        for _ in range(50):
            if self._waiting_bytes == 0:
                break
            await asyncio.sleep(0.02)
        for fleet in list(self._fleets.values()):
            await fleet.stop()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_producer(producer)
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def send_many(self, items: Sequence[Sendable]) -> None:
        """Write all records and return when the last one is acknowledged; per partition in the order given.

        Raises:
            TransientError: not all were acknowledged in time, or too much is waiting already.
            RefusedError: ``record_too_large``; nothing was sent.
        """
        if not items:
            return
        if self._stopped:
            raise TransientError("the producer is stopped")
        shares, size = await self._shares(items)
        if self._waiting_bytes + size > self._waiting_bytes_max:
            raise TransientError(f"more than {self._waiting_bytes_max} bytes wait for the broker")
        self._waiting_bytes += size
        waiter = Waiter(asyncio.get_running_loop().create_future(), size, self._released)
        for lane, share in shares.items():
            lane.put(share, waiter)
        await waiter.future

    async def _shares(self, items: Sequence[Sendable]) -> tuple[dict[Lane, list[Sendable]], int]:
        """Return each lane's share of the records, and about how many bytes all of them take on the way."""
        shares: dict[Lane, list[Sendable]] = {}
        total = 0
        for item in items:
            topic, key = item.topic, item.key
            size = len(key or b"") + len(item.value or b"") + RECORD_OVERHEAD_BYTES
            if size > RECORD_BYTES_MAX:
                raise RefusedError("record_too_large", f"a record may have {RECORD_BYTES_MAX} bytes, this has {size}")
            total += size
            count = self._partitions.get(topic) or await self._count_partitions(topic)
            place = topic, next(self._turn) % count if key is None else partition_of(key, count)
            lane = self._lanes.get(place) or self._new_lane(place)
            share = shares.get(lane)
            if share is None:
                shares[lane] = [item]
            else:
                share.append(item)
        return shares, total

    def _new_lane(self, place: tuple[str, int]) -> Lane:
        """Return a lane in the fleet of the broker that leads its partition now; should that change, it stays there.

        Nothing depends on it but which lanes wait for one another.
        """
        leader = None if self._producer is None else leader_of(self._producer, *place)
        fleet = self._fleets.get(leader)
        if fleet is None:
            fleet = self._fleets[leader] = Fleet(
                producer=self._ready, broken=self._replace, delivery_s_max=self._delivery_s_max
            )
        lane = self._lanes[place] = Lane(*place, wake=fleet.wake)
        return lane

    async def _count_partitions(self, topic: str) -> int:
        producer = await self._ready()
        try:
            found = await within(self._delivery_s_max, producer.partitions_for(topic), f"looking up {topic}")
        except Exception as error:
            raise TransientError(f"the broker does not tell about topic {topic}: {describe(error)}") from error
        if not found:  # just created: the broker knows its name before its partitions
            raise TransientError(f"topic {topic} has no partitions yet")
        self._partitions[topic] = len(found)
        return len(found)

    def _released(self, size: int) -> None:
        self._waiting_bytes -= size

    async def _ready(self) -> Any:
        if self._producer is not None:
            return self._producer
        connecting = self._connect()
        return await within(self._delivery_s_max, asyncio.shield(connecting), "connecting to the broker")

    def _connect(self) -> "asyncio.Task[Any]":
        if self._connecting is None or (self._connecting.done() and self._producer is None):
            self._connecting = asyncio.create_task(self._connected())
        return self._connecting

    async def _connected(self) -> Any:
        async def attempt() -> Any:
            return await new_producer(self._bootstrap, client_id=self._client_id)

        self._producer = await retrying(attempt, clock=self._clock, what="connecting to the broker")
        return self._producer

    def _replace(self, broken: Any, error: BaseException) -> None:
        if self._stopped or self._producer is not broken:
            return
        _log.warning("the producer is replaced: %s", describe(error))
        self.replaced_count += 1
        self._producer = None
        self._connecting = None
        self._partitions.clear()
        leaving = asyncio.create_task(discard_producer(broken))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        self._connect()
