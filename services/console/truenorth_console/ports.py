"""What the console needs from outside of itself."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from truenorth.erasures import Request
from truenorth.events.health import HealthDay, HealthUpdated
from truenorth.events.inputs import ContactUpdated
from truenorth.events.payload import PayloadStruct
from truenorth.events.people import ErasureAcknowledged
from truenorth.events.work import AlertFeedChanged, TaskUpdated
from truenorth.kafka import Record

from truenorth_console.domain.refusals import Refusal
from truenorth_console.domain.timeline import Past
from truenorth_console.domain.waiting import Held


@dataclass(frozen=True, slots=True)
class Moment:
    """Something for an account's timeline. ``moment_id`` is the same however often it is read."""

    moment_id: str
    account: str
    past: Past
    event_type: str


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person did: ``action_id`` (a UUID) becomes the id of the event on `actions`."""

    action_id: str
    account: str
    by: str
    at_ms: int
    payload: PayloadStruct


@dataclass(frozen=True, slots=True)
class Stored:
    """What an account's page is made from besides the account itself."""

    tasks: Sequence[TaskUpdated]
    contacts: Sequence[ContactUpdated]
    past: Sequence[Past]


class Projection(Protocol):
    """One transaction that writes read models together with the reader's place."""

    async def fresh(self, records: Sequence[Record]) -> list[Record]:
        """Move the place past these records and return those not applied before."""
        ...

    async def put_account(self, snapshot: HealthUpdated) -> bool:
        """Keep a snapshot unless one of the same or a higher revision is there; tell whether it was kept."""
        ...

    async def hold(self, *, alone: bool) -> None:
        """Let other batches run beside this one, or none; called first."""
        ...

    async def graves(self, accounts: Collection[str], persons: Collection[str]) -> dict[str, int]:
        """Return when (epoch ms) those of these accounts and contacts that were erased were erased last."""
        ...

    async def erase(self, request: Request, *, now_ms: int) -> bool:
        """Forget what is asked, and say so; False, and nothing happens, when that was done before."""
        ...

    async def note_done(self, done: ErasureAcknowledged, *, done_ms: int) -> None:
        """Note a service's word that it carried out a request."""
        ...

    async def forget_account(self, account: str) -> None:
        """Delete the snapshot of an account; what else there is goes with the request to forget it."""
        ...

    async def bury_contact(self, contact_id: str, *, now_ms: int) -> None:
        """Have the tombstone of a contact written that came after its erasure, or its account's."""
        ...

    async def put_days(self, points: Mapping[str, Sequence[HealthDay]]) -> None:
        """Merge points into the days of their accounts."""
        ...

    async def put_task(self, task: TaskUpdated) -> None:
        """Keep a task unless a higher revision is there."""
        ...

    async def put_feed(self, entry: AlertFeedChanged) -> None:
        """Keep a feed entry unless a higher revision is there."""
        ...

    async def put_contact(self, contact: ContactUpdated) -> None:
        """Keep a contact; the latest wins."""
        ...

    async def forget_contact(self, contact_id: str) -> None:
        """Delete a contact."""
        ...

    async def put_moment(self, moment: Moment) -> None:
        """Keep something for the timeline; a later form of the same moment replaces it."""
        ...

    async def put_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Keep the newest of what was refused; what speaks of whoever was erased is left out."""
        ...

    async def put_held(self, held: Sequence[Held]) -> None:
        """Count events that wait for their account."""
        ...

    async def put_learned(self, lookup: str, account: str, *, learned_ms: int) -> None:
        """Note whose a lookup is."""
        ...

    async def forget_learned(self, lookup: str, account: str) -> None:
        """Delete whose a lookup was."""
        ...

    async def park(self, record: Record, *, reason: str, now_ms: int) -> None:
        """Put a record that cannot be processed where people find it."""
        ...
