"""A made-up book of business: companies one could believe, each with a story. The same seed makes the same book."""

import random
from dataclasses import dataclass
from typing import Final

from truenorth.samples.owners import OWNERS
from truenorth.samples.stories import BY_NAME, FIRST, MIX, Story

FEATURES: Final[dict[str, tuple[str, ...]]] = {
    "projects": ("board", "timeline", "comments", "templates"),
    "reports": ("report", "export", "schedule"),
    "imports": ("csv-import", "sync"),
    "automations": ("rule", "webhook-rule"),
    "dashboards": ("dashboard", "share-link"),
    "audit": ("audit-log",),
    "api": ("api-call",),
    "sandbox": ("sandbox-run",),
}
"""Module -> features; modules are those of the example plans."""

PLANS: Final[dict[str, tuple[str, ...]]] = {
    "Basic": ("projects", "reports", "imports"),
    "Pro": ("projects", "reports", "imports", "automations", "dashboards"),
    "Enterprise": tuple(FEATURES),
}
_FIRSTS: Final = (
    *("Halden", "Brightwater", "Kestrel", "Larkspur", "Northgate", "Ostrava", "Pinecrest", "Quillon", "Rosedale"),
    *("Silverfin", "Tamarind", "Umber", "Valmont", "Westbrook", "Yarrow", "Zephyr", "Aldergrove", "Birchwood"),
    *("Corvid", "Dunmore", "Elmstead", "Farrow", "Glasswing", "Hollis", "Ironbridge", "Juniper", "Kingsley"),
    *("Lindenau", "Marlowe", "Nettlefold", "Oakhurst", "Penrose", "Ravensworth", "Stanhope", "Thornbury", "Verity"),
)
_LASTS: Final = (
    *("Freight", "Analytics", "Foods", "Robotics", "Insurance", "Clinics", "Energy", "Media", "Logistics"),
    *("Instruments", "Textiles", "Systems", "Studios", "Capital", "Pharma", "Travel", "Homes", "Software"),
)
_INDUSTRIES: Final = ("Logistics", "FinTech", "HealthTech", "Retail", "Manufacturing", "Media", "DevTools", "Energy")
_COUNTRIES: Final = ("US", "GB", "DE", "SE", "NL", "JP", "AU", "CA")
_CENTS_PER_SEAT_YEAR: Final = {"Basic": 24_000, "Pro": 48_000, "Enterprise": 90_000}


@dataclass(frozen=True, slots=True)
class BookAccount:
    """One account of the book. ``age_days`` counts back from today; ``arr`` is in cents."""

    id: str
    name: str
    story: Story
    owner: str
    plan: str
    seats: int
    arr: int
    age_days: int
    renews_in_days: int
    industry: str
    country: str
    parent: str | None = None

    @property
    def tier(self) -> str:
        """The service level it was sold, by the revenue of the example tiers."""
        return "strategic" if self.arr >= 5_000_000 else "named" if self.arr >= 1_200_000 else "pooled"

    @property
    def actors(self) -> list[str]:
        """The people of the account who may use the product: one per seat, at most 60."""
        return [f"{self.id}-u{number}" for number in range(1, min(self.seats, 60) + 1)]

    @property
    def feature_modules(self) -> list[tuple[str, str]]:
        """Feature and module of all that the plan entitles to, in the order people find them."""
        depth = max(len(FEATURES[module]) for module in PLANS[self.plan])
        return [
            (FEATURES[module][place], module)
            for place in range(depth)
            for module in PLANS[self.plan]
            if place < len(FEATURES[module])
        ]


def make_book(*, accounts: int, seed: int) -> list[BookAccount]:
    """Return a book of this many accounts; every story is in it when there is room."""
    rng = random.Random(f"book {seed}")  # noqa: S311 - a reproducible sample, nothing secret
    names = [f"{first} {last}" for first in _FIRSTS for last in _LASTS]
    rng.shuffle(names)
    stories = [BY_NAME[name] for name in FIRST[:accounts]]
    words = list(MIX)
    stories += [BY_NAME[name] for name in rng.choices(words, [MIX[word] for word in words], k=accounts - len(stories))]
    parents = _parents(stories)
    return [
        _account(index, name, story, parents.get(index), rng)
        for index, (name, story) in enumerate(zip(_endless(names), stories, strict=False))
    ]


def _parents(stories: list[Story]) -> dict[int, str]:
    """Return place in the book -> the parent's account."""
    return {
        child: _id(place)
        for place, story in enumerate(stories)
        for child in range(place + 1, place + 1 + story.children)
    }


def _id(place: int) -> str:
    return f"acct-{1001 + place}"


def _endless(names: list[str]) -> list[str]:
    return names + [f"{name} {number}" for number in range(2, 11) for name in names]


def _account(index: int, name: str, story: Story, parent: str | None, rng: random.Random) -> BookAccount:
    plan = story.plan or rng.choices(("Basic", "Pro", "Enterprise"), (4, 4, 3))[0]
    low, high = story.seats or {"Basic": (5, 15), "Pro": (10, 40), "Enterprise": (30, 120)}[plan]
    seats = rng.randint(low, high)
    age = rng.randint(*story.age_days)
    discount = rng.uniform(0.7, 1.0)
    return BookAccount(
        id=_id(index),
        name=name,
        story=story,
        owner=OWNERS[index % len(OWNERS)],
        plan=plan,
        seats=seats,
        arr=0 if story.trial else round(seats * _CENTS_PER_SEAT_YEAR[plan] * discount / 1000) * 1000,
        age_days=age,
        renews_in_days=365 - age % 365,
        industry=rng.choice(_INDUSTRIES),
        country=rng.choice(_COUNTRIES),
        parent=parent,
    )
