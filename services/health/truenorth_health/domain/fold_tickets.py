"""Tickets by id, field by field, whatever order their events come in; text never travels."""

from bisect import bisect_left
from typing import Final

from truenorth.events import Event
from truenorth.events.inputs import TicketOpened, TicketRated, TicketReopened, TicketSolved, TicketUpdated

from truenorth_health.domain.limits import (
    DAY_MS,
    HISTORY_DAYS_KEPT,
    RESPONSE_MINUTES_MAX,
    TICKET_MOVES_MAX,
    TICKETS_MAX,
)
from truenorth_health.domain.parts import Ticket, Tickets
from truenorth_health.domain.state import AccountState

OPENED: Final = 0
SOLVED: Final = 1
REOPENED: Final = 2
KIND_BITS: Final = 2
KIND_MASK: Final = (1 << KIND_BITS) - 1


def is_open(ticket: Ticket) -> bool:
    """Whether it is open by its last word; one that was only ever updated must have been opened before we knew it."""
    return ticket.moves[-1] & KIND_MASK != SOLVED if ticket.moves else ticket.updated


def _ticket(state: AccountState, ticket_id: str, time_ms: int) -> Ticket | None:
    """Return the ticket, made when it is new; None (and counted) when the cap leaves it out."""
    kept = state.write(Tickets)
    if time_ms > kept.newest_ms:
        if time_ms // DAY_MS > kept.newest_ms // DAY_MS:
            _prune(kept, time_ms - HISTORY_DAYS_KEPT * DAY_MS)
        kept.newest_ms = time_ms
    found = kept.by_id.get(ticket_id)
    if found is not None:
        found.heard_ms = min(found.heard_ms, time_ms)
        return found
    if len(kept.by_id) >= TICKETS_MAX and not _drop_solved(kept):
        kept.over += 1
        return None
    made = kept.by_id[ticket_id] = Ticket(time_ms)
    return made


def _last_ms(ticket: Ticket) -> int:
    moved_ms = ticket.moves[-1] >> KIND_BITS if ticket.moves else ticket.heard_ms
    return max(moved_ms, ticket.rating_at, ticket.response_at)


def _prune(kept: Tickets, before_ms: int) -> None:
    """Forget what is not open and has not been heard of since then."""
    kept.by_id = {key: one for key, one in kept.by_id.items() if is_open(one) or _last_ms(one) >= before_ms}


def _drop_solved(kept: Tickets) -> bool:
    """Make room by forgetting the solved ticket that was last heard of longest ago."""
    solved = [(_last_ms(one), key) for key, one in kept.by_id.items() if not is_open(one)]
    if not solved:
        return False
    del kept.by_id[min(solved)[1]]
    kept.over += 1
    return True


def _move(ticket: Ticket, time_ms: int, kind: int) -> None:
    """Note that it was opened, solved or reopened; the first and the latest moves stay when there are too many."""
    move = time_ms << KIND_BITS | kind
    moves = ticket.moves
    index = bisect_left(moves, move)
    if index < len(moves) and moves[index] == move:
        return
    moves.insert(index, move)
    if len(moves) > TICKET_MOVES_MAX:
        del moves[1]


def opened(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``ticket.opened``; one that arrives after a later event of the ticket still dates its opening."""
    data: TicketOpened = event.data
    ticket = _ticket(state, data.ticket_id, time_ms)
    if ticket is None:
        return
    ticket.opened_ms = time_ms if ticket.opened_ms is None else min(ticket.opened_ms, time_ms)
    _move(ticket, time_ms, OPENED)
    _describe(ticket, data.priority, data.escalated, time_ms)


def updated(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``ticket.updated``."""
    data: TicketUpdated = event.data
    ticket = _ticket(state, data.ticket_id, time_ms)
    if ticket is not None:
        ticket.updated = True
        _describe(ticket, data.priority, data.escalated, time_ms)
        _respond(ticket, data.first_response_minutes, time_ms)


def solved(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``ticket.solved``."""
    data: TicketSolved = event.data
    ticket = _ticket(state, data.ticket_id, time_ms)
    if ticket is not None:
        _move(ticket, time_ms, SOLVED)
        _respond(ticket, data.first_response_minutes, time_ms)


def reopened(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``ticket.reopened``: open again from then on."""
    data: TicketReopened = event.data
    ticket = _ticket(state, data.ticket_id, time_ms)
    if ticket is not None:
        _move(ticket, time_ms, REOPENED)


def rated(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``ticket.rated``."""
    data: TicketRated = event.data
    ticket = _ticket(state, data.ticket_id, time_ms)
    if ticket is not None and (ticket.rating is None or time_ms >= ticket.rating_at):
        ticket.rating, ticket.rating_at = data.score, time_ms


def _describe(ticket: Ticket, priority: str | None, escalated: bool | None, time_ms: int) -> None:  # noqa: FBT001
    """Keep the latest word on each."""
    if priority is not None and time_ms >= ticket.priority_at:
        ticket.priority, ticket.priority_at = priority, time_ms
    if escalated is not None and time_ms >= ticket.escalated_at:
        ticket.escalated, ticket.escalated_at = escalated, time_ms


def _respond(ticket: Ticket, minutes: int | None, time_ms: int) -> None:
    """Keep the first response that was told: it does not change, but it may be told again."""
    if minutes is not None and (ticket.response_minutes is None or time_ms < ticket.response_at):
        ticket.response_minutes, ticket.response_at = min(minutes, RESPONSE_MINUTES_MAX), time_ms
