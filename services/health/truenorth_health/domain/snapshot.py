"""The snapshot: a view and its path in the published form, and the print that says whether it is news."""

from hashlib import blake2b
from math import log10
from typing import Final

import msgspec
from truenorth import words
from truenorth.clock import date_of_day
from truenorth.definitions.signals import BY_NAME
from truenorth.events.health import (
    DimensionResult,
    HealthDay,
    HealthUpdated,
    MeasureResult,
)

from truenorth_health.domain import sentence as said
from truenorth_health.domain.display import display
from truenorth_health.domain.parts import Accounts, Actions, Billing, Said, Surveys, Tickets, Usage
from truenorth_health.domain.parts_engagements import Engagements
from truenorth_health.domain.path import Frozen, Path, Point
from truenorth_health.domain.signals import SIGNALS
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.transitions import Turn, band_of
from truenorth_health.domain.view import View

_STEPS: Final[dict[str, float]] = {"share": 100.0, "percent": 1.0, "days": 2.0, "hours": 60.0, "money": 0.001}
"""How finely a unit is said to people: a share in percent, days in days (and whether it began today), hours in
minutes; anything else with one decimal."""
_SCALES = tuple(_STEPS.get(BY_NAME[name].unit, 10.0) for name in SIGNALS)
_encode = msgspec.msgpack.Encoder().encode


def fingerprint(path: Path, turn: Turn) -> bytes:
    """Return 8 bytes that change when something changes that a person would see."""
    view, shadow = turn.view, turn.shadow
    measures = view.card.measures
    seen = (
        _rounded(view.score),
        _rounded(view.scored.score),
        _rounded(view.scored.coverage * 100),
        [_rounded(score) for score in view.scored.scores],
        [
            None if (value := view.signals.values[one.signal]) is None else int(value * _SCALES[one.signal])
            for one in measures
        ],
        (path.band, view.segment, view.phase, view.card.source.id, view.card.version),
        list(path.findings),
        [(one.compiled.source.id, one.mark.status, one.have, one.days_left) for one in turn.standings],
        [fact.value for fact in view.facts.kept.values()],
        None if view.override is None else (view.override.value, view.override.by, view.override.reason),
        view.signals.get("pulse"),
        None if shadow is None else (shadow.version, shadow.band, _rounded(shadow.score)),
        turn.level,
        list(turn.point.silent),
    )
    return blake2b(_encode(seen), digest_size=8).digest()


def churn_print(view: View, frozen: Frozen) -> bytes:
    """Return the print of an account that left: its frozen score and its facts."""
    seen = (
        "churned",
        (frozen.at_ms, frozen.score, frozen.band, frozen.version, view.segment, view.phase, view.facts.churn_reason),
        sorted((name, fact.value) for name, fact in view.facts.kept.items()),
    )
    return blake2b(_encode(seen), digest_size=8).digest()


def _rounded(value: float | None) -> int:
    return -1 if value is None else int(value + 0.5)


def _override_words(said: Said) -> str:
    return f"{words.shown(said.value or 0.0)} by {said.by}: {said.reason}"


def dimension_results(view: View, was: Point | None) -> list[DimensionResult]:
    """Return all dimensions and measures; ``was`` where the scorecard was the same two weeks ago."""
    before = was.contributions if was is not None and was.version == view.card.version else None
    results: list[DimensionResult] = []
    approximate = view.signals.approximate()
    index = 0
    for dimension, score in zip(view.card.dimensions, view.scored.dimensions, strict=True):
        end = index + len(dimension.measures)
        source = dimension.source
        results.append(
            DimensionResult(
                source.id,
                source.name,
                source.weight,
                [_measure(view, position, before, approximate) for position in range(index, end)],
                score,
                sum(view.scored.parts[index:end]),
                sum(view.scored.of[index:end]),
                None if before is None else sum(before[index:end]),
            )
        )
        index = end
    return results


