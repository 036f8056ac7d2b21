"""The stories of customer success that people know, as numbers the simulator follows."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Story:
    """How an account behaves.

    ``seat_share`` of its seats are active, usage in the last 28 days is ``trend`` times that of the days before,
    ``features`` many features are in use, and the last usage was ``quiet_days`` ago. No active seats at all: its
    product was never connected, and nothing of it is known.
    Ages in days ago: ``p1_open``, ``overdue`` (the oldest invoice). ``nps`` 0..10, ``csat`` 1..5 for rated tickets.
    """

    name: str
    seat_share: float = 0.7
    trend: float = 1.02
    features: int = 8
    quiet_days: int = 0
    age_days: tuple[int, int] = (120, 900)
    plan: str = ""
    trial: bool = False
    p1_open: int | None = None
    open_tickets: int = 0
    solved_tickets: int = 2
    response_hours: float = 2.0
    csat: float | None = 4.5
    nps: int | None = 8
    failed_payments: int = 0
    overdue: int | None = None
    champion_left: int | None = None
    advocates: bool = False
    churned: int | None = None


STORIES: Final[tuple[Story, ...]] = (
    Story("steady"),
    Story("advocate", seat_share=0.9, trend=1.15, features=12, nps=10, csat=5.0, advocates=True),
    Story("watermelon", seat_share=0.95, trend=1.2, features=12, nps=3, csat=1.5, open_tickets=2),
    Story("silent-trial", 0.2, 1.0, 2, quiet_days=9, age_days=(18, 24), plan="Basic", trial=True, nps=None, csat=None),
    Story("busy-trial", 0.6, 1.0, 6, age_days=(6, 9), plan="Basic", trial=True, nps=None, csat=None),
    Story("champion-left", 0.36, 0.55, 5, quiet_days=3, nps=5, champion_left=16, csat=3.2, open_tickets=2),
    Story("failed-card", 0.48, 0.82, 6, nps=7, failed_payments=2, overdue=9, csat=3.8),
    Story("p1-open", 0.5, 0.6, 7, nps=4, p1_open=9, open_tickets=3, csat=2.5, response_hours=9),
    Story("onboarding", 0.35, 1.0, 4, age_days=(10, 10), nps=None, csat=None, solved_tickets=1),
    Story("slipping", 0.36, 0.6, 5, quiet_days=2, nps=5, csat=3.2, open_tickets=2),
    Story("borderline", 0.28, 0.52, 4, quiet_days=3, nps=4, csat=2.6, open_tickets=4, response_hours=9),
    Story("leaving", 0.15, 0.35, 3, quiet_days=8, nps=2, csat=2.0, p1_open=5, open_tickets=4, overdue=38),
    Story("unplugged", seat_share=0.0, features=0, solved_tickets=0, nps=None, csat=None),
    Story("churned", 0.1, 0.3, 2, quiet_days=30, nps=1, csat=2.0, age_days=(200, 700), churned=20),
)

BY_NAME: Final[dict[str, Story]] = {story.name: story for story in STORIES}

FIRST: Final = (
    *("steady", "borderline", "watermelon", "failed-card", "champion-left", "advocate", "p1-open", "leaving"),
    *("onboarding", "silent-trial", "slipping", "borderline", "busy-trial", "churned", "steady", "advocate"),
    *("borderline", "leaving", "slipping", "p1-open", "onboarding", "steady", "steady", "failed-card"),
    *("unplugged",),
)
"""The stories of the first accounts, so that a small book has them all."""

MIX: Final[dict[str, int]] = {
    "steady": 44,
    "advocate": 12,
    "slipping": 12,
    "failed-card": 7,
    "p1-open": 5,
    "champion-left": 5,
    "watermelon": 4,
    "borderline": 4,
    "onboarding": 3,
    "leaving": 3,
    "churned": 1,
}
"""How often each story comes among the rest."""
