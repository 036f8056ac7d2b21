"""Signals of usage: how much, by whom and of what, over rolling windows of calendar days."""

from typing import Final

from truenorth.definitions.signals import WINDOWS

from truenorth_health.domain.moment import Moment
from truenorth_health.domain.parts import Usage, UsageDay, UsageMembers, UsageNames
from truenorth_health.domain.sampling import estimate
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.usage_windows import windows

_EVENTS: Final = tuple(f"events_{n}d" for n in WINDOWS)
_ACTORS: Final = tuple(f"active_actors_{n}d" for n in WINDOWS)
_FEATURES: Final = tuple(f"distinct_features_{n}d" for n in WINDOWS)
_PER_ACTOR: Final = (
    "active_per_seat_7d",
    "active_per_seat_28d",
    "active_per_seat_90d",
    "events_per_actor_28d",
    "hours_per_actor_28d",
    "actors_trend_28d",
    "stickiness",
)
_PER_EVENT: Final = (
    "events_per_seat_28d",
    "errors_per_1000_28d",
    "usage_trend_7d",
    "usage_trend_28d",
    "active_days_28d",
    "days_since_activity",
)
_BREADTH: Final = ("breadth", "feature_breadth", "consumption_gap")
NAMES: Final[tuple[str, ...]] = (*_EVENTS, *_ACTORS, *_FEATURES, *_PER_ACTOR, *_PER_EVENT, *_BREADTH)
_NOTHING: Final[list[float | None]] = [None] * len(NAMES)
_MONTH: Final = WINDOWS.index(28)
_EMPTY: Final = UsageDay()


def approximate(state: AccountState) -> list[str]:
    """Return the names of the signals that are estimates: of an account with more actors or names than are kept."""
    usage, shift = state.read(Usage), state.read(UsageMembers).shift
    names = [*_ACTORS, *_PER_ACTOR] if shift else []
    if usage.features_over:
        names += [*_FEATURES, "feature_breadth"]
    if usage.modules_over:
        names.append("breadth")
    return [*names, "consumption_gap"] if names else []


def compute(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `NAMES`; all None for an account without any usage."""
    state, day = moment.state, moment.day
    if state.read(Usage).today.day < 0:
        return _NOTHING
    before, row = windows(state, day)
    today = _EMPTY if row is None else row
    if row is None and before.newest < 0:
        return _NOTHING  # a look back to before the first use
    from_bytes = int.from_bytes
    now_actors, now_features = from_bytes(today.actors, "little"), from_bytes(today.features, "little")
    members = state.read(UsageMembers)
    shift = members.shift
    events = [today.count, *(today.count + count for count in before.counts)]
    features = [now_features.bit_count()]
    features += [(now_features | from_bytes(bits, "little")).bit_count() for bits in before.features]
    if members.hashes:
        actors = [now_actors.bit_count()]
        actors += [(now_actors | from_bytes(bits, "little")).bit_count() for bits in before.actors]
        actors = [estimate(count, shift) for count in actors]
    else:
        actors = []
    seats = moment.facts.seats
    since = 0 if row is not None else day - before.newest
    values: list[float | None] = [float(count) for count in events]
    values += [float(count) for count in actors] if actors else [None] * len(WINDOWS)
    values += [float(count) for count in features]
    if actors:
        used_seconds = before.seconds + today.seconds
        daily = estimate(before.daily_actors + now_actors.bit_count(), shift)
        earlier = estimate(before.actors_before_28, shift)
        monthly = actors[_MONTH]
        values += [
            actors[1] / seats if seats else None,
            monthly / seats if seats else None,
            actors[-1] / seats if seats else None,
            events[_MONTH] / monthly if monthly else None,
            used_seconds / 3600 / monthly if monthly and used_seconds else None,
            (monthly - earlier) / earlier * 100 if earlier else None,
            daily / 28 / monthly if monthly else None,
        ]
    else:
        values += [None] * len(_PER_ACTOR)
    monthly_events, week = events[_MONTH], before.before_7 / 4
    values += [
        monthly_events / seats if seats else None,
        (before.errors + today.errors) * 1000 / monthly_events if monthly_events else None,
        (events[1] - week) / week * 100 if week else None,
        (monthly_events - before.before_28) / before.before_28 * 100 if before.before_28 else None,
        float(before.active_days + (row is not None)),
        float(since),
    ]
    return values + _breadths(
        moment,
        from_bytes(before.modules, "little") | from_bytes(today.modules, "little"),
        from_bytes(before.features[2], "little") | now_features,
        values[len(WINDOWS) * 3 + 1],
    )


def _breadths(moment: Moment, modules: int, features: int, seat_share: float | None) -> list[float | None]:
    """Return the shares of modules and features in use, and the mean unused share of all that was bought."""
    entitled = moment.entitled
    if not entitled.modules and not entitled.features:
        return [None, None, None if seat_share is None else max(0.0, 1.0 - seat_share)]
    names = moment.state.read(UsageNames)
    of_modules = _share(names.modules, modules, entitled.modules)
    of_features = _share(names.features, features, entitled.features)
    used = [min(1.0, share) for share in (seat_share, of_modules, of_features) if share is not None]
    return [of_modules, of_features, 1.0 - sum(used) / len(used) if used else None]


def _share(names: list[str], used: int, entitled: tuple[str, ...]) -> float | None:
    """Return the used share of what was bought; None where nothing that was ever used goes by such a name.

    Then plan and product speak of different things, and a gap of everything would be a wrong word, not a finding.
    """
    found = matched = 0
    for name in entitled:
        if name in names:
            matched += 1
            found += used >> names.index(name) & 1
    return found / len(entitled) if matched else None
