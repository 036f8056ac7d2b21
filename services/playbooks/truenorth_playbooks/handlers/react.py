"""React to batches of records: one transaction holds their effects and the place they were read at."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from truenorth import erasures
from truenorth.clock import Clock
from truenorth.codec import parse_storable
from truenorth.definitions.model import Bundle, Playbook
from truenorth.erasures import Request
from truenorth.errors import RefusedError, TransientError
from truenorth.events.envelope import Event
from truenorth.events.health import HealthChanged, MilestoneChanged
from truenorth.events.people import ErasureRequested
from truenorth.ids import derived_id
from truenorth.kafka.dead_letters import PoisonLimit
from truenorth.kafka.records import Record

from truenorth_playbooks.domain import actions, crossings, runs
from truenorth_playbooks.domain.book import Book
from truenorth_playbooks.metrics import Metrics
from truenorth_playbooks.ports.store import Store, Unit

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Batch:
    """A batch taken apart: what is ours in it, in order, and what nobody can read.

    ``record_ms`` are the times of the records of ``events``, one for one.
    """

    events: list[Event] = field(default_factory=list)
    record_ms: list[int] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    poison: list[tuple[Record, str]] = field(default_factory=list)

    def ids_of(self, name: str) -> set[str]:
        """Return the tasks (``task_id``) or alerts (``alert_id``) that actions name."""
        return {found for event in self.events if (found := getattr(event.data, name, None)) is not None}


class Reactor:
    """Handles the batches of one consumer.

    ``current`` gives the definitions in force, ``wake`` tells the relay that there is something to send.
    """

    def __init__(
        self,
        store: Store,
        *,
        current: Callable[[], Bundle | None],
        wake: Callable[[], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._current = current
        self._wake = wake
        self._clock = clock
        self._metrics = metrics
        self._versions: dict[str, Playbook] = {}
        self._kept_versions: set[str] = set()
        self._rules: tuple[str, runs.Rules] | None = None
        self._limit = PoisonLimit()

    async def handle(self, records: Sequence[Record]) -> None:
        """Apply a batch, once.

        Raises:
            TransientError: no definitions are in force yet, or the database is away; nothing was applied.
            HaltError: most of the latest records cannot be read; see `PoisonLimit`.
        """
        rules = self._rules_in_force()
        began = self._clock.monotonic()
        async with self._store.unit() as unit:
            now_ms = self._clock.now_ms()
            fresh = await unit.fresh(records)
            batch = self._parsed(fresh)
            erased = [request for request in batch.requests if await unit.erase(request, now_ms)]
            books, said = await self._apply(unit, batch, rules, now_ms)
            for record, reason in batch.poison:
                await unit.park(record, reason, now_ms)
        if said or batch.poison:
            self._wake()
        self._forgot(erased)
        self._kept_versions |= {run.version for book in books.values() for run in book.runs.values()}
        self._count(fresh, batch, books)
        self._metrics.batch(self._clock.monotonic() - began, said)

    async def erase(self, records: Sequence[Record]) -> None:
        """Carry out the requests to forget among these records, wherever the consumer's place is.

        Raises:
            TransientError: the database is away; nothing was carried out.
        """
        async with self._store.unit() as unit:
            now_ms = self._clock.now_ms()
            erased = [request for request in erasures.requests_in(records) if await unit.erase(request, now_ms)]
        self._forgot(erased)

    def _forgot(self, erased: Sequence[Request]) -> None:
        if erased:
            self._wake()
        for request in erased:
            self._metrics.erased(request.kind, (self._clock.now_ms() - request.erased_ms) / 1000)

    def _rules_in_force(self) -> runs.Rules:
        bundle = self._current()
        if bundle is None:
            raise TransientError("no definitions are in force; run truenorth apply")
        if self._rules is None or self._rules[0] != bundle.hash:
            playbooks = [(runs.version_of(playbook), playbook) for playbook in bundle.definitions.playbooks]
            people = {person.id: person for person in bundle.definitions.people}
            self._rules = bundle.hash, runs.Rules(playbooks, people)
            self._versions |= dict(playbooks)
        return self._rules[1]

    def _parsed(self, records: Sequence[Record]) -> Batch:
        batch = Batch()
        for record in records:
            if record.value is None:
                continue
            try:
                event = parse_storable(record.value)
            except RefusedError as error:
                batch.poison.append((record, self._dead(record, error)))
                continue
            self._limit.good(record)
            if isinstance(event.data, (HealthChanged, MilestoneChanged, *actions.ACTIONS)):
                batch.events.append(event)
                batch.record_ms.append(record.timestamp_ms)
            elif isinstance(event.data, ErasureRequested):
                batch.requests.append(erasures.request_of(event, record_ms=record.timestamp_ms))
        return batch

    def _dead(self, record: Record, error: RefusedError) -> str:
        reason = f"{error.code}: {error.message}"
        self._limit.dead(record, reason)
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.error("record parked: %s", error.message, extra=where)
        return reason

    async def _apply(self, unit: Unit, batch: Batch, rules: runs.Rules, now_ms: int) -> tuple[dict[str, Book], int]:
        accounts = {event.account for event in batch.events}
        if not accounts:
            return {}, 0
        books = await unit.books(accounts, tasks=batch.ids_of("task_id"), alerts=batch.ids_of("alert_id"))
        await self._load_versions(unit, books)
        acted = [_action_id(event) for event in batch.events if isinstance(event.data, actions.ACTIONS)]
        unacted = await unit.first_time(acted, now_ms)
        for event, record_ms in zip(batch.events, batch.record_ms, strict=True):
            book = books[event.account]
            if erasures.is_buried(book.erased_ms, record_ms=record_ms, time_ms=erasures.began_ms(event)):
                book.noted.append(("ignored_erased", event.type))
            elif isinstance(event.data, HealthChanged):
                runs.see(book, crossings.from_change(event.data), rules, self._versions.__getitem__, now_ms)
            elif isinstance(event.data, MilestoneChanged):
                runs.see(book, crossings.from_milestone(event.data), rules, self._versions.__getitem__, now_ms)
            elif (action_id := _action_id(event)) in unacted:
                unacted.discard(action_id)
                actions.act(book, event.data, now_ms)
            else:
                book.noted.append(("ignored_repeat", event.type))
        used = {run.version for book in books.values() for run in book.runs.values() if run.run_id in book.changed_runs}
        new = {version: self._versions[version] for version in used - self._kept_versions}
        said = await unit.save(books.values(), new, now_ms)
        return books, said

    async def _load_versions(self, unit: Unit, books: dict[str, Book]) -> None:
        wanted = {run.version for book in books.values() for run in book.open_runs()} - self._versions.keys()
        if wanted:
            self._versions |= await unit.playbooks(wanted)

    def _count(self, fresh: Sequence[Record], batch: Batch, books: dict[str, Book]) -> None:
        for topic, count in Counter(record.topic for record in fresh).items():
            self._metrics.records(topic, count)
        for book in books.values():
            self._metrics.happened(book.noted)
        for _ in batch.poison:
            self._metrics.parked()
        now_ms = self._clock.now_ms()
        for event in batch.events:
            if isinstance(event.data, HealthChanged | MilestoneChanged) and books[event.account].said:
                self._metrics.crossing_delay((now_ms - event.data.decided_ms) / 1000)


def _action_id(event: Event) -> str:
    return derived_id("action", event.source, event.id)
