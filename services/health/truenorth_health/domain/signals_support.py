"""Signals of support: tickets open and their age, how fast they were answered and solved, how they were rated."""

from statistics import median
from typing import Final

from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX
from truenorth_health.domain.moment import Moment
from truenorth_health.domain.parts import Surveys, Tickets

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


def compute(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `NAMES`."""
    at_ms = moment.at_ms
    tickets = moment.state.read(Tickets)
    open_count, p1_days, responses, ratings = 0, 0.0, [], []
    day = at_ms // DAY_MS
    for one in tickets.by_id.values():
        if one.opened_ms <= at_ms + FUTURE_MS_MAX and (one.is_open or one.state_at > at_ms):
            open_count += 1
            if one.priority == "p1":
                p1_days = max(p1_days, float(day - one.open_since_ms // DAY_MS), _FIRST_DAY)
        if one.response_minutes is not None and 0 <= day - one.response_at // DAY_MS < 28:
            responses.append(one.response_minutes)
        if one.rating is not None and 0 <= day - one.rating_at // DAY_MS < 90:
            ratings.append(one.rating)
    ratings += [one.score for one in moment.state.read(Surveys).csat if 0 <= day - one.at_ms // DAY_MS < 90]
    found: dict[str, float | None] = {
        "open_tickets": float(open_count),
        "open_p1_days": p1_days,
        "first_response_hours_28d": median(responses) / 60 if responses else None,
        "csat_90d": sum(ratings) / len(ratings) if ratings else None,
    }
    return [found.get(name) for name in NAMES]
