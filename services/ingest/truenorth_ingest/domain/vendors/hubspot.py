"""HubSpot's notifications: up to 100 of any kind in one webhook, in no order, each at its own ``occurredAt``.

A notification has one object's id and at most one property's value. A company's `account_id` property says which
account it is; a ticket is its company's once they are associated.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import field
from truenorth import codec
from truenorth.errors import RefusedError
from truenorth.events.inputs import AccountUpdated, TicketOpened, TicketReopened, TicketSolved, TicketUpdated
from truenorth.events.payload import PayloadStruct
from truenorth.events.people import ErasureRequested

from truenorth_ingest.domain.told import Told
from truenorth_ingest.domain.vendors.said import (
    MILLIS_MAX,
    EpochMillis,
    Number,
    Vendor,
    day_at,
    fits,
    identity,
    invalid,
    lookup,
    made,
    parsed,
    unknown,
)

ITEMS_MAX: Final = 100
"""HubSpot's own limit of notifications in one webhook."""

OBJECTS: Final = {"0-1": "contact", "0-2": "company", "0-3": "deal", "0-5": "ticket"}
"""HubSpot's object type ids, which generic subscriptions (``object.creation``) have."""

PRIORITIES: Final = {"URGENT": "p1", "HIGH": "p2", "MEDIUM": "p3", "LOW": "p4"}
ACCOUNT_PROPERTIES: Final = frozenset({"account_id", "truenorth_account_id"})
FACTS: Final = {"name": "name", "industry": "industry", "country": "country", "tier": "tier", "plan": "plan"}
"""A company's property -> the fact that it is. ``annualrevenue`` is the company's own and not what it pays."""

_KNOWN_OBJECTS: Final = frozenset(
    {"contact", "company", "deal", "ticket", "product", "line_item", "conversation", "object"}
)
_KNOWN_VERBS: Final = frozenset(
    {"creation", "deletion", "privacyDeletion", "propertyChange", "merge", "restore", "associationChange", "newMessage"}
)
_DIGITS: Final = re.compile(r"\d{1,15}", re.ASCII)


class Notice(Vendor, frozen=True):
    """One notification."""

    kind: str = field(name="subscriptionType")
    occurred_ms: EpochMillis = field(name="occurredAt")
    event_id: Number | str = field(name="eventId")
    object_id: Number | str | None = field(name="objectId", default=None)
    object_type: str | None = field(name="objectTypeId", default=None)
    property: str | None = field(name="propertyName", default=None)
    value: str | int | float | bool | None = field(name="propertyValue", default=None)
    association: str | None = field(name="associationType", default=None)
    removed: bool = field(name="associationRemoved", default=False)
    from_id: Number | str | None = field(name="fromObjectId", default=None)
    to_id: Number | str | None = field(name="toObjectId", default=None)
    primary_id: Number | str | None = field(name="primaryObjectId", default=None)
    new_id: Number | str | None = field(name="newObjectId", default=None)


Meaning = tuple[str, PayloadStruct, str, tuple[str, ...]] | None
"""Event type, payload, account, lookups; None for what means nothing here."""


def read(payload: object, _headers: Mapping[str, str]) -> Sequence[Told]:
    """Return the events that a webhook of HubSpot's means: all notifications of a list, or the one it is.

    Raises:
        RefusedError: ``webhook_unknown`` or ``webhook_invalid``, with the field (``[3].occurredAt`` in a list).
    """
    if not isinstance(payload, list):
        return read_item(payload)
    if len(payload) > ITEMS_MAX:
        raise invalid("", f"{len(payload)} notifications; HubSpot sends at most {ITEMS_MAX}")
    found: list[Told] = []
    for index, item in enumerate(payload):
        try:
            found += read_item(item)
        except RefusedError as error:
            place = ".".join(part for part in (f"[{index}]" if len(payload) > 1 else "", error.field) if part)
            raise RefusedError(error.code, error.message, field=place) from None
    return found


def read_item(item: object) -> Sequence[Told]:
    """Return what one notification means.

    Raises:
        RefusedError: ``webhook_unknown`` or ``webhook_invalid``, with the field.
    """
    notice = parsed(item, Notice)
    named, _, verb = notice.kind.partition(".")
    noun = OBJECTS.get(notice.object_type or "", "object") if named == "object" else named
    if named not in _KNOWN_OBJECTS or verb not in _KNOWN_VERBS:
        raise unknown("subscriptionType", notice.kind, "unsubscribe the app from it")
    reader = _READERS.get((noun, verb))
    meaning = None if reader is None else reader(notice)
    if meaning is None:
        return []
    event_type, payload, account, lookups = meaning
    event_id = f"{identity(notice.event_id, 'eventId')}:{notice.kind}:{identity(notice.object_id, 'objectId')}"
    actor = payload.subject_id if isinstance(payload, ErasureRequested) else ""
    return [Told(event_type, event_id, payload, codec.rfc3339(notice.occurred_ms), account, lookups, actor)]


def _object_id(notice: Notice) -> str:
    return _required(notice.object_id, "objectId")


