"""The way an account came to a moment, as its published transitions tell it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from truenorth.clock import day_of_date
from truenorth.events.health import HealthChanged, MilestoneChanged

from truenorth_health.domain.path import MilestoneMark


@dataclass(slots=True)
class Way:
    """What an account had behind it at a moment, as its transitions tell: what `look` alone cannot know."""

    band: str = ""
    findings: dict[str, int] = field(default_factory=dict)
    milestones: dict[str, MilestoneMark] = field(default_factory=dict)
    silent: Mapping[str, int] = field(default_factory=dict)


def way_of(transitions: Iterable[HealthChanged | MilestoneChanged], at_ms: int) -> Way:
    """Return the way up to ``at_ms``, from an account's transitions in any order."""
    way = Way()
    for one in sorted(transitions, key=lambda one: one.number):
        if one.decided_ms > at_ms:
            continue
        way.silent = one.point.silent
        way.band = one.band
        if isinstance(one, MilestoneChanged):
            told = one.milestone
            day = None if told.reached_on is None else day_of_date(date.fromisoformat(told.reached_on))
            way.milestones[told.id] = MilestoneMark(one.after, told.version, day, told.late, told.took_days)
        elif one.kind == "finding" and one.after == "open":
            way.findings[one.subject] = one.decided_ms
        elif one.kind == "finding":
            way.findings.pop(one.subject, None)
        elif one.kind == "churn":
            way.findings = {}
    return way
