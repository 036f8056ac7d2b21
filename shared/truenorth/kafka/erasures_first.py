"""Requests to forget are read before what they are about, however far behind a reader is.

What a service says about an account is passed over by its readers for a day after the account's erasure. A reader that
was away for longer could tell of an erased account after that day, were the request still unread on its own topic.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from truenorth import topics
from truenorth.clock import MILLIS_PER_SECOND, Clock
from truenorth.erasures import GRACE_MS, REQUESTS_TOPIC
from truenorth.kafka.reader import read_topic
from truenorth.kafka.records import Record

AGAIN_AFTER_S: Final = GRACE_MS / MILLIS_PER_SECOND / 2
"""So every request that is still unread is younger than this, and its day not over."""
BATCH_RECORDS: Final = 500

Handle = Callable[[Sequence[Record]], Awaitable[None]]


class ErasuresFirst:
    """A handler of batches that first has all requests carried out that lie on `erasures`, and again twice a day.

    ``carry_out`` gets them all, also those it carried out before.
    """

    def __init__(self, handle: Handle, *, carry_out: Handle, bootstrap: str, clock: Clock) -> None:
        self._handle = handle
        self._carry_out = carry_out
        self._bootstrap = bootstrap
        self._clock = clock
        self._read_at_s = float("-inf")

    async def handle(self, records: Sequence[Record]) -> None:
        """Handle a batch.

        Raises:
            TransientError: the broker or the database is away; nothing of the batch was handled.
        """
        began_s = self._clock.monotonic()
        if began_s - self._read_at_s >= AGAIN_AFTER_S:
            await self._read_ahead()
            self._read_at_s = began_s
        await self._handle(records)

    async def _read_ahead(self) -> None:
        asked = [record async for record in read_topic(self._bootstrap, topics.full_name(REQUESTS_TOPIC))]
        for start in range(0, len(asked), BATCH_RECORDS):
            await self._carry_out(asked[start : start + BATCH_RECORDS])