def _required(said: int | str | None, path: str) -> str:
    found = identity(said, path)
    if not found:
        raise invalid(path, f"it names no object; {path} is missing")
    return found


def _company_changed(notice: Notice) -> Meaning:
    """A company's facts; its account id teaches whose the company is."""
    company = _object_id(notice)
    said = "" if notice.value is None else str(notice.value).strip()
    if notice.property in ACCOUNT_PROPERTIES:
        account = identity(said, "propertyValue")
        return (
            ("account.updated", made(AccountUpdated, external_ids={"hubspot": company}), account, ()) if said else None
        )
    fact: dict[str, str]
    if notice.property in FACTS and said:
        if not fits(said):
            raise invalid(
                "propertyValue", f"{notice.property} has 1 to 128 printable characters; shorten it in HubSpot"
            )
        fact = {FACTS[notice.property]: said}
    elif notice.property == "renews_on" and said:
        fact = {"renews_on": _day(said)}
    else:
        return None
    return "account.updated", made(AccountUpdated, **fact), "", lookup("hubspot", company, "objectId")


def _company_merged(notice: Notice) -> Meaning:
    """A merge gives the company that stays a new id: it is the same account's."""
    stays, new = _required(notice.primary_id, "primaryObjectId"), identity(notice.new_id, "newObjectId")
    if not new or new == stays:
        return None
    payload = made(AccountUpdated, external_ids={"hubspot": new})
    return "account.updated", payload, "", lookup("hubspot", stays, "primaryObjectId")


def _ticket_associated(notice: Notice) -> Meaning:
    """That a ticket is a company's teaches whose it is."""
    if notice.removed or notice.association not in {"TICKET_TO_COMPANY", "COMPANY_TO_TICKET"}:
        return None
    ends = [_required(notice.from_id, "fromObjectId"), _required(notice.to_id, "toObjectId")]
    ticket, company = ends if notice.association == "TICKET_TO_COMPANY" else reversed(ends)
    payload = made(AccountUpdated, external_ids={"hubspot_ticket": ticket})
    return "account.updated", payload, "", lookup("hubspot", company, "toObjectId")


def _of_ticket(notice: Notice, event_type: str, payload: PayloadStruct) -> Meaning:
    return event_type, payload, "", lookup("hubspot_ticket", notice.object_id, "objectId")


def _ticket_created(notice: Notice) -> Meaning:
    return _of_ticket(notice, "ticket.opened", made(TicketOpened, ticket_id=_object_id(notice)))


def _ticket_deleted(notice: Notice) -> Meaning:
    return _of_ticket(notice, "ticket.solved", made(TicketSolved, ticket_id=_object_id(notice)))


def _ticket_changed(notice: Notice) -> Meaning:
    """HubSpot sets and empties ``closed_date`` itself, whatever the stages of a pipeline are called."""
    ticket = _object_id(notice)
    said = "" if notice.value is None else str(notice.value).strip()
    if notice.property == "closed_date":
        if said:
            return _of_ticket(notice, "ticket.solved", made(TicketSolved, ticket_id=ticket))
        return _of_ticket(notice, "ticket.reopened", made(TicketReopened, ticket_id=ticket))
    if notice.property == "hs_ticket_priority":
        priority = PRIORITIES.get(said.upper()) if said else "p3"
        if priority is None:
            raise invalid("propertyValue", f"{said[:80]!r} is not a priority; known are {', '.join(PRIORITIES)}")
        return _of_ticket(notice, "ticket.updated", made(TicketUpdated, ticket_id=ticket, priority=priority))
    if notice.property == "time_to_first_agent_reply" and said:
        if not _DIGITS.fullmatch(said):
            raise invalid("propertyValue", "time_to_first_agent_reply is a whole number of milliseconds")
        payload = made(TicketUpdated, ticket_id=ticket, first_response_minutes=int(said) // 60_000)
        return _of_ticket(notice, "ticket.updated", payload)
    return None


def _person_deleted(notice: Notice) -> Meaning:
    """The right to be forgotten, used in HubSpot: under the contact's HubSpot id, at the account it is known at."""
    contact = _object_id(notice)
    payload = made(ErasureRequested, kind="contact", subject_id=contact, by="hubspot")
    return "erasure.requested", payload, "", ()


def _day(said: str) -> str:
    if _DIGITS.fullmatch(said) and int(said) < MILLIS_MAX:
        return day_at(int(said) // 1000)
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError:
        raise invalid("propertyValue", f"{said[:80]!r} is not a date; make renews_on a date property") from None


_READERS: Final[Mapping[tuple[str, str], Callable[[Notice], Meaning]]] = {
    ("company", "propertyChange"): _company_changed,
    ("company", "merge"): _company_merged,
    ("ticket", "associationChange"): _ticket_associated,
    ("company", "associationChange"): _ticket_associated,
    ("ticket", "creation"): _ticket_created,
    ("ticket", "deletion"): _ticket_deleted,
    ("ticket", "propertyChange"): _ticket_changed,
    ("contact", "privacyDeletion"): _person_deleted,
}
