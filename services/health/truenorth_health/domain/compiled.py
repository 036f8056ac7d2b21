"""Definitions made ready for scoring, once per bundle."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from truenorth import ids
from truenorth.clock import MILLIS_PER_DAY
from truenorth.definitions import model

from truenorth_health.domain.facts import Facts
from truenorth_health.domain.findings import FindingRules
from truenorth_health.domain.moment import Entitled
from truenorth_health.domain.scoring_source import Runner, compile_scorecard
from truenorth_health.domain.scoring_weights import USAGE
from truenorth_health.domain.signals import INDEX, families_of

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": MILLIS_PER_DAY, "bd": MILLIS_PER_DAY}


@dataclass(frozen=True, slots=True)
class CompiledMeasure:
    """A measure with its signal's position. ``share`` is its part of the dimension's configured weight.

    An account younger than ``from_days`` (-1: any) has no data here.
    """

    source: model.Measure
    signal: int
    share: float
    from_days: int


@dataclass(frozen=True, slots=True)
class CompiledDimension:
    """A dimension; ``share`` is its part of the scorecard's configured weight, ``is_usage`` scaled by usage fit."""

    source: model.Dimension
    share: float
    measures: tuple[CompiledMeasure, ...]
    is_usage: bool


@dataclass(frozen=True, slots=True)
class CompiledScorecard:
    """A scorecard; ``version`` is the hash (12 hex) of its content, ``run`` what `scoring.evaluate` calls."""

    source: model.Scorecard
    version: str
    dimensions: tuple[CompiledDimension, ...]
    measures: tuple[CompiledMeasure, ...]
    hold_ms: int
    families: int
    run: Runner = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CompiledMilestone:
    """A milestone and the hash (12 hex) of its content."""

    source: model.Milestone
    version: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """A bundle, ready. ``scoring`` is the hash of all that health looks at: another playbook leaves it alone.

    ``scorecards`` and ``shadows`` are in order, live ones and those without effects; ``rules`` are those of findings;
    ``ladder`` runs from the lowest rung, ``tiers`` from the highest.
    """

    hash: str
    ordinal: int
    scoring: str
    scorecards: tuple[CompiledScorecard, ...]
    segments: tuple[model.Segment, ...]
    phases: tuple[model.Phase, ...]
    milestones: tuple[CompiledMilestone, ...]
    plans: dict[str, Entitled]
    rules: FindingRules
    shadows: tuple[CompiledScorecard, ...]
    ladder: tuple[model.Rung, ...]
    tiers: tuple[model.Tier, ...]

    def segment_of(self, facts: Facts) -> str:
        """Return the first segment that matches, or an empty text."""
        return _first(self.segments, facts)

    def phase_of(self, facts: Facts) -> str:
        """Return the first phase that matches, or an empty text."""
        return _first(self.phases, facts)

    def scorecard_of(self, segment: str) -> CompiledScorecard | None:
        """Return the first live scorecard whose segment matches; None when there is none at all."""
        return _first_card(self.scorecards, segment)

    def shadow_of(self, segment: str) -> CompiledScorecard | None:
        """Return the first shadow scorecard whose segment matches; None when there is none."""
        return _first_card(self.shadows, segment)

    def entitled(self, facts: Facts) -> Entitled:
        """Return what was bought: by fact, else by plan."""
        planned = self.plans.get(facts.plan or "", Entitled())
        if facts.modules is None and facts.features is None:
            return planned
        return Entitled(
            planned.modules if facts.modules is None else tuple(dict.fromkeys(facts.modules)),
            planned.features if facts.features is None else tuple(dict.fromkeys(facts.features)),
        )


