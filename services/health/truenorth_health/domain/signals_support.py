"""Signals of support: tickets open and their age, how fast they were answered and solved, how they were rated."""

from bisect import bisect_right
from math import fsum
from statistics import median
from typing import Final

from truenorth_health.domain.fold_tickets import KIND_BITS, KIND_MASK, REOPENED, SOLVED
from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX
from truenorth_health.domain.moment import Moment
from truenorth_health.domain.parts import Surveys, Ticket, Tickets

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
    found = _Tally(moment)
    for ticket in tickets.values():
        found.add(ticket)
    quarter, limit_ms = found.quarter_ms, found.limit_ms
    scores = found.ratings + [one.score for one in answers if quarter <= one.at_ms <= limit_ms]
    return [
        float(found.open),
        float(found.p1),
        float(found.p2),
        float(found.escalated),
        found.open * 100 / seats if seats else None,
        found.p1_days,
        found.days,
        float(sum(at_ms >= found.week_ms for at_ms in found.opened)),
        float(sum(at_ms >= found.month_ms for at_ms in found.opened)),
        float(len(found.opened)),
        len(found.opened) * 100 / seats if seats else None,
        float(found.reopened),
        median(found.responses) / 60 if found.responses else None,
        median(found.took_ms) / _HOUR_MS if found.took_ms else None,
        fsum(scores) / len(scores) if scores else None,
    ]


class _Tally:
    """What one pass over the tickets finds at a moment; ``*_ms`` are the first moments of the windows."""

    def __init__(self, moment: Moment) -> None:
        self.day = moment.day
        self.limit_ms = moment.at_ms + FUTURE_MS_MAX
        self.week_ms, self.month_ms, self.quarter_ms = ((self.day - days) * DAY_MS for days in (6, 27, 89))
        self.open = self.p1 = self.p2 = self.escalated = self.reopened = 0
        self.p1_days = self.days = 0.0
        self.opened: list[int] = []
        self.responses: list[int] = []
        self.took_ms: list[int] = []
        self.ratings: list[float] = []

    def add(self, one: Ticket) -> None:
        """Count a ticket in."""
        limit_ms = self.limit_ms
        if one.heard_ms > limit_ms:
            return
        if one.opened_ms is not None and self.quarter_ms <= one.opened_ms <= limit_ms:
            self.opened.append(one.opened_ms)
        if one.response_minutes is not None and self.month_ms <= one.response_at <= limit_ms:
            self.responses.append(one.response_minutes)
        if one.rating is not None and self.quarter_ms <= one.rating_at <= limit_ms:
            self.ratings.append(one.rating)
        self._add_moves(one)

    def _add_moves(self, one: Ticket) -> None:
        moves, latest = one.moves, self.limit_ms << KIND_BITS | KIND_MASK
        if moves and moves[-1] > latest:
            moves = moves[: bisect_right(moves, latest)]
        if not moves:
            if one.updated and (not one.moves or _is_solution(one.moves[0])):
                self._add_open(one, one.heard_ms)  # it must have been opened before anybody told us
            return
        if not _is_solution(moves[-1]):
            self._add_open(one, moves[_run(moves)] >> KIND_BITS)
        elif one.opened_ms is not None and moves[-1] >> KIND_BITS >= self.month_ms:
            solved_ms = moves[_run(moves)] >> KIND_BITS
            if solved_ms >= max(self.month_ms, one.opened_ms):
                self.took_ms.append(solved_ms - one.opened_ms)
        if moves[-1] >> KIND_BITS >= self.month_ms:
            self.reopened += _reopenings(moves, self.month_ms)

    def _add_open(self, one: Ticket, since_ms: int) -> None:
        age = max(float(self.day - since_ms // DAY_MS), _FIRST_DAY)
        self.open += 1
        self.days = max(self.days, age)
        self.escalated += one.escalated
        if one.priority == "p1":
            self.p1 += 1
            self.p1_days = max(self.p1_days, age)
        elif one.priority == "p2":
            self.p2 += 1


def _is_solution(move: int) -> bool:
    return move & KIND_MASK == SOLVED


def _run(moves: list[int]) -> int:
    """Return where the last run of moves begins that all leave it open, or all leave it solved."""
    index, solved = len(moves) - 1, _is_solution(moves[-1])
    while index > 0 and _is_solution(moves[index - 1]) == solved:
        index -= 1
    return index


def _reopenings(moves: list[int], since_ms: int) -> int:
    """Return how often it was opened again after a solution; its first word, if a reopening, is one as well."""
    return sum(
        since_ms <= move >> KIND_BITS
        and not _is_solution(move)
        and (_is_solution(moves[index - 1]) if index else move & KIND_MASK == REOPENED)
        for index, move in enumerate(moves)
    )
