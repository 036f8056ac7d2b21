"""Signals of usage: how much, by whom and of what, over rolling windows of calendar days."""

from typing import Final

from truenorth_health.domain.moment import Moment
from truenorth_health.domain.parts import Usage, UsageMembers, UsageNames, UsagePast
from truenorth_health.domain.state import AccountState

WINDOWS: Final = (1, 7, 14, 28, 90)
NAMES: Final[tuple[str, ...]] = (
    *(f"events_{n}d" for n in WINDOWS),
    *(f"active_actors_{n}d" for n in WINDOWS),
    *(f"distinct_features_{n}d" for n in WINDOWS),
    "active_per_seat_7d",
    "active_per_seat_28d",
    "active_per_seat_90d",
    "events_per_actor_28d",
    "events_per_seat_28d",
    "hours_per_actor_28d",
    "errors_per_1000_28d",
    "usage_trend_7d",
    "usage_trend_28d",
    "actors_trend_28d",
    "active_days_28d",
    "stickiness",
    "breadth",
    "feature_breadth",
    "consumption_gap",
    "days_since_activity",
)


def approximate(state: AccountState) -> list[str]:
    """Return the names of the signals that are estimates: distinct counts of an account above the cap."""
    del state
    return []


def compute(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `NAMES`."""
    state, facts = moment.state, moment.facts
    usage = state.read(Usage)
    if usage.today.day < 0:
        return [None] * len(NAMES)
    day = moment.day
    people_7 = people_28 = features = modules = count = earlier = 0
    since: int | None = None
    for row in reversed([*state.read(UsagePast).days, usage.today]):
        age = day - row.day
        if age < 0:
            continue
        if since is None:
            since = age
        if age >= 56:
            break
        if age >= 28:
            earlier += row.count
            continue
        count += row.count
        actors = int.from_bytes(row.actors, "little")
        people_28 |= actors
        if age < 7:
            people_7 |= actors
        features |= int.from_bytes(row.features, "little")
        modules |= int.from_bytes(row.modules, "little")
    named = bool(state.read(UsageMembers).hashes)
    active_28 = float(people_28.bit_count())
    found: dict[str, float | None] = {
        "active_actors_7d": float(people_7.bit_count()) if named else None,
        "active_actors_28d": active_28 if named else None,
        "active_per_seat_28d": active_28 / facts.seats if named and facts.seats else None,
        "usage_trend_28d": (count - earlier) / earlier * 100 if earlier else None,
        "distinct_features_28d": float(features.bit_count()),
        "breadth": _breadth(state, modules, moment.entitled.modules),
        "days_since_activity": None if since is None else float(since),
    }
    return [found.get(name) for name in NAMES]


def _breadth(state: AccountState, used: int, entitled: tuple[str, ...]) -> float | None:
    names = state.read(UsageNames).modules
    if not entitled or not names:
        return None
    in_use = {name for slot, name in enumerate(names) if used >> slot & 1}
    return len(in_use.intersection(entitled)) / len(entitled)
