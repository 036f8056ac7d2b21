"""Numbered transitions: what passed, with all that a reader needs beside it."""

from dataclasses import dataclass
from typing import Literal

from truenorth.events.health import (
    Band,
    Cause,
    DecisionPoint,
    Driver,
    HealthChanged,
    MilestoneChanged,
    Sentence,
)

from truenorth_health.domain import points
from truenorth_health.domain import sentence as said
from truenorth_health.domain.decided import Decided
from truenorth_health.domain.milestones import Standing
from truenorth_health.domain.path import Path
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


def publish(
    state: AccountState,
    decided: Decided,
    view: View,
    *,
    point: DecisionPoint,
    cause: Cause,
    before_score: float | None,
    moved: tuple[list[Transition], list[tuple[Standing, str]]],
    sentence: Sentence,
) -> None:
    """Number the transitions and add them to ``decided``."""
    path = state.read(Path)
    transitions, passed = moved
    for one in transitions:
        path.number += 1
        decided.changes.append(
            _changed(state, view, one, point=point, cause=cause, before_score=before_score, sentence=sentence)
        )
    facts = view.facts
    for standing, before in passed:
        path.number += 1
        decided.milestones.append(
            MilestoneChanged(
                account=state.account,
                number=path.number,
                milestone=standing.progress,
                before=before,
                after=standing.progress.status,
                cause=cause,
                decided_ms=point.now_ms,
                point=point,
                sentence=sentence,
                name=facts.name,
                owner_id=facts.owner_id,
                segment=view.segment,
                phase=view.phase,
                arr=facts.arr,
                renews_on=facts.text("renews_on"),
                band=band_of(path.band),
                score=view.score,
                revision=path.revision,
            )
        )


def _changed(
    state: AccountState,
    view: View,
    one: Transition,
    *,
    point: DecisionPoint,
    cause: Cause,
    before_score: float | None,
    sentence: Sentence,
) -> HealthChanged:
    path, facts = state.read(Path), view.facts
    drivers: list[Driver] = []
    if one.kind == "band":
        fell = _ORDER.get(one.after, -1) < _ORDER.get(one.before, 3)
        drivers = said.drivers(said.moves(view, points.comparison(state, path, view)), fell=fell)
    return HealthChanged(
        account=state.account,
        number=path.number,
        kind=one.kind,
        subject=one.subject,
        before=one.before,
        after=one.after,
        cause=cause,
        decided_ms=point.now_ms,
        point=point,
        drivers=drivers,
        sentence=sentence,
        score_before=before_score,
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


def band_of(text: str) -> Band:
    """Return the path's text as a band; empty is unknown."""
    return "green" if text == "green" else "yellow" if text == "yellow" else "red" if text == "red" else "unknown"
