"""What a request brought, judged: events that wait for their account at most, and what was refused of it."""

from dataclasses import dataclass, field

import msgspec
from truenorth import codec
from truenorth.errors import RefusedError
from truenorth.events.catalogue import FAMILY_OF_TYPE
from truenorth.events.envelope import Envelope
from truenorth.events.identity import EventHeld, IdentityLearned
from truenorth.topics import full_name

TOPIC_OF_TYPE = {event_type: full_name(family) for event_type, family in FAMILY_OF_TYPE.items()}
IDENTITIES_TOPIC = full_name("identities")
UNRESOLVED_TOPIC = full_name("unresolved")


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An event that is fit to be written, but for its account when that is still to be found.

    ``index`` is its item's place in the request. ``account`` is empty when ``lookups`` (tried in order) have to say
    it. ``learns`` are lookups that belong to ``account`` from now on. Without a ``type`` there is nothing but what it
    teaches. ``data`` is the payload's JSON, people already pseudonymised. ``key`` is the record's key where that is
    not the account; ``forgets`` the key of the contact whose tombstone belongs to this record.
    """

    index: int
    type: str
    id: str
    source: str
    time: str
    data: bytes
    account: str = ""
    lookups: tuple[str, ...] = ()
    learns: tuple[str, ...] = ()
    key: str = ""
    forgets: str = ""
    traceparent: str = ""
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """One item that is not taken: its place in the request, its id if it had one, the item itself, and why."""

    index: int
    id: str | None
    raw: bytes | msgspec.Raw
    error: RefusedError


@dataclass(slots=True)
class Cut:
    """All that a request brought: the number of its items, and each of them as drafts (none, one, several) or refused.

    ``repaired`` is whether the body was JSON only by leniency.
    """

    items: int
    drafts: list[Draft] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    repaired: bool = False


class Written(msgspec.Struct, frozen=True, gc=False):
    """A record to append: full topic name, key, value."""

    topic: str
    key: bytes | None
    value: bytes | None


def sealed(draft: Draft, account: str, recordedtime: str) -> Written:
    """Return the record of a draft whose account is known."""
    envelope = Envelope(
        draft.id,
        draft.source,
        draft.type,
        account,
        draft.time,
        msgspec.Raw(draft.data),
        "1.0",
        recordedtime,
        "application/json",
        draft.traceparent,
        draft.backfill,
    )
    return Written(TOPIC_OF_TYPE[draft.type], (draft.key or account).encode(), codec.encode_json(envelope))


def held(draft: Draft, reason: str, *, event_id: str, recordedtime: str) -> Written:
    """Return the record of a draft that waits for its account; ``event_id`` is the holding record's own id."""
    payload = EventHeld(
        reason=reason,  # type: ignore[arg-type]  # one of three, as the caller's type says
        lookups=list(draft.lookups),
        event_type=draft.type,
        event_id=draft.id,
        event_source=draft.source,
        time=draft.time,
        recordedtime=recordedtime,
        data=msgspec.Raw(draft.data),
        traceparent=draft.traceparent,
        backfill=draft.backfill,
    )
    first = draft.lookups[0]
    value = _enveloped("event.held", payload, event_id=event_id, subject=first, at=recordedtime)
    return Written(UNRESOLVED_TOPIC, first.encode(), value)


def learned(lookup: str, account: str, *, event_id: str, recordedtime: str) -> Written:
    """Return the record that says whose a lookup is; its key is both, so that each pair can be forgotten by itself."""
    value = _enveloped("identity.learned", IdentityLearned(lookup), event_id=event_id, subject=account, at=recordedtime)
    return Written(IDENTITIES_TOPIC, identity_key(lookup, account), value)


def identity_key(lookup: str, account: str) -> bytes:
    """Return the key of the `identities` record of this pair."""
    return f"{lookup}\n{account}".encode()


def _enveloped(event_type: str, payload: msgspec.Struct, *, event_id: str, subject: str, at: str) -> bytes:
    data = msgspec.Raw(codec.encode_json(payload))
    return codec.encode_json(
        Envelope(event_id, "truenorth ingest", event_type, subject, at, data, "1.0", at, "application/json")
    )
