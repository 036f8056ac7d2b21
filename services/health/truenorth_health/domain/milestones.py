"""True North milestones: how many of what, by when, from history that does not depend on the definition."""

from collections.abc import Iterator
from dataclasses import dataclass

from truenorth.clock import date_of_day
from truenorth.events.health import MilestoneProgress, MilestoneStatus

from truenorth_health.domain.compiled import CompiledMilestone
from truenorth_health.domain.facts import Facts
from truenorth_health.domain.parts import Usage, UsageCounts, UsageDay, UsageNames, UsagePast
from truenorth_health.domain.path import MilestoneMark
from truenorth_health.domain.state import AccountState

_STATUSES: dict[str, MilestoneStatus] = {
    "pending": "pending",
    "at_risk": "at_risk",
    "reached": "reached",
    "missed": "missed",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a milestone stands: what is published, and what the path remembers.

    ``day_number`` counts from 1. ``is_past`` says that this was settled before yesterday.
    """

    progress: MilestoneProgress
    mark: MilestoneMark
    day_number: int
    compiled: CompiledMilestone
    is_past: bool = False


def standing(
    state: AccountState, facts: Facts, compiled: CompiledMilestone, mark: MilestoneMark | None
) -> Standing | None:
    """Return where it stands on the day of ``facts``; None without a start, or when its days are long forgotten.

    Reached stays reached. Missed becomes reached when the rest is made up later.
    """
    wanted = compiled.source
    start = facts.start_day(wanted.start)
    if start is None:
        return None
    deadline = start + wanted.within_days - 1
    known = mark if mark is not None and mark.version == compiled.version else None
    if known is not None and known.status == "reached":
        have, reached_day = wanted.need, known.reached_day
        missing: list[str] = []
    else:
        if wanted.count != "distinct_features" and _is_forgotten(state, start):
            return None if known is None else _stand(compiled, facts, known.status, 0, None, (start, deadline), [])
        have, reached_day = _count(state, compiled, start, facts.day)
        missing = [] if reached_day is not None else _missing(state, compiled, start)
    left = deadline - facts.day
    if reached_day is not None:
        status = "reached"
    elif left < 0:
        status = "missed"
    else:
        status = "at_risk" if left <= wanted.at_risk_days and facts.day >= start else "pending"
    return _stand(compiled, facts, status, have, reached_day, (start, deadline), missing)


def _stand(
    compiled: CompiledMilestone,
    facts: Facts,
    status: str,
    have: int,
    reached_day: int | None,
    span: tuple[int, int],
    missing: list[str],
) -> Standing:
    wanted = compiled.source
    start, deadline = span
    progress = MilestoneProgress(
        id=wanted.id,
        name=wanted.name,
        version=compiled.version,
        status=_STATUSES[status],
        have=min(have, wanted.need),
        need=wanted.need,
        start_on=date_of_day(start).isoformat(),
        deadline_on=date_of_day(deadline).isoformat(),
        reached_on=None if reached_day is None else date_of_day(reached_day).isoformat(),
        days_left=max(0, deadline - facts.day) if status in {"pending", "at_risk"} else None,
        missing=missing,
    )
    settled = reached_day if status == "reached" else deadline + 1 if status == "missed" else None
    return Standing(
        progress,
        MilestoneMark(status, compiled.version, reached_day),
        facts.day - start + 1,
        compiled,
        is_past=settled is not None and settled < facts.day - 1,
    )


def _count(state: AccountState, compiled: CompiledMilestone, start: int, today: int) -> tuple[int, int | None]:
    """Return how many there are by ``today``, and the day on which there were enough."""
    have, need = 0, compiled.source.need
    for day, gained in _gains(state, compiled, start):
        if day > today:
            break
        have += gained
        if have >= need:
            return have, day
    return have, None


def _gains(state: AccountState, compiled: CompiledMilestone, start: int) -> Iterator[tuple[int, int]]:
    """Yield (day, how many more), ascending by day, from ``start`` on."""
    wanted = compiled.source
    if wanted.count == "distinct_features":
        yield from ((day, 1) for day in sorted(_feature_days(state, compiled, start).values()))
    elif wanted.count == "distinct_actors":
        seen = 0
        for row in _rows(state, start):
            now = seen | int.from_bytes(row.actors, "little")
            yield row.day, now.bit_count() - seen.bit_count()
            seen = now
    elif not wanted.features:
        yield from ((row.day, row.count) for row in _rows(state, start))
    else:
        slots = state.feature_slots()
        asked = [slots[name] for name in wanted.features if name in slots]
        usage, past = state.read(Usage), state.read(UsageCounts)
        for row in _rows(state, start):
            counts = usage.counts if row is usage.today else past.days.get(row.day, {})
            yield row.day, sum(counts.get(slot, 0) for slot in asked)


def _feature_days(state: AccountState, compiled: CompiledMilestone, start: int) -> dict[str, int]:
    """Return feature -> first day of use from ``start`` on; the first day ever is permanent, later ones are kept 91."""
    names = state.read(UsageNames)
    wanted = frozenset(compiled.source.features)
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


def _missing(state: AccountState, compiled: CompiledMilestone, start: int) -> list[str]:
    if not compiled.source.features or compiled.source.count != "distinct_features":
        return []
    found = _feature_days(state, compiled, start)
    return [name for name in compiled.source.features if name not in found]


def _rows(state: AccountState, start: int) -> list[UsageDay]:
    return [row for row in [*state.read(UsagePast).days, state.read(Usage).today] if row.day >= max(start, 0)]


def _is_forgotten(state: AccountState, start: int) -> bool:
    """Whether usage before the oldest day kept may have counted."""
    first_days = state.read(UsageNames).first_days
    oldest = min((row.day for row in _rows(state, 0)), default=start)
    return start < oldest and any(first < oldest for first in first_days)
