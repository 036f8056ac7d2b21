"""One look at an account at one moment: everything that follows from state, definitions and time, before the path."""

from collections.abc import Mapping
from dataclasses import dataclass

from truenorth.events.health import Child, RolledUp

from truenorth_health.domain import bands, family
from truenorth_health.domain.compiled import Compiled, CompiledScorecard
from truenorth_health.domain.facts import Facts, merge
from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX
from truenorth_health.domain.move import Move
from truenorth_health.domain.parts import Actions, Said
from truenorth_health.domain.path import Point
from truenorth_health.domain.rolled_up import roll_up
from truenorth_health.domain.scoring import Scored, evaluate, fresh_coverage
from truenorth_health.domain.signals import Signals
from truenorth_health.domain.state import AccountState


@dataclass(slots=True)
class View:
    """``score`` is what counts (None: unknown): a person's override, else ``scored.score`` where coverage suffices.

    ``rolled`` says how children entered it; then ``scored`` is of the whole, with the own measures' part in it.
    """

    facts: Facts
    segment: str
    phase: str
    card: CompiledScorecard
    signals: Signals
    scored: Scored
    score: float | None
    override: Said | None
    usage_factor: float = 1.0
    losses: list[Move] | None = None
    rolled: RolledUp | None = None

    def number_of(self, name: str) -> float | None:
        """Return a signal by name, or the ``score``."""
        return self.score if name == "score" else self.signals.get(name)

    @property
    def dimension_scores(self) -> dict[str, float | None]:
        """Dimension id -> score."""
        return {d.source.id: score for d, score in zip(self.card.dimensions, self.scored.dimensions, strict=True)}


def look(state: AccountState, compiled: Compiled, at_ms: int, silent: Mapping[str, int] | None = None) -> View | None:
    """Return the view at ``at_ms``; None when no scorecard applies. ``silent``: sources silent for everybody, since."""
    facts = merge(state, at_ms)
    segment = compiled.segment_of(facts)
    card = compiled.scorecard_of(segment)
    if card is None:
        return None
    signals = Signals(state, facts, compiled.entitled(facts), silent)
    actions = state.read(Actions)
    factor = _usage_factor(actions, at_ms)
    scored = evaluate(card, signals.need(card.families), factor, facts.age_days)
    if signals.stale:
        scored.coverage = fresh_coverage(card, signals.values, facts.age_days, signals.is_fresh)
    rolled = _roll_up(state, card, facts, scored) if card.source.roll_up is not None else None
    override = in_force(actions.override, at_ms)
    score = override.value if override is not None else _score(card, scored)
    return View(facts, segment, compiled.phase_of(facts), card, signals, scored, score, override, factor, rolled=rolled)


def _roll_up(state: AccountState, card: CompiledScorecard, facts: Facts, scored: Scored) -> RolledUp | None:
    """Let the children into ``scored``, and return how they entered; None where none of them counts.

    What the own measures give is scaled to their part of the whole, so that all contributions add up to the score.
    Coverage is the members': a child that has a score covers its weight.
    """
    rule, children = card.source.roll_up, family.children_of(state)
    if rule is None or rule.how == "own" or not any(child.counts for child in children):
        return None
    own = _score(card, scored)
    is_red = own is not None and bands.asked(card.source.bands, "", own) == "red"
    rolled = roll_up(rule, own, facts.arr, children, own_is_red=is_red)
    scale = rolled.own_part / own if own else 0.0
    scored.score = rolled.score
    scored.parts = [part * scale for part in scored.parts]
    scored.of = [of * rolled.own_weight for of in scored.of]
    scored.coverage = 1.0 - rolled.own_weight * (1.0 - scored.coverage)
    told = [
        Child(child.account, child.score, child.band, part)
        for child, part in zip(children, rolled.parts, strict=True)
        if child.counts
    ]
    return RolledUp(rule.how, sorted(told, key=_worst_first), own)


def _worst_first(child: Child) -> tuple[float, str]:
    return (child.score or 0.0, child.account)


def look_back(state: AccountState, compiled: Compiled, card: CompiledScorecard, day: int) -> Point:
    """Return the point that this scorecard would have given ``day`` (its last moment), from what is still kept."""
    at_ms = (day + 1) * DAY_MS - 1
    facts = merge(state, at_ms)
    values = Signals(state, facts, compiled.entitled(facts)).need(card.families)
    scored = evaluate(card, values, _usage_factor(state.read(Actions), at_ms), facts.age_days)
    return Point(day, _score(card, scored), card.version, scored.parts)


def _score(card: CompiledScorecard, scored: Scored) -> float | None:
    return scored.score if scored.coverage >= card.source.coverage_floor else None


def _usage_factor(actions: Actions, at_ms: int) -> float:
    fit = in_force(actions.fit, at_ms)
    return 1.0 if fit is None or fit.value is None else fit.value


def in_force(said: Said | None, at_ms: int) -> Said | None:
    """Return what a person set, while it has a value and is not over; clocks may differ by minutes."""
    if said is None or said.value is None or said.at_ms > at_ms + FUTURE_MS_MAX:
        return None
    return None if said.expires_ms is not None and at_ms >= said.expires_ms else said
