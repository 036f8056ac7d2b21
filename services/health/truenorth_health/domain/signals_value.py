"""Signals of value: what the customer came for, what they got, and what they say they will do."""

from typing import Final

from truenorth_health.domain.moment import Moment

NAMES: Final[tuple[str, ...]] = (
    "objectives_set",
    "objectives_met",
    "value_to_target",
    "value_records_90d",
    "days_since_value",
    "days_since_confirmed_value",
    "days_since_review",
    "advocacy_365d",
    "renewal_intent",
)


def compute(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `NAMES`."""
    del moment
    return [None] * len(NAMES)
