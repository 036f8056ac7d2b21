"""Rolling windows over days of usage: what the days before today give is worked out once a day, and kept."""

from collections.abc import Iterable
from typing import Final

from truenorth_health.domain.parts import Usage, UsageDay, UsagePast, UsageWindows
from truenorth_health.domain.state import AccountState

SEALED: Final = (7, 14, 28, 90)
"""Windows in days that reach beyond today; the window of one day is today's own."""
_MONTH: Final = SEALED.index(28)
_NO_COUNTS: Final = [0] * len(SEALED)
_NO_BITS: Final = [b""] * len(SEALED)


def windows(state: AccountState, day: int) -> tuple[UsageWindows, UsageDay | None]:
    """Return what the days before ``day`` give, and the row of the day itself (None: no usage).

    It is kept in the state for as long as no event changes one of those days. A look further back than the newest
    day with usage is worked out each time.
    """
    usage = state.read(Usage)
    newest = usage.today
    if newest.day > day:
        rows = state.read(UsagePast).days
        return _sealed(rows, day, 0), next((row for row in rows if row.day == day), None)
    # while today's row is the newest one, only a late event changes the days before; afterwards any event may
    if newest.day == day and not state.has(UsagePast):
        nothing = UsageWindows(day, counts=_NO_COUNTS, actors=_NO_BITS, features=_NO_BITS)
        return nothing, newest  # the first day of usage has nothing before it, and nothing to keep
    stamp = usage.past_changes if newest.day == day else -1 - usage.events
    kept = state.read(UsageWindows)
    if kept.day != day or kept.stamp != stamp:
        past = state.read(UsagePast).days
        kept = _sealed(past if newest.day == day else [*past, newest], day, stamp)
        state.replace(kept)
    return kept, newest if newest.day == day else None


def _sealed(rows: Iterable[UsageDay], day: int, stamp: int) -> UsageWindows:
    made = UsageWindows(day, stamp)
    count = [0] * len(SEALED)
    actors, features = [0] * len(SEALED), [0] * len(SEALED)
    modules = actors_before = 0
    from_bytes = int.from_bytes
    for row in rows:
        age = day - row.day
        if age <= 0 or row.day < 0:
            continue
        made.newest = max(made.newest, row.day)
        people, used = from_bytes(row.actors, "little"), from_bytes(row.features, "little")
        for number, width in enumerate(SEALED):
            if age < width:
                count[number] += row.count
                actors[number] |= people
                features[number] |= used
        if age < SEALED[_MONTH]:
            modules |= from_bytes(row.modules, "little")
            made.active_days += 1
            made.daily_actors += people.bit_count()
            made.seconds += row.seconds
            made.errors += row.errors
        elif age < 2 * SEALED[_MONTH]:
            made.before_28 += row.count
            actors_before |= people
        if SEALED[0] <= age < SEALED[0] + SEALED[_MONTH]:
            made.before_7 += row.count
    made.counts, made.actors, made.features = count, _bits(actors), _bits(features)
    made.modules, made.actors_before_28 = _bits([modules])[0], actors_before.bit_count()
    return made


def _bits(values: list[int]) -> list[bytes]:
    return [value.to_bytes((value.bit_length() + 7) // 8, "little") for value in values]