def compile_definitions(bundle: model.Bundle) -> Compiled:
    """Return the bundle made ready; what lint would refuse may raise `KeyError` or `ValueError`."""
    definitions = bundle.definitions
    looked_at: list[Any] = [
        definitions.scorecards,
        definitions.segments,
        definitions.phases,
        definitions.milestones,
        definitions.plans,
        definitions.findings,
        definitions.ladder,
        definitions.tiers,
    ]
    cards = [_scorecard(card) for card in definitions.scorecards]
    return Compiled(
        bundle.hash,
        bundle.ordinal,
        _version(looked_at),
        tuple(card for card in cards if card.source.mode == "live"),
        tuple(definitions.segments),
        tuple(definitions.phases),
        tuple(CompiledMilestone(one, _version(one)) for one in definitions.milestones),
        {
            plan.id: Entitled(tuple(dict.fromkeys(plan.modules)), tuple(dict.fromkeys(plan.features)))
            for plan in definitions.plans
        },
        FindingRules(definitions.findings),
        tuple(card for card in cards if card.source.mode == "shadow"),
        tuple(definitions.ladder),
        tuple(definitions.tiers),
    )


def duration_ms(text: str) -> int:
    """Return the milliseconds of ``30s``, ``15m``, ``6h``, ``14d``; a business day counts as a day here."""
    digits = text.rstrip("smhbd")
    return int(digits) * _UNITS_MS[text[len(digits) :]]


def _version(value: object) -> str:
    return f"{ids.short_hash(msgspec.json.encode(value, order='sorted').decode()):016x}"[:12]


def _scorecard(card: model.Scorecard) -> CompiledScorecard:
    total = sum(dimension.weight for dimension in card.dimensions)
    dimensions = tuple(
        CompiledDimension(one, one.weight / total, _measures(one.measures), one.id == USAGE) for one in card.dimensions
    )
    measures = tuple(measure for dimension in dimensions for measure in dimension.measures)
    families = families_of({one.source.signal for one in measures} | {one.when for one in card.exceptions})
    hold_ms = duration_ms(card.bands.hold_for)
    return CompiledScorecard(
        card, _version(card), dimensions, measures, hold_ms, families, compile_scorecard(card, INDEX)
    )


def _measures(measures: Sequence[model.Measure]) -> tuple[CompiledMeasure, ...]:
    total = sum(measure.weight for measure in measures)
    return tuple(_measure(measure, measure.weight / total) for measure in measures)


def _measure(measure: model.Measure, share: float) -> CompiledMeasure:
    from_days = measure.by_age[0].from_days if measure.by_age else -1
    return CompiledMeasure(measure, INDEX[measure.signal], share, from_days)


def _first_card(cards: Sequence[CompiledScorecard], segment: str) -> CompiledScorecard | None:
    for card in cards:
        if card.source.segment is None or card.source.segment == segment:
            return card
    return None


def _first(rules: Sequence[model.Segment | model.Phase], facts: Facts) -> str:
    for rule in rules:
        if matches(rule.match, facts):
            return rule.id
    return ""


def matches(match: model.Match, facts: Facts) -> bool:
    """Whether all conditions hold; a condition on a fact that is not known does not hold."""
    age = None if facts.signed_up_day is None else facts.day - facts.signed_up_day
    renewal = None if facts.renews_day is None else facts.renews_day - facts.day
    return (
        (match.tier is None or facts.tier in match.tier)
        and (match.plan is None or facts.plan in match.plan)
        and (match.industry is None or facts.industry in match.industry)
        and (match.trial is None or bool(facts.trial) == match.trial)
        and (match.churned is None or facts.churned == match.churned)
        and _from(match.arr_from, facts.arr)
        and _below(match.arr_below, facts.arr)
        and _from(match.seats_from, facts.seats)
        and _below(match.seats_below, facts.seats)
        and _from(match.age_days_from, age)
        and _below(match.age_days_below, age)
        and (match.renewal_within_days is None or (renewal is not None and 0 <= renewal <= match.renewal_within_days))
    )


def _from(limit: int | None, value: int | None) -> bool:
    return limit is None or (value is not None and value >= limit)


def _below(limit: int | None, value: int | None) -> bool:
    return limit is None or (value is not None and value < limit)
