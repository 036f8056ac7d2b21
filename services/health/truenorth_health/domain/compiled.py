"""Definitions made ready for scoring, once per bundle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec
from truenorth import ids
from truenorth.clock import MILLIS_PER_DAY
from truenorth.definitions import model

from truenorth_health.domain.facts import Facts
from truenorth_health.domain.findings import FindingRules
from truenorth_health.domain.ladder import in_order
from truenorth_health.domain.moment import Entitled
from truenorth_health.domain.scoring_source import Runner, compile_scorecard
from truenorth_health.domain.scoring_weights import USAGE
from truenorth_health.domain.signals import INDEX, families_of

Holds = Callable[[Facts], bool]
Rule = tuple[str, tuple[Holds, ...]]
"""The id of a segment or a phase, and what has to hold."""

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
    segments: tuple[Rule, ...]
    phases: tuple[Rule, ...]
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
        tuple((one.id, _conditions(one.match)) for one in definitions.segments),
        tuple((one.id, _conditions(one.match)) for one in definitions.phases),
        tuple(CompiledMilestone(one, _version(one)) for one in definitions.milestones),
        {
            plan.id: Entitled(tuple(dict.fromkeys(plan.modules)), tuple(dict.fromkeys(plan.features)))
            for plan in definitions.plans
        },
        FindingRules(definitions.findings),
        tuple(card for card in cards if card.source.mode == "shadow"),
        in_order(definitions.ladder),
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


def _first(rules: Sequence[Rule], facts: Facts) -> str:
    for name, conditions in rules:
        for holds in conditions:
            if not holds(facts):
                break
        else:
            return name
    return ""


def _conditions(match: model.Match) -> tuple[Holds, ...]:
    """Return what has to hold for a match; a condition on a fact that is not known does not."""
    found = [
        _one_of(attrgetter(name), frozenset(wanted))
        for name in ("tier", "plan", "industry")
        if (wanted := getattr(match, name)) is not None
    ]
    if match.trial is not None:
        found.append(_flag(attrgetter("trial"), is_set=match.trial))
    if match.churned is not None:
        found.append(_flag(attrgetter("churned"), is_set=match.churned))
    for number, least, below in (
        (attrgetter("arr"), match.arr_from, match.arr_below),
        (attrgetter("seats"), match.seats_from, match.seats_below),
        (attrgetter("age_days"), match.age_days_from, match.age_days_below),
    ):
        if least is not None or below is not None:
            found.append(_between(number, least, below))
    if match.renewal_within_days is not None:
        found.append(_between(_renewal_days, 0, match.renewal_within_days + 1))
    return tuple(found)


def _one_of(fact: Callable[[Facts], Any], wanted: frozenset[str]) -> Holds:
    return lambda facts: fact(facts) in wanted


def _flag(fact: Callable[[Facts], Any], *, is_set: bool) -> Holds:
    return lambda facts: bool(fact(facts)) == is_set


def _between(number: Callable[[Facts], Any], least: int | None, below: int | None) -> Holds:
    def holds(facts: Facts) -> bool:
        value = number(facts)
        return value is not None and (least is None or value >= least) and (below is None or value < below)

    return holds


def _renewal_days(facts: Facts) -> int | None:
    return None if facts.renews_day is None else facts.renews_day - facts.day
