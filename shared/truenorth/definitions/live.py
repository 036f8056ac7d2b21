"""The definitions in force, followed as they change: every process reads the topic itself, without a group."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from truenorth import topics
from truenorth.clock import Clock
from truenorth.definitions.folding import Shelf
from truenorth.definitions.model import Bundle
from truenorth.errors import RefusedError
from truenorth.kafka import Record
from truenorth.kafka.consumer import ConsumerLoop

_log = logging.getLogger(__name__)


class LiveDefinitions:
    """Reads all bundles and follows which is in force. A bad bundle is logged and never replaces a good one.

    ``on_change`` is called with each bundle that comes into force, also with the first, between two batches.
    """

    def __init__(self, bootstrap: str, clock: Clock, *, on_change: Callable[[Bundle], None] | None = None) -> None:
        self._shelf = Shelf()
        self._on_change = on_change
        self._caught_up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._loop = ConsumerLoop(
            bootstrap,
            None,
            [topics.full_name("definitions")],
            self._take,
            position=None,
            from_start=True,
            clock=clock,
            on_caught_up=self._reached_end,
        )

    @property
    def current(self) -> Bundle | None:
        """The bundle in force; None before the first apply."""
        return self._shelf.current

    def bundle(self, hash_: str) -> Bundle | None:
        """Return the bundle with this hash, in force or not; None when it was never seen."""
        return self._shelf.bundle(hash_)

    def older(self) -> list[Bundle]:
        """Return the bundles applied before the one in force, the newest first."""
        return self._shelf.older()

    @property
    def failure(self) -> str | None:
        """Why the topic is no longer followed, for the liveness probe; None while all is well."""
        task = self._task
        if task is None or not task.done() or task.cancelled():
            return None
        return f"definitions are no longer followed: {task.exception() or 'the reader ended'}"

    async def start(self) -> None:
        """Read the topic to its end, then go on following it; returns once the bundle in force is known.

        Raises:
            Exception: whatever ended the reader before it had read the topic once.
        """
        await self._loop.start()
        self._task = asyncio.create_task(self._loop.run(), name="definitions")
        waiting = asyncio.create_task(self._caught_up.wait())
        try:
            await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Stop following; what is known stays known."""
        await self._loop.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _reached_end(self) -> None:
        self._caught_up.set()

    async def _take(self, records: Sequence[Record]) -> None:
        for record in records:
            try:
                changed = self._shelf.take(record.key, record.value)
            except RefusedError as error:
                _log.error("definitions record refused", extra={"offset": record.offset, "reason": error.message})
                continue
            if changed and self._on_change is not None and self.current is not None:
                self._on_change(self.current)
