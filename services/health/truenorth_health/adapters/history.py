"""The past, reconstructed: when an account's history is loaded, its days are replayed from the retained log.

``history.loaded`` on `backfills` asks for it. The same pure code that scores live is replayed on the event-time
clock, and its points go to `health-daily`, marked reconstructed. Points are idempotent by (account, day) and
live points win over them, so that a repeat is harmless.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol, TypeVar

from truenorth import codec
from truenorth.clock import Clock, day_of
from truenorth.errors import RefusedError, TransientError
from truenorth.events import Event
from truenorth.events.people import HistoryLoaded
from truenorth.kafka import Outgoing, Record
from truenorth.kafka.reader import read_topic
from truenorth.topics import HEALTH_SOURCES, full_name

from truenorth_health.adapters.processor import CompiledDefinitions, day_record
from truenorth_health.domain.fold_billing import day_number
from truenorth_health.domain.replay import replay

DAYS_MAX: Final = 400
"""How far back days are rebuilt: as long as `health-daily` keeps them."""

ACCOUNTS_PER_PASS_MAX: Final = 2_000
RECORDS_PER_SEND_MAX: Final = 1_000

log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Sender(Protocol):
    """Writes records and returns when they are acknowledged."""

    async def send_many(self, items: Sequence[Outgoing]) -> None:
        """Write all; raises TransientError when not all were acknowledged."""


class HistoryRebuilder:
    """Handles batches of `backfills`; raises TransientError to be called again with the same batch."""

    def __init__(
        self,
        bootstrap: str,
        definitions: CompiledDefinitions,
        producer: Sender,
        clock: Clock,
        *,
        read: Callable[[str, set[bytes]], Awaitable[dict[str, list[Event]]]] | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._definitions = definitions
        self._producer = producer
        self._clock = clock
        self._read = read or self._read_events
        self.days_count = 0

    async def handle(self, records: Sequence[Record]) -> None:
        """Rebuild the days of every account these records name."""
        wanted = wanted_days(records, today=day_of(self._clock.now_ms()))
        for accounts in chunked(sorted(wanted), ACCOUNTS_PER_PASS_MAX):
            days = await self._rebuild({account: wanted[account] for account in accounts})
            self.days_count += days
            log.info("history rebuilt", extra={"accounts": len(accounts), "days": days})

    async def _rebuild(self, wanted: Mapping[str, int]) -> int:
        compiled = self._definitions.get()
        if compiled is None:
            raise TransientError("no definitions are known yet")
        events = await self._collect({account.encode() for account in wanted})
        today = day_of(self._clock.now_ms())
        sent = 0
        for account, from_day in wanted.items():
            mine = sorted(events.pop(account, ()), key=lambda event: (event.time_ms, event.id))
            days = await asyncio.to_thread(
                lambda: list(replay(account, mine, compiled, from_day=from_day, to_day=today - 1))  # noqa: B023
            )
            now_ms = self._clock.now_ms()
            key = account.encode()
            topic = full_name("health-daily")
            for chunk in chunked(days, RECORDS_PER_SEND_MAX):
                await self._producer.send_many(
                    [Outgoing(topic, key, day_record(day, account, now_ms)) for day in chunk]
                )
            sent += len(days)
        return sent

    async def _collect(self, keys: set[bytes]) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {}
        for name in HEALTH_SOURCES:
            for account, events in (await self._read(full_name(name), keys)).items():
                found.setdefault(account, []).extend(events)
        return found

    async def _read_events(self, topic: str, keys: set[bytes]) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {}
        async for record in read_topic(self._bootstrap, topic):
            if record.key not in keys or record.value is None:
                continue
            try:
                event = codec.parse_event(record.value)
            except RefusedError:
                continue  # the engine has parked it as a dead letter; it is no part of the past
            found.setdefault(event.account, []).append(event)
        return found


def wanted_days(records: Iterable[Record], *, today: int) -> dict[str, int]:
    """Return account -> first epoch day to rebuild, at most `DAYS_MAX` back."""
    wanted: dict[str, int] = {}
    for record in records:
        if record.value is None:
            continue
        try:
            event = codec.parse_event(record.value)
        except RefusedError as error:
            log.warning("history request refused", extra={"offset": record.offset, "reason": str(error)})
            continue
        if not isinstance(event.data, HistoryLoaded):
            continue
        day = day_number(event.data.from_on)
        if day is None:
            reason = f"no calendar has the day {event.data.from_on}"
            log.warning("history request refused", extra={"offset": record.offset, "reason": reason})
            continue
        first = max(day, today - DAYS_MAX)
        wanted[event.account] = min(first, wanted.get(event.account, first))
    return wanted


def chunked(items: Iterable[_T], size: int) -> Iterable[list[_T]]:
    """Yield the items in lists of at most ``size``."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
