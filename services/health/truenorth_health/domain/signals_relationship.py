"""Signals of the relationship: who of them still talks to us, and who left."""

from typing import Final

from truenorth_health.domain.moment import Moment

NAMES: Final[tuple[str, ...]] = (
    "engagements_28d",
    "engagements_90d",
    "unanswered_90d",
    "answered_share_90d",
    "active_contacts_90d",
    "active_roles_90d",
    "champion_gone",
    "days_since_champion",
    "days_since_sponsor",
    "days_since_buyer",
    "days_since_touch",
    "contacts_left_90d",
)


def compute(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `NAMES`."""
    del moment
    return [None] * len(NAMES)