def _measure(view: View, position: int, before: list[float] | None, approximate: list[str]) -> MeasureResult:
    source = view.card.measures[position].source
    value = view.signals.values[view.card.measures[position].signal]
    scored = view.scored
    return MeasureResult(  # by position: this runs for every measure of every snapshot
        source.id,
        source.name,
        source.signal,
        source.weight,
        value,
        display(source.signal, value),
        scored.scores[position],
        scored.parts[position],
        scored.of[position],
        None if before is None else before[position],
        source.signal in approximate,
        not view.signals.stale or view.signals.is_fresh(view.card.measures[position].signal),
    )


def attention(view: View, *, findings: int, at_risk: bool, churned: bool) -> float:
    """Return how much an account asks for attention: more is worse.

    Points lost (40 where nothing is known), 10 more per finding and 15 for a milestone at risk, times a factor of
    revenue (1 at nothing, 2.15 at $200k a year) and of renewal (1.5 on the day, 1 from 90 days on).
    """
    if churned:
        return 0.0
    lost = (40.0 if view.score is None else 100.0 - view.score) + 10.0 * findings + (15.0 if at_risk else 0.0)
    revenue = 1.0 + log10(1.0 + max(0, view.facts.arr or 0) / 100_000) / 2
    left = None if view.facts.renews_day is None else view.facts.renews_day - view.facts.day
    renewal = 1.0 if left is None or left > 90 else 1.5 - max(0, left) / 180
    return round(lost * revenue * renewal, 3)


def last_event_ms(state: AccountState) -> int:
    """Return the newest event time of all sources, in ms; 0 when there is none."""
    return max(
        state.read(Usage).last_ms,
        state.read(Tickets).newest_ms,
        state.read(Billing).newest_ms,
        state.read(Surveys).newest_ms,
        state.read(Accounts).newest_ms,
        state.read(Engagements).newest_ms,
        state.read(Actions).newest_ms,
    )


def health_day(view: View, account: str, band: str, *, reconstructed: bool = False) -> HealthDay:
    """Return the day's point."""
    parts = zip(view.card.measures, view.scored.parts, strict=True)
    return HealthDay(
        account=account,
        on=date_of_day(view.facts.day).isoformat(),
        band=band_of(band),
        score=view.score,
        scorecard_version=view.card.version,
        contributions={measure.source.id: part for measure, part in parts},
        reconstructed=reconstructed,
    )


def health_updated(
    state: AccountState,
    path: Path,
    turn: Turn,
) -> HealthUpdated:
    """Return the snapshot of a live account."""
    view, point = turn.view, turn.point
    override = view.override
    pulse = view.signals.get("pulse")
    bands = view.card.source.bands
    helps = said.helps(view, path.band)
    at_risk = any(one.mark.status == "at_risk" for one in turn.standings)
    return HealthUpdated(
        account=state.account,
        revision=path.revision,
        band=band_of(path.band),
        facts=view.facts.public(),
        segment=view.segment,
        phase=view.phase,
        scorecard=view.card.source.id,
        scorecard_version=view.card.version,
        coverage=view.scored.coverage,
        dimensions=dimension_results(view, turn.was),
        signals=view.signals.known(),
        sentence=turn.sentence,
        point=point,
        computed_ms=point.now_ms,
        score=view.score,
        computed_score=view.scored.score,
        override=None if override is None else _override_words(override),
        cut_yellow=bands.yellow.enter,
        cut_red=bands.red.enter,
        findings=turn.findings,
        milestones=[one.progress for one in turn.standings],
        pulse=None if pulse is None else int(pulse),
        attention=attention(view, findings=len(turn.findings), at_risk=at_risk, churned=False),
        delta_14d=turn.delta,
        help=helps[0].text if helps else "",
        last_event_ms=last_event_ms(state),
        transitions=path.number,
        helps=helps,
        shadow=turn.shadow,
        ladder=turn.rung,
        tier_advice=turn.advice,
        rolled_up=view.rolled,
        approximate=view.signals.approximate(),
        silent=sorted(point.silent),
        late_events=state.read(Usage).late,
    )
