"""Zendesk's ticket events: those that webhooks subscribe to, and those that triggers send from our template.

Subjects, descriptions, comments, tags and people are not read. The account is the ticket's organization.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from msgspec import Meta
from truenorth.events.inputs import (
    AccountUpdated,
    TicketOpened,
    TicketReopened,
    TicketSolved,
    TicketUpdated,
)
from truenorth.events.payload import PayloadStruct

from truenorth_ingest.domain.told import Told
from truenorth_ingest.domain.vendors import zendesk_words as words
from truenorth_ingest.domain.vendors.said import (
    Vendor,
    at_text,
    first_fitting,
    identity,
    invalid,
    lookup,
    made,
    millis,
    parsed,
    unknown,
)
from truenorth_ingest.domain.vendors.zendesk_template import INVOCATION_HEADER, TEMPLATE, Triggered, told_of
from truenorth_ingest.domain.vendors.zendesk_words import AnyId

PREFIX: Final = "zen:event-type:"
_KNOWN_WORDS: Final = (
    "agent_assignment_changed attachment_linked_to_comment attachment_redacted_from_comment brand_changed"
    " comment_made_private comment_redacted custom_field_changed custom_status_changed description_changed"
    " email_ccs_changed external_id_changed followers_changed form_changed group_assignment_changed merged"
    " next_sla_breach_changed ola_policy_changed organization_changed problem_link_changed requester_changed"
    " schedule_changed sla_policy_changed subject_changed submitter_changed tags_changed task_due_at_changed"
    " ticket_type_changed type_changed"
)
KNOWN: Final = frozenset(_KNOWN_WORDS.split())
"""What else becomes of tickets, and means nothing here; merging closes the ticket with an event of its own."""

_KNOWN_DOMAINS: Final = frozenset({"article", "community_post", "user", "agent", "omnichannel_config", "messaging"})


class Author(Vendor, frozen=True):
    """Whether a comment is the staff's."""

    is_staff: bool = False


class Comment(Vendor, frozen=True):
    """That there is a comment, not what it says."""

    is_public: bool = False
    author: Author = Author()


class Change(Vendor, frozen=True):
    """What changed, from what to what."""

    current: object = None
    previous: object = None
    comment: Comment | None = None


class Detail(Vendor, frozen=True):
    """The ticket, or the organization, as it is after the event."""

    id: AnyId = None
    organization_id: AnyId = None
    external_id: AnyId = None
    name: str | None = None
    status: str | None = None
    priority: str | None = None
    created_at: str | None = None


class Subscribed(Vendor, frozen=True):
    """The event of a webhook that is subscribed to events."""

    id: Annotated[str, Meta(pattern=r"^[!-~]{1,128}$")]
    type: str
    time: str
    detail: Detail
    event: Change = Change()


class Kind(Vendor, frozen=True):
    """What tells one webhook from another."""

    type: str = ""


def read(payload: object, headers: Mapping[str, str]) -> Sequence[Told]:
    """Return the events that a webhook of Zendesk's means.

    Raises:
        RefusedError: ``webhook_unknown`` or ``webhook_invalid``, with the field.
    """
    kind = parsed(payload, Kind).type
    if kind == TEMPLATE:
        return [told_of(parsed(payload, Triggered), headers.get(INVOCATION_HEADER, ""))]
    domain, _, what = kind.removeprefix(PREFIX).partition(".")
    if not kind.startswith(PREFIX):
        raise unknown("type", kind, f"subscribe to ticket events, or send the template's {TEMPLATE}")
    if domain == "organization":
        return [] if what == "deleted" else _organization(parsed(payload, Subscribed))
    if domain in _KNOWN_DOMAINS or (domain == "ticket" and what in KNOWN):
        return []
    reader = _READERS.get(what) if domain == "ticket" else None
    if reader is None:
        raise unknown("type", kind, "unsubscribe the webhook from it")
    event = parsed(payload, Subscribed)
    at_text(event.time)
    found = reader(event, words.ticket_id(event.detail.id, "detail.id"))
    return [] if found is None else [_of(event, *found)]


Meaning = tuple[str, PayloadStruct] | None


def _of(event: Subscribed, event_type: str, payload: PayloadStruct) -> Told:
    organization = event.detail.organization_id
    lookups = () if organization in {"0", 0} else lookup("zendesk", organization, "detail.organization_id")
    if not lookups:
        raise invalid(
            "detail.organization_id", "its requester is in no organization; put the requester into the account's"
        )
    return Told(event_type, f"{event.id}:{event_type}", payload, event.time, "", lookups)


def _created(event: Subscribed, ticket: str) -> Meaning:
    priority = words.priority(event.detail.priority, "detail.priority")
    return "ticket.opened", made(TicketOpened, ticket_id=ticket, priority=priority)


def _prioritised(event: Subscribed, ticket: str) -> Meaning:
    said = event.event.current
    priority = words.priority(said if isinstance(said, str) else None, "event.current") or "p3"
    return "ticket.updated", made(TicketUpdated, ticket_id=ticket, priority=priority)


def _status(event: Subscribed, ticket: str) -> Meaning:
    now, before = words.state(event.event.current, "event.current"), words.state(event.event.previous, "event.previous")
    if now == "solved":
        return "ticket.solved", made(TicketSolved, ticket_id=ticket)
    return ("ticket.reopened", made(TicketReopened, ticket_id=ticket)) if before == "solved" else None


def _gone(_event: Subscribed, ticket: str) -> Meaning:
    """Deleted tickets and spam wait for nobody any more."""
    return "ticket.solved", made(TicketSolved, ticket_id=ticket)


def _back(event: Subscribed, ticket: str) -> Meaning:
    if event.detail.status is None or words.state(event.detail.status, "detail.status") == "solved":
        return None
    return "ticket.reopened", made(TicketReopened, ticket_id=ticket)


def _commented(event: Subscribed, ticket: str) -> Meaning:
    """Every public word of the staff says when they answered; the earliest is the one that counts.

    Who answers and solves at once is told to have solved, so that nothing is open in between.
    """
    comment, created = event.event.comment, event.detail.created_at
    if comment is None or not (comment.is_public and comment.author.is_staff) or created is None:
        return None
    began_ms = millis(created, "detail.created_at")
    minutes = max(0, millis(event.time) - began_ms) // 60_000
    if event.detail.status is not None and words.state(event.detail.status, "detail.status") == "solved":
        return "ticket.solved", made(TicketSolved, ticket_id=ticket, first_response_minutes=minutes)
    return "ticket.updated", made(TicketUpdated, ticket_id=ticket, first_response_minutes=minutes)


def _organization(event: Subscribed) -> Sequence[Told]:
    """An organization's external id is the account's: that teaches whose its tickets are."""
    at_text(event.time)
    account = identity(event.detail.external_id, "detail.external_id")
    organization = identity(event.detail.id, "detail.id")
    if not account or not organization:
        return []
    payload = made(AccountUpdated, name=first_fitting(event.detail.name), external_ids={"zendesk": organization})
    return [Told("account.updated", f"{event.id}:account.updated", payload, event.time, account)]


_READERS: Final[Mapping[str, Callable[[Subscribed, str], Meaning]]] = {
    "created": _created,
    "priority_changed": _prioritised,
    "status_changed": _status,
    "comment_added": _commented,
    "soft_deleted": _gone,
    "permanently_deleted": _gone,
    "marked_as_spam": _gone,
    "undeleted": _back,
}
