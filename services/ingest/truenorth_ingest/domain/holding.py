"""Events that wait for their account: what is kept of them, and what becomes of them once it is known."""

import re
from collections.abc import Collection
from typing import Final, NamedTuple

import msgspec
from truenorth import codec
from truenorth.clock import MILLIS_PER_DAY
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE, FAMILY_OF_TYPE
from truenorth.events.identity import EventHeld
from truenorth.events.inputs import AccountUpdated
from truenorth.ids import derived_id

from truenorth_ingest.domain.drafts import Draft, identity_key, learned, sealed
from truenorth_ingest.domain.graves import person_in
from truenorth_ingest.domain.lookups import Reason, external_lookup

KEPT_MS_MAX: Final = 7 * MILLIS_PER_DAY
"""How long an event waits for its account: as long as `unresolved` keeps it."""
_PERSON: Final = re.compile(rb'"(p_[0-9a-f]{32})"')


class Waiting(NamedTuple):
    """A held event at its place on `unresolved`. ``held_ms`` is the broker's clock when it was taken."""

    partition: int
    offset: int
    event: EventHeld
    held_ms: int

    @property
    def place(self) -> tuple[int, int]:
        """Partition and offset."""
        return self.partition, self.offset

    @property
    def people(self) -> Collection[str]:
        """The pseudonyms that it names, as lookups or in its data."""
        named = {person_in(lookup) for lookup in self.event.lookups} - {""}
        return named | {found.decode() for found in _PERSON.findall(bytes(self.event.data))}


class Kept(NamedTuple):
    """A held event that goes on waiting, and why."""

    waiting: Waiting
    reason: Reason


class Told(NamedTuple):
    """A record of `identities`: whether this lookup belongs to this account. Times are epoch ms."""

    lookup: str
    account: str
    belongs: bool
    record_ms: int
    time_ms: int


class Said(NamedTuple):
    """A record to write: ``topic`` is the catalogue's short name, an empty ``value`` a tombstone.

    ``said_id`` is the record's own among those that wait to be written, a UUID.
    """

    said_id: str
    topic: str
    key: str
    event_type: str
    value: bytes


def released(waiting: Waiting, account: str) -> Said:
    """Return the record of an event that has found its account: as it came, under its own id and times."""
    event = waiting.event
    draft = Draft(
        index=0,
        type=event.event_type,
        id=event.event_id,
        source=event.event_source,
        time=event.time,
        data=bytes(event.data),
        key=_key(event),
        traceparent=event.traceparent,
        backfill=event.backfill,
    )
    record = sealed(draft, account, event.recordedtime)
    said_id = derived_id("event.held", str(waiting.partition), str(waiting.offset))
    topic = FAMILY_OF_TYPE[event.event_type]
    return Said(said_id, topic, (record.key or b"").decode(), event.event_type, record.value or b"")


def taught(waiting: Waiting, account: str) -> list[Said]:
    """Return what an event teaches that has found its account: other ids of the account, if it names some."""
    event = waiting.event
    if event.event_type != "account.updated":
        return []
    known_as = msgspec.json.decode(event.data, type=AccountUpdated).external_ids or {}
    found = []
    for lookup in (external_lookup(*pair) for pair in known_as.items()):
        said_id = derived_id("identity.taught", str(waiting.partition), str(waiting.offset), lookup)
        record = learned(lookup, account, event_id=said_id, recordedtime=event.recordedtime)
        found.append(Said(said_id, "identities", (record.key or b"").decode(), "identity.learned", record.value or b""))
    return found


def forgotten(lookup: str, account: str, *, why: str) -> Said:
    """Return the tombstone of a pair of lookup and account; ``why`` tells one such tombstone from another."""
    said_id = derived_id("identity.forgotten", lookup, account, why)
    return Said(said_id, "identities", identity_key(lookup, account).decode(), "identity.learned", b"")


def pair_of(key: bytes | None) -> tuple[str, str] | None:
    """Return lookup and account of the key of an `identities` record; None when it is no such key."""
    lookup, newline, account = (key or b"").decode("utf-8", "replace").partition("\n")
    return (lookup, account) if newline and lookup and account else None


def is_releasable(event: EventHeld) -> bool:
    """Tell whether a held event can become a record: its type is known and its data fits."""
    payload = CATALOGUE.get(event.event_type)
    if payload is None:
        return False
    try:
        codec.parse_time(event.time)
        msgspec.json.decode(event.data, type=payload)
    except (msgspec.MsgspecError, RefusedError):
        return False
    return True


def _key(event: EventHeld) -> str:
    """Return the record's key where that is not the account: a contact's is the contact."""
    if FAMILY_OF_TYPE[event.event_type] != "contacts":
        return ""
    return str(getattr(msgspec.json.decode(event.data, type=CATALOGUE[event.event_type]), "contact_id", ""))
