"""The catalogue of signals: every rolling measurement of an account that a scorecard may name.

A signal is listed here once, with its unit and meaning; the linter refuses a measure on any other name, and
health computes exactly these. Adding one is adding a line here and its computation in health.
"""

from dataclasses import dataclass
from typing import Final, Literal

Unit = Literal["count", "share", "percent", "days", "hours", "score_1_5", "score_0_10"]


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal. ``unit``: a share is 0..1 (and may exceed 1), percent is signed percent points."""

    name: str
    unit: Unit
    doc: str


SIGNALS: Final[tuple[Signal, ...]] = (
    Signal("active_actors_7d", "count", "Distinct actors with any usage in the last 7 days."),
    Signal("active_actors_28d", "count", "Distinct actors with any usage in the last 28 days."),
    Signal("active_per_seat_28d", "share", "Active actors of 28 days per bought seat; above 1 when seats are shared."),
    Signal("usage_trend_28d", "percent", "Change of usage in the last 28 days against the 28 days before."),
    Signal("distinct_features_28d", "count", "Distinct features used in the last 28 days."),
    Signal("breadth", "share", "Share of the entitled modules used in the last 28 days."),
    Signal("days_since_activity", "days", "Days since the last usage."),
    Signal("open_tickets", "count", "Support tickets that are open now."),
    Signal("open_p1_days", "days", "Days that the oldest open p1 ticket has been open; 0 when none is."),
    Signal("first_response_hours_28d", "hours", "Median time to first response on tickets of the last 28 days."),
    Signal("csat_90d", "score_1_5", "Mean satisfaction, 1 to 5, over ticket ratings and CSAT answers of 90 days."),
    Signal("invoices_overdue", "count", "Invoices that are overdue now."),
    Signal("days_overdue", "days", "Days that the oldest overdue invoice has been overdue; 0 when none is."),
    Signal("failed_payments_28d", "count", "Failed attempts to collect in the last 28 days."),
    Signal("arr_change_90d", "percent", "Change of ARR over the last 90 days."),
    Signal("days_to_renewal", "days", "Days until the contract renews; negative once that day has passed."),
    Signal("nps", "score_0_10", "The latest NPS answer."),
    Signal("pulse", "score_1_5", "The CSM's own rating, until it expires."),
)

BY_NAME: Final[dict[str, Signal]] = {signal.name: signal for signal in SIGNALS}

FINDINGS: Final[tuple[str, ...]] = ("watermelon", "champion_gone", "no_recent_data")
"""The findings that health opens and clears; a playbook on any other name could never fire."""
