"""Signals of support: tickets open and their age, how fast they were answered and solved, how they were rated."""

from bisect import bisect_right
from math import fsum
from statistics import median
from typing import Final

from truenorth_health.domain.fold_tickets import KIND_BITS, KIND_MASK, REOPENED, SOLVED
from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX
from truenorth_health.domain.moment import Moment
from truenorth_health.domain.parts import Answer, Surveys, Ticket, Tickets

NAMES: Final[tuple[str, ...]] = (
    "open_tickets",
    "open_p1_tickets",
    "open_p2_tickets",
    "open_escalated_tickets",
    "open_tickets_per_100_seats",
    "open_p1_days",
    "oldest_ticket_days",
    "tickets_opened_7d",
    "tickets_opened_28d",
    "tickets_opened_90d",
    "tickets_per_100_seats_90d",
    "tickets_reopened_28d",
    "first_response_hours_28d",
    "resolution_hours_28d",
    "csat_90d",
)
_FIRST_DAY: Final = 0.5
"""What an age says on the day the ticket was opened: more than none, less than a day."""
_HOUR_MS: Final = 3_600_000

_PER_SEAT: Final = {"open_tickets_per_100_seats", "tickets_per_100_seats_90d"}
_MEASURED: Final = {"first_response_hours_28d", "resolution_hours_28d", "csat_90d"}
_QUIET: Final[list[float | None]] = [None if name in _MEASURED else 0.0 for name in NAMES]
_QUIET_WITHOUT_SEATS: Final[list[float | None]] = [None if name in _MEASURED | _PER_SEAT else 0.0 for name in NAMES]


def compute(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `NAMES`.

    A ticket counts as opened in a window, or solved after so long, once its opening was told; a response in the window
    that it was first told in.
    """
    state, seats = moment.state, moment.facts.seats
    tickets, answers = state.read(Tickets).by_id, state.read(Surveys).csat
    if not tickets and not answers:
        return _QUIET if seats else _QUIET_WITHOUT_SEATS
    limit_ms = moment.at_ms + FUTURE_MS_MAX
    known = [one for one in tickets.values() if one.heard_ms <= limit_ms]
    opened = [one.opened_ms for one in known if one.opened_ms is not None and one.opened_ms <= limit_ms]
    week, month, quarter = (_since_ms(moment, days) for days in (7, 28, 90))
    count, found = _open(known, moment.day, limit_ms)
    of_quarter = float(sum(at_ms >= quarter for at_ms in opened))
    return [
        *found[:4],
        count * 100 / seats if seats else None,
        *found[4:],
        float(sum(at_ms >= week for at_ms in opened)),
        float(sum(at_ms >= month for at_ms in opened)),
        of_quarter,
        of_quarter * 100 / seats if seats else None,
        float(sum(_reopenings(one, month, limit_ms) for one in known)),
        _response_hours(known, month, limit_ms),
        _resolution_hours(known, month, limit_ms),
        _satisfaction(known, answers, quarter, limit_ms),
    ]


def _since_ms(moment: Moment, days: int) -> int:
    return (moment.day - days + 1) * DAY_MS


def _open(tickets: list[Ticket], day: int, limit_ms: int) -> tuple[int, list[float | None]]:
    """Return how many are open, and: all, p1, p2, escalated, age of the oldest p1, age of the oldest."""
    count, p1, p2, escalated = 0, 0, 0, 0
    p1_days, days = 0.0, 0.0
    for one in tickets:
        since_ms = _open_since_ms(one, limit_ms)
        if since_ms is None:
            continue
        age = max(float(day - since_ms // DAY_MS), _FIRST_DAY)
        count += 1
        days = max(days, age)
        escalated += one.escalated
        if one.priority == "p1":
            p1 += 1
            p1_days = max(p1_days, age)
        elif one.priority == "p2":
            p2 += 1
    return count, [float(count), float(p1), float(p2), float(escalated), p1_days, days]


def _told(ticket: Ticket, limit_ms: int) -> int:
    """Return how many of its moves had happened."""
    return bisect_right(ticket.moves, limit_ms << KIND_BITS | KIND_MASK)


def _is_solution(move: int) -> bool:
    return move & KIND_MASK == SOLVED


def _open_since_ms(ticket: Ticket, limit_ms: int) -> int | None:
    """Return since when it has been open; None when it is not. One that was updated before we knew it was open."""
    moves, index = ticket.moves, _told(ticket, limit_ms)
    if index == 0:
        return ticket.heard_ms if ticket.updated and (not moves or _is_solution(moves[0])) else None
    if _is_solution(moves[index - 1]):
        return None
    first = index - 1
    while first > 0 and not _is_solution(moves[first - 1]):
        first -= 1
    return moves[first] >> KIND_BITS


def _reopenings(ticket: Ticket, since_ms: int, limit_ms: int) -> int:
    """Return how often it was opened again after a solution; its first word, if a reopening, is one as well."""
    moves = ticket.moves
    return sum(
        since_ms <= move >> KIND_BITS
        and not _is_solution(move)
        and (_is_solution(moves[index - 1]) if index else move & KIND_MASK == REOPENED)
        for index, move in enumerate(moves[: _told(ticket, limit_ms)])
    )


def _response_hours(tickets: list[Ticket], since_ms: int, limit_ms: int) -> float | None:
    told = [
        one.response_minutes
        for one in tickets
        if one.response_minutes is not None and since_ms <= one.response_at <= limit_ms
    ]
    return median(told) / 60 if told else None


def _resolution_hours(tickets: list[Ticket], since_ms: int, limit_ms: int) -> float | None:
    """Return the median over tickets that are solved: from the opening to the solution that still stands."""
    took = []
    for one in tickets:
        last = _told(one, limit_ms) - 1
        if one.opened_ms is None or last < 0 or not _is_solution(one.moves[last]):
            continue
        while last > 0 and _is_solution(one.moves[last - 1]):
            last -= 1
        solved_ms = one.moves[last] >> KIND_BITS
        if solved_ms >= max(since_ms, one.opened_ms):
            took.append(solved_ms - one.opened_ms)
    return median(took) / _HOUR_MS if took else None


def _satisfaction(tickets: list[Ticket], answers: list[Answer], since_ms: int, limit_ms: int) -> float | None:
    scores = [one.rating for one in tickets if one.rating is not None and since_ms <= one.rating_at <= limit_ms]
    scores += [one.score for one in answers if since_ms <= one.at_ms <= limit_ms]
    return fsum(scores) / len(scores) if scores else None
