"""Numbered transitions: what passed in one turn, with all that a reader needs beside it."""

from dataclasses import dataclass, field
from typing import Literal

from truenorth.events.health import (
    Band,
    Cause,
    DecisionPoint,
    Driver,
    Finding,
    HealthChanged,
    MilestoneChanged,
    Rung,
    Sentence,
    Shadow,
    TierAdvice,
)

from truenorth_health.domain import points
from truenorth_health.domain.decided import Decided
from truenorth_health.domain.drivers import drivers as ranked
from truenorth_health.domain.drivers import exception, moves
from truenorth_health.domain.ladder import Level
from truenorth_health.domain.milestones import Standing
from truenorth_health.domain.path import Path, Point
from truenorth_health.domain.points import Comparison
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.view import View

Kind = Literal["band", "finding", "scorecard", "phase", "segment", "churn"]
_ORDER = {"red": 0, "yellow": 1, "green": 2}


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of the path, before it has a number."""

    kind: Kind
    subject: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A milestone's status passed. ``is_past``: it is told for the first time, and was settled long ago."""

    standing: Standing
    before: str
    is_past: bool


@dataclass(slots=True)
class Turn:
    """One decision on its way out: the view, why, what it is compared with, what passed and what is open.

    ``level`` is the rung of the ladder; ``rung`` and ``advice`` are put into words only when they are published, with
    the ``shadow``; ``drivers`` are worked out once per direction.
    """

    view: View
    point: DecisionPoint
    cause: Cause
    score_before: float | None
    compared: Comparison | None = None
    transitions: list[Transition] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    hold_ends_ms: int | None = None
    sentence: Sentence = field(default_factory=Sentence)
    level: Level | None = None
    rung: Rung | None = None
    shadow: Shadow | None = None
    advice: TierAdvice | None = None
    drivers: dict[bool, list[Driver]] = field(default_factory=dict)

    @property
    def was(self) -> Point | None:
        """The point of two weeks ago, where that is known."""
        return None if self.compared is None else self.compared.was

    @property
    def delta(self) -> float | None:
        """The score against two weeks ago."""
        return None if self.compared is None else self.compared.delta()


def publish(state: AccountState, decided: Decided, turn: Turn) -> None:
    """Number the transitions and add them to ``decided``."""
    path = state.read(Path)
    for one in turn.transitions:
        path.number += 1
        decided.changes.append(_changed(state, path, turn, one))
    for passed in turn.passed:
        path.number += 1
        decided.milestones.append(_milestone_changed(state, path, turn, passed))


def _drivers(state: AccountState, path: Path, turn: Turn, *, fell: bool) -> list[Driver]:
    found = turn.drivers.get(fell)
    if found is None:
        moved = moves(turn.view, points.comparison(state, path, turn.view, turn.was))
        decisive = exception(turn.view, turn.score_before) if fell == (turn.view.scored.moved < 0) else []
        found = turn.drivers[fell] = [*decisive, *ranked(moved, fell=fell)]
    return found


def _changed(state: AccountState, path: Path, turn: Turn, one: Transition) -> HealthChanged:
    view, facts = turn.view, turn.view.facts
    return HealthChanged(
        account=state.account,
        number=path.number,
        kind=one.kind,
        subject=one.subject,
        before=one.before,
        after=one.after,
        cause=turn.cause,
        decided_ms=turn.point.now_ms,
        point=turn.point,
        drivers=_drivers(state, path, turn, fell=_fell(turn, one)),
        sentence=turn.sentence,
        score_before=turn.score_before,
        score=view.score,
        band=band_of(path.band),
        name=facts.name,
        owner_id=facts.owner_id,
        segment=view.segment,
        phase=view.phase,
        arr=facts.arr,
        renews_on=facts.text("renews_on"),
        revision=path.revision,
    )


def _fell(turn: Turn, one: Transition) -> bool:
    """Tell which way things went: by the bands, for any other change by the score."""
    if one.kind == "band":
        return _ORDER.get(one.after, -1) < _ORDER.get(one.before, 3)
    if turn.view.score is None or turn.score_before is None:
        return True
    return turn.view.score <= turn.score_before


def _milestone_changed(state: AccountState, path: Path, turn: Turn, passed: Passed) -> MilestoneChanged:
    """Return the published form; what was settled long before it is first told counts as history."""
    view, facts = turn.view, turn.view.facts
    progress = passed.standing.progress
    return MilestoneChanged(
        account=state.account,
        number=path.number,
        milestone=progress,
        before=passed.before,
        after=progress.status,
        cause="backfill" if passed.is_past else turn.cause,
        decided_ms=turn.point.now_ms,
        point=turn.point,
        sentence=turn.sentence,
        name=facts.name,
        owner_id=facts.owner_id,
        segment=view.segment,
        phase=view.phase,
        arr=facts.arr,
        renews_on=facts.text("renews_on"),
        band=band_of(path.band),
        score=view.score,
        revision=path.revision,
        drivers=_drivers(state, path, turn, fell=progress.status != "reached"),
    )


def band_of(text: str) -> Band:
    """Return the path's text as a band; empty is unknown."""
    return "green" if text == "green" else "yellow" if text == "yellow" else "red" if text == "red" else "unknown"
