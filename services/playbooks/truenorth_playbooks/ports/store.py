"""Where runs, tasks and alerts are kept, together with the consumer's place and what is to be said."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from truenorth.definitions.model import Playbook
from truenorth.erasures import Request
from truenorth.kafka.records import Record

from truenorth_playbooks.domain.book import Book


class Unit(Protocol):
    """One transaction: everything in it happens together, or not at all."""

    async def fresh(self, records: Sequence[Record]) -> list[Record]:
        """Move the consumer's place past these records and return those that were not applied before."""
        ...

    async def books(
        self, accounts: Collection[str], *, tasks: Collection[str] = (), alerts: Collection[str] = ()
    ) -> dict[str, Book]:
        """Lock these accounts and load what they have open, and the named tasks and alerts, open or not."""
        ...

    async def erase(self, request: Request, now_ms: int) -> bool:
        """Forget what is asked, and say so; False, and nothing happens, when that was done before."""
        ...

    async def playbooks(self, versions: Collection[str]) -> dict[str, Playbook]:
        """Return the kept contents of these playbook versions."""
        ...

    async def first_time(self, action_ids: Sequence[str], now_ms: int) -> set[str]:
        """Note these actions as carried out; return those that were not before."""
        ...

    async def save(self, books: Collection[Book], playbooks: Mapping[str, Playbook], now_ms: int) -> int:
        """Keep what changed and put what is said into the outbox; ``playbooks`` are the versions of new runs.

        Returns the number of events said.
        """
        ...

    async def retime(self, books: Collection[Book], task_ids: Collection[str]) -> None:
        """Set the timers of these tasks anew from what the tasks are now."""
        ...

    async def park(self, record: Record, reason: str, now_ms: int) -> None:
        """Put a record that can never be processed on the dead-letter topic."""
        ...


class Store(Protocol):
    """Opens units, and hands out due timers under a lease."""

    def unit(self) -> AbstractAsyncContextManager[Unit]:
        """Open a transaction; `TransientError` when the database is away or busy."""
        ...

    async def due_tasks(self, now_ms: int, limit: int) -> list[tuple[str, str]]:
        """Claim due timers; return (task, account) pairs, the longest due first."""
        ...

    async def forget_actions(self, before_ms: int) -> None:
        """Forget carried-out actions older than this: repeats come within hours."""
        ...

    async def forget_erasures(self, now_ms: int) -> None:
        """Forget the gravestones that nothing can still be on its way to."""
        ...
