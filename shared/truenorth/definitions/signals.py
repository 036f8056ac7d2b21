"""The catalogue of signals: every rolling measurement of an account that a definition may name.

A signal is listed here once, with its unit and meaning; the linter refuses any other name, and health computes exactly
these. Adding one is adding a line here and its computation in health, in the family it belongs to.

``source`` is the topic whose events it is measured from (None: facts and what people say, which cannot fall silent).
When that source is silent for everybody, the signal is taken as of the moment it fell silent, and counts as not fresh.
"""

from dataclasses import dataclass
from typing import Final, Literal

Unit = Literal["count", "share", "percent", "days", "hours", "money", "score_1_5", "score_1_7", "score_0_10", "yes_no"]
WINDOWS: Final = (1, 7, 14, 28, 90)
"""Days, each counted back from today, today included."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal. ``unit``: a share is 0..1 (and may exceed 1), percent is signed percent points, money minor units."""

    name: str
    unit: Unit
    doc: str
    source: str | None = None


def _span(days: int) -> str:
    return "today" if days == 1 else f"in the last {days} days"


_USAGE: Final = (
    *(Signal(f"events_{n}d", "count", f"Usage events {_span(n)}.", "usage") for n in WINDOWS),
    *(Signal(f"active_actors_{n}d", "count", f"Distinct actors with any usage {_span(n)}.", "usage") for n in WINDOWS),
    *(Signal(f"distinct_features_{n}d", "count", f"Distinct features used {_span(n)}.", "usage") for n in WINDOWS),
    *(
        Signal(
            f"active_per_seat_{n}d", "share", f"Active actors {_span(n)} per bought seat; above 1 when shared.", "usage"
        )
        for n in (7, 28, 90)
    ),
    Signal("events_per_actor_28d", "count", "Usage events in the last 28 days per active actor.", "usage"),
    Signal("events_per_seat_28d", "count", "Usage events in the last 28 days per bought seat.", "usage"),
    Signal("hours_per_actor_28d", "hours", "Time spent in the last 28 days per active actor.", "usage"),
    Signal("errors_per_1000_28d", "count", "Errors per 1,000 usage events in the last 28 days.", "usage"),
    Signal(
        "usage_trend_7d", "percent", "Usage of the last 7 days against the mean week of the 28 days before.", "usage"
    ),
    Signal("usage_trend_28d", "percent", "Change of usage in the last 28 days against the 28 days before.", "usage"),
    Signal("actors_trend_28d", "percent", "Change of active actors in 28 days against the 28 days before.", "usage"),
    Signal("active_days_28d", "count", "Days with any usage in the last 28 days.", "usage"),
    Signal("stickiness", "share", "Mean daily actors over monthly actors (28 days): DAU/MAU.", "usage"),
    Signal("breadth", "share", "Share of the entitled modules used in the last 28 days.", "usage"),
    Signal("feature_breadth", "share", "Share of the entitled features used in the last 28 days.", "usage"),
    Signal("consumption_gap", "share", "Mean unused share of what was bought: seats, modules and features.", "usage"),
    Signal("days_since_activity", "days", "Days since the last usage.", "usage"),
)
_SUPPORT: Final = (
    Signal("open_tickets", "count", "Support tickets that are open now.", "tickets"),
    Signal("open_p1_tickets", "count", "p1 tickets that are open now.", "tickets"),
    Signal("open_p2_tickets", "count", "p2 tickets that are open now.", "tickets"),
    Signal("open_escalated_tickets", "count", "Escalated tickets that are open now.", "tickets"),
    Signal("open_tickets_per_100_seats", "count", "Open tickets per 100 bought seats.", "tickets"),
    Signal("open_p1_days", "days", "Days that the oldest open p1 ticket has been open; 0 when none is.", "tickets"),
    Signal("oldest_ticket_days", "days", "Days that the oldest open ticket has been open; 0 when none is.", "tickets"),
    Signal("tickets_opened_7d", "count", "Tickets opened in the last 7 days.", "tickets"),
    Signal("tickets_opened_28d", "count", "Tickets opened in the last 28 days.", "tickets"),
    Signal("tickets_opened_90d", "count", "Tickets opened in the last 90 days.", "tickets"),
    Signal("tickets_per_100_seats_90d", "count", "Tickets opened in the last 90 days per 100 bought seats.", "tickets"),
    Signal("tickets_reopened_28d", "count", "Times a solved ticket was reopened in the last 28 days.", "tickets"),
    Signal("first_response_hours_28d", "hours", "Median time to first response on tickets of 28 days.", "tickets"),
    Signal("resolution_hours_28d", "hours", "Median time from opening to solution, of 28 days' solutions.", "tickets"),
    Signal("csat_90d", "score_1_5", "Mean satisfaction over ticket ratings and CSAT answers of 90 days.", "tickets"),
)
_BILLING: Final = (
    Signal("invoices_overdue", "count", "Invoices that are overdue now.", "billing"),
    Signal("overdue_amount", "money", "Sum of the invoices that are overdue now.", "billing"),
    Signal("days_overdue", "days", "Days that the oldest overdue invoice has been overdue; 0 for none.", "billing"),
    Signal("failed_payments_28d", "count", "Payments that failed or were disputed in the last 28 days.", "billing"),
    Signal("arr", "money", "Yearly revenue now."),
    Signal("arr_change_28d", "percent", "Change of ARR over the last 28 days."),
    Signal("arr_change_90d", "percent", "Change of ARR over the last 90 days."),
    Signal("seats", "count", "Seats bought now."),
    Signal("seats_change_90d", "percent", "Change of bought seats over the last 90 days."),
    Signal("days_to_renewal", "days", "Days until the contract renews; negative once that day has passed."),
)
_SENTIMENT: Final = (
    Signal("nps", "score_0_10", "The latest NPS answer, for 180 days.", "surveys"),
    Signal("nps_mean", "score_0_10", "Mean of each respondent's latest NPS answer, for 180 days.", "surveys"),
    *(
        Signal(
            f"nps_{role}", "score_0_10", f"The latest NPS answer of a contact who is {words}, for 180 days.", "surveys"
        )
        for role, words in (
            ("champion", "a champion"),
            ("sponsor", "a sponsor"),
            ("economic_buyer", "an economic buyer"),
            ("admin", "an admin"),
            ("end_user", "an end user"),
        )
    ),
    Signal("ces_90d", "score_1_7", "Mean customer effort answer of 90 days; 7 is effortless.", "surveys"),
    Signal("pulse", "score_1_5", "The CSM's own rating, until it expires."),
    Signal("usage_fit", "share", "The CSM's word whether the usage fits: yes 1, needs a look 0.5, no 0."),
    Signal("essential", "score_1_5", "How essential the product is: the CSM's word, else taken from the latest NPS."),
)
_VALUE: Final = (
    Signal("objectives_set", "count", "Objectives the customer has set.", "engagements"),
    Signal(
        "objectives_met", "share", "Share of the objectives with a target that recorded value has met.", "engagements"
    ),
    Signal(
        "value_to_target", "share", "Mean recorded value over target of the objectives, each at most 1.", "engagements"
    ),
    Signal("value_records_90d", "count", "Times value was recorded in the last 90 days.", "engagements"),
    Signal("days_since_value", "days", "Days since value was last recorded.", "engagements"),
    Signal("days_since_confirmed_value", "days", "Days since the customer last confirmed value.", "engagements"),
    Signal("days_since_review", "days", "Days since a review or board meeting was held and answered.", "engagements"),
    Signal("advocacy_365d", "count", "References, reviews, referrals and talks of the last 365 days.", "engagements"),
    Signal(
        "renewal_intent",
        "score_1_5",
        "What they say: leave 1, reduce 2, undecided 3, renew 4, expand 5.",
        "engagements",
    ),
)
_RELATIONSHIP: Final = (
    Signal("engagements_28d", "count", "Engagements held in the last 28 days.", "engagements"),
    Signal("engagements_90d", "count", "Engagements held in the last 90 days.", "engagements"),
    Signal("unanswered_90d", "count", "Engagements of the last 90 days that went unanswered.", "engagements"),
    Signal("answered_share_90d", "share", "Share of the engagements of 90 days that were answered.", "engagements"),
    Signal("active_contacts_90d", "count", "Distinct contacts who answered anything in 90 days.", "engagements"),
    Signal("active_roles_90d", "count", "Distinct roles among the contacts who answered in 90 days.", "engagements"),
    Signal("champion_gone", "yes_no", "1 once the champion has left and no champion was met since.", "engagements"),
    Signal("days_since_champion", "days", "Days since a champion answered.", "engagements"),
    Signal("days_since_sponsor", "days", "Days since a sponsor answered.", "engagements"),
    Signal("days_since_buyer", "days", "Days since an economic buyer answered.", "engagements"),
    Signal("days_since_touch", "days", "Days since anybody there answered anything.", "engagements"),
    Signal("contacts_left_90d", "count", "Contacts who left in the last 90 days.", "engagements"),
)

SIGNALS: Final[tuple[Signal, ...]] = (*_USAGE, *_SUPPORT, *_BILLING, *_SENTIMENT, *_VALUE, *_RELATIONSHIP)
BY_NAME: Final[dict[str, Signal]] = {signal.name: signal for signal in SIGNALS}

FINDINGS: Final[tuple[str, ...]] = (
    "watermelon",
    "misfit",
    "champion_gone",
    "buyer_unseen",
    "single_threaded",
    "consumption_gap",
    "score_against_revenue",
    "no_recent_data",
)
"""The findings that health opens and clears; a playbook on any other name could never fire."""
