"""What a milestone counts, day by day from its start, over the usage that is kept."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from truenorth.definitions.model import Milestone

from truenorth_health.domain.moment import Entitled
from truenorth_health.domain.parts import Usage, UsageCounts, UsageDay, UsageMembers, UsageNames, UsagePast
from truenorth_health.domain.state import AccountState

MISSING_MAX: Final = 10
"""So many of what is missing are named."""

_PERCENT: Final = 100


class Goal(NamedTuple):
    """``need`` of ``what`` (events, actors, features, modules), as a share of ``of`` (0: no share).

    ``names`` narrows what counts, and is everything when empty.
    """

    what: str
    need: int
    of: int
    names: tuple[str, ...]

    def shown(self, have: int) -> int:
        """Return how far it is as people see it: a number, or whole percent (never rounded up)."""
        return have * _PERCENT // self.of if self.of else have


def goal_of(wanted: Milestone, seats: int | None, entitled: Entitled) -> Goal | None:
    """Return what is needed, given what was bought; None for a share of something nobody said the size of.

    ``features`` narrows events and distinct features; for anything else it means nothing, and lint refuses it.
    """
    if wanted.count == "share_of_seats":
        return _share("actors", wanted.need, seats or 0, ())
    if wanted.count == "share_of_modules":
        return _share("modules", wanted.need, len(entitled.modules), entitled.modules)
    if wanted.count == "share_of_features":
        return _share("features", wanted.need, len(entitled.features), entitled.features)
    what = wanted.count.removeprefix("distinct_")
    return Goal(what, wanted.need, 0, tuple(dict.fromkeys(wanted.features)) if what in {"events", "features"} else ())


def _share(what: str, percent: int, of: int, names: tuple[str, ...]) -> Goal | None:
    return Goal(what, -(-percent * of // _PERCENT), of, names) if of else None


def count(state: AccountState, goal: Goal, start: int, today: int) -> tuple[int, int | None]:
    """Return how many there are by ``today``, and the day on which there were enough."""
    if goal.what == "actors" and (few := _actors(state, start, today)) < goal.need:
        return few, None  # the common case, without asking day by day
    have = 0
    for day, gained in _gains(state, goal, start):
        if day > today:
            break
        have += gained
        if have >= goal.need:
            return have, day
    return have, None


def missing(state: AccountState, goal: Goal, start: int) -> list[str]:
    """Return which of the names asked for are not in use, `MISSING_MAX` at most."""
    if not goal.names or goal.what == "events":
        return []
    found = _feature_days(state, goal, start) if goal.what == "features" else set(_module_names(state, goal, start))
    return [name for name in goal.names if name not in found][:MISSING_MAX]


def is_forgotten(state: AccountState, goal: Goal, start: int) -> bool:
    """Whether use that is no longer kept may have counted towards it.

    The first day of each feature is kept for ever: what was first used after the start is never forgotten.
    """
    past = state.read(UsagePast).days
    oldest = past[0].day if past else state.read(Usage).today.day
    if start >= oldest:
        return False
    names = state.read(UsageNames)
    if goal.what != "features":
        return any(first < oldest for first in names.first_days)
    uncertain = {
        name
        for name, first in zip(names.features, names.first_days, strict=True)
        if first < start and (not goal.names or name in goal.names)
    }
    if not uncertain:
        return False
    found = _feature_days(state, goal, start)
    return len(found) < goal.need <= len(found.keys() | uncertain)


def _gains(state: AccountState, goal: Goal, start: int) -> Iterator[tuple[int, int]]:
    """Yield (day, how many more), ascending by day, from ``start`` on."""
    if goal.what == "features":
        yield from ((day, 1) for day in sorted(_feature_days(state, goal, start).values()))
    elif goal.what == "actors":
        shift = state.read(UsageMembers).shift
        seen = 0
        for row in _rows(state, start):
            now = seen | int.from_bytes(row.actors, "little")
            yield row.day, now.bit_count() - seen.bit_count() << shift
            seen = now
    elif goal.what == "modules":
        known: set[str] = set()
        for day, names in _modules(state, goal, start):
            yield day, len(names - known)
            known |= names
    elif not goal.names:
        yield from ((row.day, row.count) for row in _rows(state, start))
    else:
        yield from _events_of(state, goal, start)


def _actors(state: AccountState, start: int, today: int) -> int:
    seen, from_bytes = 0, int.from_bytes
    for row in _rows(state, start):
        if row.day <= today:
            seen |= from_bytes(row.actors, "little")
    return seen.bit_count() << state.read(UsageMembers).shift


def _events_of(state: AccountState, goal: Goal, start: int) -> Iterator[tuple[int, int]]:
    slots = state.feature_slots()
    asked = [slots[name] for name in goal.names if name in slots]
    usage, past = state.read(Usage), state.read(UsageCounts)
    for row in _rows(state, start):
        counts = usage.counts if row is usage.today else past.days.get(row.day, {})
        yield row.day, sum(counts.get(slot, 0) for slot in asked)


def _modules(state: AccountState, goal: Goal, start: int) -> Iterator[tuple[int, set[str]]]:
    """Yield the modules that count, day by day."""
    slots = [
        (slot, name) for slot, name in enumerate(state.read(UsageNames).modules) if not goal.names or name in goal.names
    ]
    for row in _rows(state, start):
        bits = int.from_bytes(row.modules, "little")
        yield row.day, {name for slot, name in slots if bits >> slot & 1}


def _module_names(state: AccountState, goal: Goal, start: int) -> Iterator[str]:
    for _, names in _modules(state, goal, start):
        yield from names


def _feature_days(state: AccountState, goal: Goal, start: int) -> dict[str, int]:
    """Return feature -> first day of use from ``start`` on; the first day ever is permanent, later ones are kept 91."""
    names = state.read(UsageNames)
    wanted = frozenset(goal.names)
    found: dict[str, int] = {}
    earlier: dict[int, str] = {}
    for slot, (name, first) in enumerate(zip(names.features, names.first_days, strict=True)):
        if wanted and name not in wanted:
            continue
        if first >= start:
            found[name] = first
        else:
            earlier[slot] = name
    if earlier:
        for row in _rows(state, start):
            bits = int.from_bytes(row.features, "little")
            for slot in [slot for slot in earlier if bits >> slot & 1]:
                found[earlier.pop(slot)] = row.day
    return found


def _rows(state: AccountState, start: int) -> Iterator[UsageDay]:
    """Yield the days kept from ``start`` on, ascending."""
    for row in state.read(UsagePast).days:
        if row.day >= start:
            yield row
    today = state.read(Usage).today
    if today.day >= max(start, 0):
        yield today
