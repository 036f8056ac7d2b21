"""Tasks turn overdue by themselves: due timers are claimed under a lease and their tasks looked at again."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from truenorth.clock import MILLIS_PER_DAY, Clock
from truenorth.errors import TransientError

from truenorth_playbooks.domain import actions
from truenorth_playbooks.metrics import Metrics
from truenorth_playbooks.ports.store import Store

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
TASKS_PER_LOOK: Final = 100
ACTIONS_KEPT_DAYS: Final = 7
FORGET_EVERY_S: Final = 3600.0


class OverdueLoop:
    """Looks every second for tasks whose time has come."""

    def __init__(self, store: Store, *, wake: Callable[[], None], clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._wake = wake
        self._clock = clock
        self._metrics = metrics
        self._stopping = asyncio.Event()
        self._forgot_at = float("-inf")
        self.looked_at = clock.monotonic()
        """Monotonic seconds of the latest look that went through."""

    async def run(self) -> None:
        """Look until `stop`; the database being away is waited out."""
        while not self._stopping.is_set():
            try:
                found = await self.look()
                await self._forget()
                self.looked_at = self._clock.monotonic()
            except TransientError as error:
                log.warning("timers wait: %s", error)
                found = 0
            if found < TASKS_PER_LOOK:
                await self._rest()

    async def stop(self) -> None:
        """Stop after the look in hand."""
        self._stopping.set()

    async def look(self) -> int:
        """Turn overdue what is due now; return how many timers were due."""
        now_ms = self._clock.now_ms()
        due = await self._store.due_tasks(now_ms, TASKS_PER_LOOK)
        if not due:
            return 0
        task_ids = [task_id for task_id, _ in due]
        async with self._store.unit() as unit:
            books = await unit.books({account for _, account in due}, tasks=task_ids)
            for task_id, account in due:
                actions.turn_overdue(books[account], task_id, now_ms)
            said = await unit.save(books.values(), {}, now_ms)
            await unit.retime(books.values(), task_ids)
        if said:
            self._wake()
        for book in books.values():
            self._metrics.happened(book.noted)
        return len(due)

    async def _forget(self) -> None:
        if self._clock.monotonic() - self._forgot_at >= FORGET_EVERY_S:
            await self._store.forget_actions(self._clock.now_ms() - ACTIONS_KEPT_DAYS * MILLIS_PER_DAY)
            await self._store.forget_erasures(self._clock.now_ms())
            self._forgot_at = self._clock.monotonic()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._stopping.wait()
        except TimeoutError:
            return
