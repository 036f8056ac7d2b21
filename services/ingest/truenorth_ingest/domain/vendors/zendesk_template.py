"""What Zendesk's triggers send: the body of our template (docs/guides/sources/zendesk.md), filled in."""

from typing import Final

from msgspec import field
from truenorth.events.inputs import TicketOpened, TicketRated, TicketReopened, TicketSolved, TicketUpdated
from truenorth.events.payload import PayloadStruct

from truenorth_ingest.domain.told import Told
from truenorth_ingest.domain.vendors import zendesk_words as words
from truenorth_ingest.domain.vendors.said import Vendor, at_text, identity, invalid, lookup, made, unknown
from truenorth_ingest.domain.vendors.zendesk_words import AnyId

TEMPLATE: Final = "truenorth.ticket"
"""The ``type`` in the body of the trigger template (docs/guides/sources/zendesk.md)."""

INVOCATION_HEADER: Final = "x-zendesk-webhook-invocation-id"
"""The same over the repeats of one webhook."""


class Triggered(Vendor, frozen=True):
    """The body of our template; Zendesk fills in texts, and empty ones where it knows nothing."""

    ticket_id: AnyId
    event: str
    at: str = ""
    id: str = ""
    account: AnyId = None
    organization: AnyId = None
    priority: str = ""
    rating: str = ""
    first_response: AnyId = field(name="first_response_minutes", default=None)


def told_of(body: Triggered, invocation: str) -> Told:
    """Return the event that a filled-in template means; ``invocation`` is what Zendesk calls this webhook.

    Raises:
        RefusedError: ``webhook_unknown`` or ``webhook_invalid``, with the field.
    """
    if body.at:
        at_text(body.at, "at")
    ticket = words.ticket_id(body.ticket_id, "ticket_id")
    event_type, payload = _meaning(body, ticket)
    account = identity(body.account, "account")
    lookups = lookup("zendesk", body.organization, "organization")
    if not account and not lookups:
        raise invalid("organization", "it names no organization; put the requester into the account's")
    given = identity(body.id, "id") or identity(invocation, INVOCATION_HEADER)
    if not given:
        raise invalid("id", f"nothing tells a repeat from news: Zendesk's {INVOCATION_HEADER} or an id in the body")
    return Told(event_type, f"{given}:{event_type}", payload, body.at, account, lookups)


def _meaning(body: Triggered, ticket: str) -> tuple[str, PayloadStruct]:
    minutes = _minutes(body.first_response)
    priority = words.priority(body.priority, "priority")
    if body.event == "opened":
        return "ticket.opened", made(TicketOpened, ticket_id=ticket, priority=priority)
    if body.event == "updated":
        return "ticket.updated", made(
            TicketUpdated, ticket_id=ticket, priority=priority, first_response_minutes=minutes
        )
    if body.event == "solved":
        return "ticket.solved", made(TicketSolved, ticket_id=ticket, first_response_minutes=minutes)
    if body.event == "reopened":
        return "ticket.reopened", made(TicketReopened, ticket_id=ticket)
    if body.event == "rated":
        return "ticket.rated", made(TicketRated, ticket_id=ticket, score=_score(body.rating))
    raise unknown("event", body.event, "write one of opened, updated, solved, reopened, rated")


def _minutes(said: AnyId) -> int | None:
    text = str("" if said is None else said).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise invalid("first_response_minutes", "a whole number of minutes, or nothing")
    return int(text)


def _score(rating: str) -> float:
    """Return 5 for good and 1 for bad (Zendesk's own two words), or the number of a 1 to 5 survey."""
    word = rating.strip().lower()
    if word in {"1", "2", "3", "4", "5"}:
        return float(word)
    for start, score in (("good", 5.0), ("bad", 1.0)):
        if word.startswith(start):
            return score
    raise invalid("rating", f"{rating[:80]!r} is not a rating; write good, bad, or 1 to 5")
