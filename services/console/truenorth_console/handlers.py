"""What each event means for the read models, and which pages it changes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from truenorth.erasures import began_ms, is_buried
from truenorth.errors import RefusedError
from truenorth.events.envelope import Event
from truenorth.events.health import HealthChanged, HealthDay, HealthUpdated, MilestoneChanged
from truenorth.events.identity import EventHeld, IdentityLearned
from truenorth.events.inputs import ContactUpdated
from truenorth.events.people import ErasureAcknowledged, ErasureRequested
from truenorth.events.work import AlertFeedChanged, AlertRaised, AlertResolved, DeliveryChanged, TaskUpdated
from truenorth.kafka import Record
from truenorth.quarantine import parse_quarantined

from truenorth_console.domain.book import text_fact
from truenorth_console.domain.refusals import Refusal
from truenorth_console.domain.timeline import Past
from truenorth_console.domain.waiting import ACTOR, Held
from truenorth_console.domain.wording import parse_date
from truenorth_console.ports import Moment, Projection


@dataclass(slots=True)
class Touched:
    """What a batch changed: whose book, whose inbox, which accounts, and whether the intake."""

    books: set[str] = field(default_factory=set)
    inboxes: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    intake: bool = False


class Graves:
    """When the accounts and contacts were erased that a batch speaks of."""

    def __init__(self, erased_ms: Mapping[str, int]) -> None:
        self._erased_ms = erased_ms

    @classmethod
    async def of(cls, unit: Projection, events: Sequence[Event]) -> "Graves":
        """Ask for those that these events name."""
        contacts = [event.data for event in events if isinstance(event.data, ContactUpdated)]
        accounts = {event.account for event in events} | {contact.account_id for contact in contacts}
        persons = {contact.contact_id for contact in contacts} | {one for event in events for one in people_in(event)}
        return cls(await unit.graves(accounts, persons))

    def hold(self, event: Event, *, record_ms: int) -> bool:
        """Tell whether an event belongs to what was erased; a service's word that it has forgotten never does."""
        if not self._erased_ms or isinstance(event.data, ErasureAcknowledged | ErasureRequested):
            return False
        names = [event.account, *people_in(event)]
        if isinstance(event.data, ContactUpdated):
            names += [event.data.account_id, event.data.contact_id]
        time_ms = began_ms(event)
        return any(is_buried(self._erased_ms.get(name), record_ms=record_ms, time_ms=time_ms) for name in names)


class Projector:
    """Applies events to the read models; points of days, and what waits, are gathered for one write."""

    def __init__(self, unit: Projection, touched: Touched) -> None:
        self._unit = unit
        self._touched = touched
        self._days: dict[str, list[HealthDay]] = defaultdict(list)
        self._held: list[Held] = []

    async def take(self, event: Event) -> None:
        """Apply one event.

        Raises:
            RefusedError: it can be read and makes no sense; nothing of it was applied.
        """
        said = event.data
        if isinstance(said, HealthUpdated):
            await self._snapshot(said)
        elif isinstance(said, HealthDay):
            _require_date(said)
            self._days[said.account].append(said)
        elif isinstance(said, TaskUpdated):
            await self._task(said, event)
        elif isinstance(said, AlertFeedChanged):
            await self._unit.put_feed(said)
            self._touched.inboxes.add(said.recipient)
        elif isinstance(said, ContactUpdated):
            await self._unit.put_contact(said)
            self._touched.accounts.add(said.account_id)
        elif isinstance(said, ErasureAcknowledged):
            await self._unit.note_done(said, done_ms=event.time_ms)
        elif isinstance(said, IdentityLearned):
            await self._unit.put_learned(clean(said.lookup), clean(event.account), learned_ms=event.recorded_ms)
            self._touched.intake = True
        elif isinstance(said, EventHeld):
            lookups = tuple(clean(lookup) for lookup in said.lookups)
            self._held.append(Held(lookups, said.reason, event.recorded_ms))
        elif isinstance(said, ErasureRequested):
            return  # carried out before all else of its batch
        else:
            await self._moment(event)

    async def finish(self) -> None:
        """Write what was gathered."""
        if self._held:
            await self._unit.put_held(self._held)
            self._touched.intake = True
        if self._days:
            await self._unit.put_days(self._days)
            self._touched.accounts.update(self._days)

    async def _snapshot(self, said: HealthUpdated) -> None:
        if await self._unit.put_account(said):
            self._touched.books.add(text_fact(said.facts, "owner_id") or "")
            self._touched.accounts.add(said.account)

    async def _task(self, said: TaskUpdated, event: Event) -> None:
        await self._unit.put_task(said)
        at_ms = said.closed_ms if said.closed_ms is not None else said.opened_ms
        moment_id = f"task {said.task_id} {'closed' if said.closed_ms is not None else 'open'}"
        await self._put(moment_id, said.account, Past(at_ms, said.revision, said), event.type)
        self._touched.books.add(said.owner_id)

    async def _moment(self, event: Event) -> None:
        said = event.data
        if isinstance(said, HealthChanged | MilestoneChanged):
            past = Past(said.decided_ms, said.number, said)
            await self._put(f"change {said.account} {said.number}", said.account, past, event.type)
        elif isinstance(said, AlertRaised):
            await self._put(f"alert {said.alert_id}", said.account, Past(said.raised_ms, 0, said), event.type)
        elif isinstance(said, AlertResolved):
            return
        elif isinstance(said, DeliveryChanged):
            past = Past(said.changed_ms, said.attempts, said)
            await self._put(f"delivery {said.delivery_id}", said.account, past, event.type)
        else:
            await self._put(f"action {event.id}", event.account, Past(event.time_ms, 0, said), event.type)

    async def _put(self, moment_id: str, account: str, past: Past, event_type: str) -> None:
        await self._unit.put_moment(Moment(moment_id, account, past, event_type))
        self._touched.accounts.add(account)


def refusal_of(record: Record) -> Refusal:
    """Return the refusal that a record of the quarantine topic holds.

    Raises:
        RefusedError: ``quarantine_malformed``.
    """
    said = parse_quarantined(record.value or b"")
    return Refusal(
        partition=record.partition,
        offset=record.offset,
        code=clean(said.code),
        route=clean(said.route),
        field=clean(said.field),
        key_id=clean(said.key_id),
        key_name=clean(said.key_name),
        message=clean(said.message),
        original=clean(said.original),
        recorded_ms=record.timestamp_ms,
        original_bytes=said.original_bytes,
        truncated=said.truncated,
        redacted=said.redacted,
    )


def people_in(event: Event) -> list[str]:
    """Return the pseudonyms of the people that an event of the account map is about."""
    said = event.data
    if isinstance(said, IdentityLearned):
        lookups = [said.lookup]
    else:
        lookups = said.lookups if isinstance(said, EventHeld) else []
    return [lookup.removeprefix(ACTOR) for lookup in lookups if lookup.startswith(ACTOR)]


def clean(text: str) -> str:
    """Return a text that a database can hold: NUL characters become replacement characters."""
    return text.replace("\0", "\ufffd")


def _require_date(said: HealthDay) -> None:
    if parse_date(said.on) is None:
        raise RefusedError("data_invalid", f"{said.on!r} is not a date", field="data.on")


def moment_of_action(action_id: str) -> str:
    """Return the id that an action has on the timeline."""
    return f"action {action_id}"
