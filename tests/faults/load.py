"""A sender with a steady rate that keeps sending an event, under its one id, until it is acknowledged."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from truenorth.clock import Clock
from truenorth.errors import TransientError
from truenorth.kafka.producer import LanesProducer

from tests.faults.customers import Customers
from tests.faults.ledger import Ledger, Sent

TICK_S = 0.05
ON_THE_WAY_MAX = 40
"""Batches; with more, the sender waits: the broker is away."""
RECENT = 400
RETRY_S = 0.2
ACKNOWLEDGED_S_MAX = 90.0


class Load:
    """Sends ``rate`` events a second in small batches, a share of them again under the same id."""

    def __init__(
        self, bootstrap: str, customers: Customers, *, rate: int, clock: Clock, duplicates: float = 0.1
    ) -> None:
        self.rate = rate
        self.ledger = Ledger()
        self.duplicates = duplicates
        self._customers = customers
        self._producer = LanesProducer(bootstrap, clock=clock, client_id="faults-load", delivery_s_max=4.0)
        self._recent: deque[Sent] = deque(maxlen=RECENT)
        self._past: list[list[Sent]] = []
        self._on_the_way: set[asyncio.Task[None]] = set()
        self._sending: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Load"]:
        """Connect, tell each customer's past, and send until the end of the block."""
        await self._producer.start()
        try:
            self._past = list(self._customers.past())
            for events in self._past:
                await self._until_acknowledged(events)
            self.resume()
            yield self
        finally:
            for task in [*self._on_the_way, *([self._sending] if self._sending else [])]:
                task.cancel()
            await self._producer.stop()

    def resume(self) -> None:
        """Send on."""
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_on())

    async def pause(self) -> None:
        """Send nothing new, and return when all that was sent is acknowledged."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])
            self._sending = None
        if self._on_the_way:
            _, late = await asyncio.wait(self._on_the_way, timeout=ACKNOWLEDGED_S_MAX)
            if late:
                raise TransientError(f"{len(late)} batches are not acknowledged after {ACKNOWLEDGED_S_MAX:.0f} s")

    async def send(self, count: int) -> None:
        """Send this many beside the steady rate and return when they are acknowledged."""
        await self._until_acknowledged(self._customers.some(count))

    async def past_again(self, count: int) -> None:
        """Send the past of this many customers again, under the same ids."""
        for events in self._customers.again(self._past, count / len(self._past)):
            await self._until_acknowledged(events)

    async def _send_on(self) -> None:
        while True:
            if len(self._on_the_way) < ON_THE_WAY_MAX:
                events = self._customers.some(max(1, round(self.rate * TICK_S)))
                events += self._customers.again(list(self._recent), min(1.0, self.duplicates * len(events) / RECENT))
                task = asyncio.create_task(self._until_acknowledged(events))
                self._on_the_way.add(task)
                task.add_done_callback(self._on_the_way.discard)
            await asyncio.sleep(TICK_S)

    async def _until_acknowledged(self, events: list[Sent]) -> None:
        records = [event.outgoing() for event in events]
        while True:
            try:
                await self._producer.send_many(records)
                break
            except TransientError:
                await asyncio.sleep(RETRY_S)
        self.ledger.acknowledged(events)
        self._recent.extend(events)
