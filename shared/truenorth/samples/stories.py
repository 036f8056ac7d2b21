"""The stories of customer success that people know, as numbers the simulator follows."""

from dataclasses import dataclass
from typing import Final, Literal

Intent = Literal["renew", "expand", "reduce", "leave", "undecided"]
Fit = Literal["yes", "no", "needs_a_look"]


@dataclass(frozen=True, slots=True)
class Story:
    """How an account behaves.

    ``seat_share`` of its seats are active, usage in the last 28 days is ``trend`` times that of the days before,
    ``features`` many features are in use, and the last usage was ``quiet_days`` ago. No active seats at all: its
    product was never connected, and nothing of it is known.
    Ages in days ago: ``p1_open``, ``overdue`` (the oldest invoice), ``touch`` (the last answer), ``confirmed`` (value,
    by the customer). ``nps`` 0..10, ``csat`` 1..5 for rated tickets, ``ces`` 1..7. ``value`` is the share of their
    objective that they got, ``contacts`` how many of them talk to us, ``arr_was`` yearly revenue until a month ago over
    that of now. What its CSM says: ``pulse`` and ``essential`` 1..5, ``fit``. ``children``: so many of the accounts
    behind it in the book are its subsidiaries.
    """

    name: str
    seat_share: float = 0.7
    trend: float = 1.02
    features: int = 8
    quiet_days: int = 0
    age_days: tuple[int, int] = (120, 900)
    plan: str = ""
    seats: tuple[int, int] | None = None
    trial: bool = False
    p1_open: int | None = None
    open_tickets: int = 0
    solved_tickets: int = 2
    reopened: int = 0
    response_hours: float = 2.0
    csat: float | None = 4.5
    nps: int | None = 8
    ces: float | None = 5.5
    failed_payments: int = 0
    overdue: int | None = None
    arr_was: float = 1.0
    potential: float | None = None
    promised: str | None = None
    value: float | None = 0.75
    confirmed: int | None = 40
    contacts: int = 3
    touch: int = 12
    unanswered: int = 0
    intent: Intent | None = "renew"
    champion_left: int | None = None
    advocates: bool = False
    pulse: int | None = None
    fit: Fit | None = None
    essential: int | None = None
    children: int = 0
    churned: int | None = None


def _trial(name: str, seat_share: float, features: int, quiet_days: int, age_days: tuple[int, int]) -> Story:
    """Return the story of a trial: nobody has sold, asked or promised anything yet."""
    return Story(
        name,
        seat_share=seat_share,
        trend=1.0,
        features=features,
        quiet_days=quiet_days,
        age_days=age_days,
        plan="Basic",
        trial=True,
        csat=None,
        nps=None,
        ces=None,
        value=None,
        confirmed=None,
        contacts=0,
        intent=None,
    )


