"""Tickets by id: the latest by event time, per field; text never travels."""

from truenorth.events import Event
from truenorth.events.inputs import TicketOpened, TicketRated, TicketReopened, TicketSolved, TicketUpdated

from truenorth_health.domain.limits import DAY_MS, HISTORY_DAYS_KEPT, RESPONSE_MINUTES_MAX, TICKETS_MAX
from truenorth_health.domain.parts import Ticket, Tickets
from truenorth_health.domain.state import AccountState


def _ticket(state: AccountState, ticket_id: str, time_ms: int) -> Ticket | None:
    """Return the ticket, made when it is new; None (and counted) when the cap leaves it out."""
    kept = state.write(Tickets)
    if time_ms > kept.newest_ms:
        if time_ms // DAY_MS > kept.newest_ms // DAY_MS:
            _prune(kept, time_ms - HISTORY_DAYS_KEPT * DAY_MS)
        kept.newest_ms = time_ms
    found = kept.by_id.get(ticket_id)
    if found is not None:
        return found
    if len(kept.by_id) >= TICKETS_MAX and not _drop_solved(kept):
        kept.over += 1
        return None
    made = kept.by_id[ticket_id] = Ticket(time_ms, time_ms)
    return made


def _prune(kept: Tickets, before_ms: int) -> None:
    kept.by_id = {key: one for key, one in kept.by_id.items() if one.is_open or one.state_at >= before_ms}


def _drop_solved(kept: Tickets) -> bool:
    """Make room by forgetting the solved ticket that was solved first."""
    solved = [(one.state_at, key) for key, one in kept.by_id.items() if not one.is_open]
    if not solved:
        return False
    del kept.by_id[min(solved)[1]]
    kept.over += 1
    return True


def opened(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``ticket.opened``; one that arrives after a later event of the ticket still dates its opening."""
    data: TicketOpened = event.data
    ticket = _ticket(state, data.ticket_id, time_ms)
    if ticket is None:
        return
    if ticket.is_open and ticket.open_since_ms == ticket.opened_ms:
        ticket.open_since_ms = min(ticket.open_since_ms, time_ms)
    ticket.opened_ms = min(ticket.opened_ms, time_ms)
    if time_ms >= ticket.state_at:
        ticket.is_open, ticket.state_at = True, time_ms
    if time_ms >= ticket.priority_at:
        ticket.priority, ticket.priority_at, ticket.escalated = data.priority, time_ms, data.escalated


def updated(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``ticket.updated``."""
    data: TicketUpdated = event.data
    ticket = _ticket(state, data.ticket_id, time_ms)
    if ticket is None:
        return
    if time_ms >= ticket.priority_at and (data.priority is not None or data.escalated is not None):
        ticket.priority = ticket.priority if data.priority is None else data.priority
        ticket.escalated = ticket.escalated if data.escalated is None else data.escalated
        ticket.priority_at = time_ms
    _respond(ticket, data.first_response_minutes, time_ms)


def solved(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``ticket.solved``."""
    data: TicketSolved = event.data
    ticket = _ticket(state, data.ticket_id, time_ms)
    if ticket is None:
        return
    if time_ms >= ticket.state_at:
        ticket.is_open, ticket.state_at = False, time_ms
    _respond(ticket, data.first_response_minutes, time_ms)


def reopened(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``ticket.reopened``: open again from now on."""
    data: TicketReopened = event.data
    ticket = _ticket(state, data.ticket_id, time_ms)
    if ticket is not None and time_ms >= ticket.state_at:
        if not ticket.is_open or ticket.state_at == 0:
            ticket.open_since_ms = time_ms
        ticket.is_open, ticket.state_at = True, time_ms


def rated(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``ticket.rated``."""
    data: TicketRated = event.data
    ticket = _ticket(state, data.ticket_id, time_ms)
    if ticket is not None and time_ms >= ticket.rating_at:
        ticket.rating, ticket.rating_at = data.score, time_ms


def _respond(ticket: Ticket, minutes: int | None, time_ms: int) -> None:
    """Keep the first response that was told: it does not change, but it may be told again."""
    if minutes is not None and (ticket.response_minutes is None or time_ms < ticket.response_at):
        ticket.response_minutes, ticket.response_at = min(minutes, RESPONSE_MINUTES_MAX), time_ms
