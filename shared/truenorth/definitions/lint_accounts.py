"""Checks of what sorts and accompanies accounts: segments, phases, milestones, people."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from truenorth.definitions import findings
from truenorth.definitions.findings import Found
from truenorth.definitions.model import Definitions, Match, Milestone, Person

_ALL_PERCENT: Final = 100
_NARROWED: Final = ("events", "distinct_features")
_HOURS: Final = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$")
_RANGES: Final = (("arr_from", "arr_below"), ("seats_from", "seats_below"), ("age_days_from", "age_days_below"))


def segments(definitions: Definitions) -> Iterator[Found]:
    """Check the matches of segments and that each can be reached."""
    yield from _ordered("segments", [(item.id, item.match) for item in definitions.segments], definitions)


def phases(definitions: Definitions) -> Iterator[Found]:
    """Check the matches of phases and that each can be reached."""
    yield from _ordered("phases", [(item.id, item.match) for item in definitions.phases], definitions)


def milestones(definitions: Definitions) -> Iterator[Found]:
    """Check references and that a milestone can be reached and be at risk."""
    known = [segment.id for segment in definitions.segments]
    for index, milestone in enumerate(definitions.milestones):
        path = f"milestones[{index}]"
        for place, segment in enumerate(milestone.segments):
            yield from findings.unknown_reference(f"{path}.segments[{place}]", segment, known, "segment")
        if milestone.at_risk_days >= milestone.within_days:
            message = (
                f"at risk {milestone.at_risk_days} days before a deadline of {milestone.within_days} days "
                "is at risk from the first day; make it smaller"
            )
            yield Found("at_risk_too_early", f"{path}.at_risk_days", message)
        yield from _counted(milestone, path)


def _counted(milestone: Milestone, path: str) -> Iterator[Found]:
    listed = len(set(milestone.features))
    if milestone.count == "distinct_features" and milestone.features and milestone.need > listed:
        message = f"{milestone.need} of {listed} listed features can never be reached"
        yield Found("milestone_unreachable", f"{path}.need", message)
    if milestone.count.startswith("share_of_") and milestone.need > _ALL_PERCENT:
        message = f"{milestone.need} % of what is bought can never be reached; need is percent here, 1 to 100"
        yield Found("milestone_unreachable", f"{path}.need", message)
    if milestone.features and milestone.count not in _NARROWED:
        message = f"features say nothing about {milestone.count}; leave them out, or count events or distinct_features"
        yield Found("features_unused", f"{path}.features", message)


def people(definitions: Definitions) -> Iterator[Found]:
    """Check managers, time zones, working hours and mail addresses."""
    known = [person.id for person in definitions.people]
    for index, person in enumerate(definitions.people):
        path = f"people[{index}]"
        if person.manager is not None:
            yield from findings.unknown_reference(f"{path}.manager", person.manager, known, "person")
            if person.manager == person.id:
                yield Found("own_manager", f"{path}.manager", "nobody is their own manager; leave it out")
        yield from _person(person, path)


def _person(person: Person, path: str) -> Iterator[Found]:
    try:
        ZoneInfo(person.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{person.zone!r} is not a time zone; write an IANA name such as Europe/Berlin"
        yield Found("zone_unknown", f"{path}.zone", message)
    if not _HOURS.match(person.hours) or person.hours[:5] >= person.hours[6:]:
        yield Found("hours_invalid", f"{path}.hours", f"{person.hours!r} are no hours; write them as 09:00-17:00")
    name, _, domain = person.email.partition("@")
    if not name or "." not in domain or any(char.isspace() for char in person.email):
        yield Found("email_invalid", f"{path}.email", f"{person.email!r} is not an address; write name@company.example")


def _ordered(section: str, items: Sequence[tuple[str, Match]], definitions: Definitions) -> Iterator[Found]:
    plans = [plan.id for plan in definitions.plans]
    for index, (_, match) in enumerate(items):
        path = f"{section}[{index}].match"
        for place, plan in enumerate(match.plan or ()):
            yield from findings.unknown_reference(f"{path}.plan[{place}]", plan, plans, "plan")
        for low, high in _RANGES:
            least, under = getattr(match, low), getattr(match, high)
            if least is not None and under is not None and least >= under:
                yield Found("match_never", f"{path}.{low}", f"nothing is from {least} on and below {under}")
        for name in ("tier", "plan", "industry"):
            if getattr(match, name) == []:
                yield Found("match_never", f"{path}.{name}", "an empty list matches nothing; leave it out to match all")
        for before, earlier in items[:index]:
            if _covers(earlier, match):
                message = f"never used: {before!r} comes before it and matches all that it matches"
                yield Found("unreachable", f"{section}[{index}]", message)
                break


def _covers(earlier: Match, later: Match) -> bool:
    """Whether all accounts that the later match would take are taken by the earlier one."""
    for name in Match.__struct_fields__:
        wide, narrow = getattr(earlier, name), getattr(later, name)
        if wide is None:
            continue
        if narrow is None or not _within(name, wide, narrow):
            return False
    return True


def _within(name: str, wide: Any, narrow: Any) -> bool:
    if isinstance(wide, list):
        return set(narrow) <= set(wide)
    if isinstance(wide, bool):
        return bool(narrow == wide)
    return bool(narrow >= wide) if name.endswith("_from") else bool(narrow <= wide)