STORIES: Final[tuple[Story, ...]] = (
    Story("steady"),
    Story(
        "advocate",
        seat_share=0.9,
        trend=1.15,
        features=12,
        csat=5.0,
        nps=10,
        ces=6.5,
        arr_was=0.8,
        potential=4.0,
        value=1.1,
        confirmed=20,
        intent="expand",
        advocates=True,
        essential=5,
    ),
    Story(
        "watermelon",
        seat_share=0.95,
        trend=1.2,
        features=12,
        open_tickets=1,
        csat=3.6,
        nps=3,
        ces=3.5,
        value=0.5,
        confirmed=None,
        intent="undecided",
        pulse=2,
    ),
    _trial("silent-trial", 0.2, 2, 9, (18, 24)),
    _trial("busy-trial", 0.6, 6, 0, (6, 9)),
    Story(
        "champion-left",
        seat_share=0.3,
        trend=0.55,
        features=5,
        quiet_days=4,
        open_tickets=2,
        csat=3.2,
        nps=5,
        ces=4.5,
        value=0.3,
        confirmed=120,
        contacts=2,
        touch=45,
        unanswered=1,
        intent="undecided",
        champion_left=16,
    ),
    Story(
        "failed-card",
        seat_share=0.3,
        trend=0.6,
        features=6,
        csat=3.4,
        nps=5,
        ces=4.0,
        failed_payments=2,
        overdue=9,
        value=0.25,
        confirmed=130,
        contacts=2,
        touch=30,
        intent="undecided",
    ),
    Story(
        "p1-open",
        seat_share=0.5,
        trend=0.6,
        features=7,
        p1_open=9,
        open_tickets=3,
        reopened=2,
        response_hours=9,
        csat=2.5,
        nps=4,
        ces=3.5,
        value=0.5,
        contacts=2,
    ),
    Story(
        "onboarding",
        seat_share=0.35,
        trend=1.0,
        features=4,
        age_days=(10, 10),
        solved_tickets=1,
        csat=None,
        nps=None,
        ces=None,
        promised="named",
        value=None,
        confirmed=None,
        contacts=2,
        touch=1,
        intent=None,
    ),
    Story(
        "slipping",
        seat_share=0.3,
        trend=0.5,
        features=4,
        quiet_days=4,
        open_tickets=2,
        csat=2.8,
        nps=4,
        ces=3.8,
        value=0.2,
        confirmed=130,
        contacts=2,
        touch=50,
        unanswered=2,
        intent="undecided",
    ),
    Story(
        "borderline",
        seat_share=0.28,
        trend=0.52,
        features=4,
        quiet_days=5,
        open_tickets=4,
        reopened=1,
        response_hours=9,
        csat=2.6,
        nps=4,
        ces=3.8,
        value=0.25,
        confirmed=150,
        contacts=1,
        touch=60,
        unanswered=3,
        intent="undecided",
        pulse=3,
    ),
    Story(
        "leaving",
        seat_share=0.15,
        trend=0.35,
        features=3,
        quiet_days=8,
        p1_open=5,
        open_tickets=4,
        csat=2.0,
        nps=2,
        ces=2.5,
        overdue=38,
        arr_was=1.25,
        value=0.1,
        confirmed=None,
        contacts=1,
        touch=70,
        unanswered=4,
        intent="leave",
        pulse=1,
    ),
    Story("misfit", seat_share=0.95, trend=1.3, features=3, nps=7, value=0.4, confirmed=None, fit="no", pulse=3),
    Story("single-threaded", seat_share=0.8, plan="Pro", seats=(35, 40), contacts=1, essential=4),
    Story("group", seat_share=0.75, features=12, plan="Enterprise", seats=(100, 120), nps=9, contacts=4, children=2),
    Story(
        "unplugged",
        seat_share=0.0,
        features=0,
        solved_tickets=0,
        csat=None,
        nps=None,
        ces=None,
        value=None,
        confirmed=None,
        contacts=0,
        intent=None,
    ),
    Story(
        "churned",
        seat_share=0.1,
        trend=0.3,
        features=2,
        quiet_days=30,
        age_days=(200, 700),
        csat=2.0,
        nps=1,
        value=0.1,
        confirmed=None,
        contacts=1,
        touch=60,
        intent="leave",
        churned=20,
    ),
)

BY_NAME: Final[dict[str, Story]] = {story.name: story for story in STORIES}

FIRST: Final = (
    *("steady", "borderline", "watermelon", "failed-card", "champion-left", "advocate", "p1-open", "leaving"),
    *("onboarding", "silent-trial", "slipping", "borderline", "busy-trial", "churned", "steady", "advocate"),
    *("borderline", "leaving", "slipping", "p1-open", "onboarding", "steady", "steady", "failed-card"),
    *("unplugged", "group", "steady", "slipping", "misfit", "single-threaded"),
)
"""The stories of the first accounts, so that a small book has them all."""

MIX: Final[dict[str, int]] = {
    "steady": 48,
    "advocate": 12,
    "slipping": 9,
    "failed-card": 5,
    "p1-open": 5,
    "champion-left": 5,
    "watermelon": 4,
    "borderline": 3,
    "onboarding": 3,
    "leaving": 3,
    "misfit": 2,
    "single-threaded": 2,
    "churned": 1,
}
"""How often each story comes among the rest."""
