"""True North milestones: how many of what, by when, from history that does not depend on the definition.

While definition and start stay the same a status only moves on: pending, at risk, missed, reached. Reached is for good,
missed becomes reached late. Another definition is judged anew over the history kept, and what that no longer reaches
back to is left as it stands: never guessed.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from truenorth.clock import date_of_day
from truenorth.events.health import MilestoneProgress, MilestoneStatus

from truenorth_health.domain.compiled import CompiledMilestone
from truenorth_health.domain.facts import Facts
from truenorth_health.domain.milestone_counts import count, goal_of, is_forgotten, missing
from truenorth_health.domain.moment import Entitled
from truenorth_health.domain.path import MilestoneMark
from truenorth_health.domain.state import AccountState

_OPEN: Final = frozenset({"pending", "at_risk"})
_OVERDUE_DAYS_MAX: Final = 14
"""A worker that was away over a deadline still judges it, by the 91 days that are kept; later it is too late."""
_STATUSES: Final[dict[str, MilestoneStatus]] = {
    "pending": "pending",
    "at_risk": "at_risk",
    "reached": "reached",
    "missed": "missed",
}


_DAYS_CACHED_MAX: Final = 4_096


@lru_cache(maxsize=_DAYS_CACHED_MAX)
def _iso(day: int) -> str:
    return date_of_day(day).isoformat()


class Span(NamedTuple):
    """First and last day, and the day it is."""

    start: int
    deadline: int
    today: int


class Standing(NamedTuple):
    """Where a milestone stands, and the ``mark`` that the path remembers; ``have`` of what is needed, at most all.

    ``is_left`` says that it was left as it stood: history no longer reaches back to its start, or what it is a share of
    is not known.
    """

    compiled: CompiledMilestone
    span: Span
    mark: MilestoneMark
    have: int
    missing: list[str]
    is_left: bool = False

    @property
    def day_number(self) -> int:
        """The day it is, counted from 1; 0 or less before the start."""
        return self.span.today - self.span.start + 1

    @property
    def days_left(self) -> int | None:
        """Days until the deadline; None once it is settled."""
        return max(0, self.span.deadline - self.span.today) if self.mark.status in _OPEN else None

    @property
    def is_past(self) -> bool:
        """Whether it was settled before yesterday."""
        status = self.mark.status
        settled = (
            self.mark.reached_day if status == "reached" else self.span.deadline + 1 if status == "missed" else None
        )
        return settled is not None and settled < self.span.today - 1

    @property
    def progress(self) -> MilestoneProgress:
        """What is published of it."""
        wanted, mark, span = self.compiled.source, self.mark, self.span
        return MilestoneProgress(
            id=wanted.id,
            name=wanted.name,
            version=mark.version,
            status=_STATUSES[mark.status],
            have=self.have,
            need=wanted.need,
            start_on=_iso(span.start),
            deadline_on=_iso(span.deadline),
            reached_on=None if mark.reached_day is None else _iso(mark.reached_day),
            days_left=self.days_left,
            missing=self.missing,
            late=mark.late,
            took_days=mark.took_days,
        )


def standing(
    state: AccountState, facts: Facts, compiled: CompiledMilestone, mark: MilestoneMark | None, entitled: Entitled
) -> Standing | None:
    """Return where it stands on the day of ``facts``, coming from ``mark``; ``entitled`` is what was bought.

    None without a start, and where nothing was told yet and nothing can be known: its days are long forgotten, or it is
    a share of something that nobody said the size of.
    """
    wanted = compiled.source
    start = facts.start_day(wanted.start)
    if start is None:
        return None
    span = Span(start, start + wanted.within_days - 1, facts.day)
    goal = goal_of(wanted, facts.seats, entitled)
    known = mark if mark is not None and mark.version == compiled.version else None
    if known is not None and known.status == "reached":
        return _stand(compiled, span, known, wanted.need, [])
    if goal is None or (_is_old(span, known) and is_forgotten(state, goal, start)):
        return _left(compiled, span, mark)
    have, reached_day = count(state, goal, start, facts.day)
    lacking = [] if reached_day is not None else missing(state, goal, start)
    return _stand(compiled, span, _mark(compiled, span, reached_day), goal.shown(have), lacking)


def _is_old(span: Span, known: MilestoneMark | None) -> bool:
    """Whether history may be too short to judge by; one that was open until now is judged by what there still is."""
    is_open = known is not None and known.status != "missed"
    return not is_open or span.today > span.deadline + _OVERDUE_DAYS_MAX


def _mark(compiled: CompiledMilestone, span: Span, reached_day: int | None) -> MilestoneMark:
    if reached_day is not None:
        return MilestoneMark("reached", compiled.version, reached_day)
    left = span.deadline - span.today
    if left < 0:
        return MilestoneMark("missed", compiled.version)
    is_near = left <= compiled.source.at_risk_days and span.today >= span.start
    return MilestoneMark("at_risk" if is_near else "pending", compiled.version)


def _left(compiled: CompiledMilestone, span: Span, mark: MilestoneMark | None) -> Standing | None:
    """Leave it as it stands, under the version that it was judged by; open beyond its deadline is no standing."""
    if mark is None or (mark.status in _OPEN and span.today > span.deadline):
        return None
    have = compiled.source.need if mark.status == "reached" else 0
    return _stand(compiled, span, mark, have, [], is_left=True)


def _stand(
    compiled: CompiledMilestone,
    span: Span,
    mark: MilestoneMark,
    have: int,
    lacking: list[str],
    *,
    is_left: bool = False,
) -> Standing:
    reached_day = mark.reached_day
    late = reached_day is not None and reached_day > span.deadline
    took_days = None if reached_day is None else max(0, reached_day - span.start)
    told = MilestoneMark(mark.status, mark.version, reached_day, late, took_days)
    return Standing(compiled, span, told, min(have, compiled.source.need), lacking, is_left)
