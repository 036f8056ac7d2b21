"""Which webhooks were taken already: vendors repeat them for days, and some send each of them twice."""

import asyncio
import logging
from typing import Final

from truenorth.clock import Clock
from truenorth.errors import TransientError

from truenorth_ingest.ports import DeliveryTable

DAY_MS: Final = 86_400_000
KEPT_MS: Final = 30 * DAY_MS
ANSWER_SECONDS_MAX: Final = 2.0
AWAY_SECONDS: Final = 5.0
"""For so long nobody asks a table that did not answer: vendors wait a few seconds at most for their own answer."""
FORGET_EVERY_SECONDS: Final = 3600.0

log = logging.getLogger(__name__)


class Deliveries:
    """A guard against repeats that is never in the way.

    While the table is away webhooks go on to their topics: their events have ids that stay the same over repeats, by
    which those who read them drop the second one.
    """

    def __init__(self, table: DeliveryTable, clock: Clock, *, answer_seconds_max: float = ANSWER_SECONDS_MAX) -> None:
        self._table = table
        self._clock = clock
        self._answer_seconds_max = answer_seconds_max
        self._away_until_s = 0.0

    async def is_taken(self, connector: str, delivery: str) -> bool:
        """Tell whether this delivery was taken in the last 30 days, as far as is known."""
        if self._clock.monotonic() < self._away_until_s:
            return False
        since_ms = self._clock.now_ms() - KEPT_MS
        try:
            async with asyncio.timeout(self._answer_seconds_max):
                return await self._table.taken_since(connector, delivery, since_ms=since_ms)
        except (TransientError, TimeoutError) as error:
            self._is_away("repeats of webhooks cannot be told", connector, error)
            return False

    async def note(self, connector: str, delivery: str) -> None:
        """Remember a delivery, once what it brought is on the log."""
        if self._clock.monotonic() < self._away_until_s:
            return
        try:
            async with asyncio.timeout(self._answer_seconds_max):
                await self._table.note_taken(connector, delivery, now_ms=self._clock.now_ms())
        except (TransientError, TimeoutError) as error:
            self._is_away("a taken webhook was not noted", connector, error)

    async def run(self) -> None:
        """Forget what is older, once an hour."""
        while True:
            try:
                await self._table.forget_before(self._clock.now_ms() - KEPT_MS)
            except TransientError as error:
                log.warning("old deliveries were not forgotten", extra={"reason": str(error)})
            await self._clock.sleep(FORGET_EVERY_SECONDS)

    def _is_away(self, message: str, connector: str, error: Exception) -> None:
        self._away_until_s = self._clock.monotonic() + AWAY_SECONDS
        log.warning(message, extra={"connector": connector, "reason": str(error) or "no answer in time"})
