"""What comes out of the pipe, with the moment at which a reader has it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from truenorth.clock import Clock
from truenorth.codec import parse_event
from truenorth.events.health import HealthChanged, HealthUpdated
from truenorth.events.work import AlertFeedChanged, AlertRaised
from truenorth.kafka import Record
from truenorth.kafka.consumer import ConsumerLoop
from truenorth.topics import full_name

SETTLE_SECONDS = 0.3


class Watch:
    """Arrivals (clock seconds): snapshots by account with the offset they include, alerts by account, feed entries."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.snapshots: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self.bands: dict[str, str] = {}
        self.changes: dict[str, list[float]] = defaultdict(list)
        self.alerts: dict[str, list[float]] = defaultdict(list)
        self.feed: dict[str, list[float]] = defaultdict(list)

    async def handle(self, records: Sequence[Record]) -> None:
        """Note what arrived; reading the clock first, so that decoding does not count."""
        now = self._clock.monotonic()
        for record in records:
            if record.value is None:
                continue
            event = parse_event(record.value)
            match event.data:
                case HealthUpdated(account=account, point=point, band=band):
                    self.snapshots[account].append((now, point.offsets.get("usage", -1)))
                    self.bands[account] = band
                case HealthChanged(account=account, kind="band"):
                    self.changes[account].append(now)
                case AlertRaised(account=account):
                    self.alerts[account].append(now)
                case AlertFeedChanged():
                    self.feed[event.account].append(now)
                case _:
                    continue


@asynccontextmanager
async def watching(bootstrap: str, clock: Clock) -> AsyncIterator[Watch]:
    """Watch from the topics' ends on until the block ends."""
    watch = Watch(clock)
    names = [full_name(name) for name in ("health", "health-changes", "alerts", "feed")]
    loop = ConsumerLoop(bootstrap, None, names, watch.handle, clock=clock, from_start=False, client_id="bench-watch")
    await loop.start()
    running = asyncio.create_task(loop.run())
    await asyncio.sleep(SETTLE_SECONDS)
    try:
        yield watch
    finally:
        await loop.stop()
        await running
