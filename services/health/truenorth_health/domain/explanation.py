"""One account at one moment, explained: what makes the score, the events behind it, and what changed since."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from truenorth import words
from truenorth.events import Event
from truenorth.events.health import (
    Band,
    DimensionResult,
    Finding,
    HealthUpdated,
    Help,
    MeasureResult,
    MilestoneProgress,
    RolledUp,
    Rung,
    Shadow,
    TierAdvice,
)

from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.decide import decide
from truenorth_health.domain.explained import Behind, Past
from truenorth_health.domain.gone import is_erased
from truenorth_health.domain.parts import Accounts
from truenorth_health.domain.path import Path
from truenorth_health.domain.state import AccountState, dump, load
from truenorth_health.domain.view import look
from truenorth_health.domain.way import Way

Status = Literal["scored", "churned", "provisional", "erased", "nothing", "no_scorecard"]


class MeasureTold(msgspec.Struct, frozen=True):
    """A measure with the events behind it; ``change`` is the contribution against ``was``, two weeks before."""

    id: str
    name: str
    signal: str
    value: float | None
    display: str
    score: float | None
    contribution: float
    of: float
    was: float | None
    change: float | None
    approximate: bool
    fresh: bool
    events: Behind


class DimensionTold(msgspec.Struct, frozen=True):
    """A dimension with its measures; contributions are points of the overall score."""

    id: str
    name: str
    weight: float
    score: float | None
    contribution: float
    of: float
    was: float | None
    change: float | None
    measures: list[MeasureTold]


class Moved(msgspec.Struct, frozen=True):
    """How many points a measure moved the score by between two moments, and its signal in words at both."""

    measure: str
    name: str
    points: float
    before: str
    after: str


class Changed(msgspec.Struct, frozen=True):
    """What became of the account since: ``drivers`` add up to the change of the computed score, largest first."""

    until_ms: int
    status: Status
    score: float | None
    computed: float | None
    band: Band
    change: float | None
    drivers: list[Moved]


class Published(msgspec.Struct, frozen=True):
    """What stands on the snapshot topic, and in which words it differs from what was worked out here."""

    score: float | None
    band: Band
    revision: int
    computed_ms: int
    scorecard_version: str
    differs: list[str]


class Explanation(msgspec.Struct):
    """Everything that `truenorth explain` says; times are epoch ms.

    ``computed`` is what the contributions (and the children's, where rolled up) add up to; ``score`` is what counts: a
    person's override, or none where coverage is below the floor.
    """

    account: str
    at_ms: int
    status: Status
    definitions: str
    ordinal: int
    events: int
    name: str = ""
    score: float | None = None
    computed: float | None = None
    band: Band = "unknown"
    override: str | None = None
    coverage: float = 0.0
    scorecard: str = ""
    scorecard_version: str = ""
    segment: str = ""
    phase: str = ""
    sentence: str = ""
    dimensions: list[DimensionTold] = []
    rolled_up: RolledUp | None = None
    exceptions: list[str] = []
    findings: list[Finding] = []
    milestones: list[MilestoneProgress] = []
    ladder: Rung | None = None
    tier_advice: TierAdvice | None = None
    shadow: Shadow | None = None
    helps: list[Help] = []
    help: str = ""
    published: Published | None = None
    since: Changed | None = None
    notes: list[str] = []

    @property
    def measures(self) -> list[MeasureTold]:
        """All measures, in the order of the scorecard."""
        return [measure for dimension in self.dimensions for measure in dimension.measures]


def explain(state: AccountState, events: Sequence[Event], compiled: Compiled, at_ms: int, way: Way) -> Explanation:
    """Return the explanation of an account whose ``events`` are folded in ``state``, which is left as it is."""
    said = Explanation(state.account, at_ms, _status(state, events), compiled.hash, compiled.ordinal, len(events))
    if said.status not in {"scored", "churned"}:
        return said
    snapshot = _decided(state, compiled, at_ms, way)
    if snapshot is None:
        said.status = "no_scorecard"
        return said
    _fill(said, snapshot, Past(events, snapshot.computed_ms if snapshot.churned else at_ms))
    view = look(copied(state), compiled, said.at_ms, way.silent)
    if view is not None and not snapshot.churned:
        said.exceptions = list(view.scored.fired)
    return said


def _status(state: AccountState, events: Sequence[Event]) -> Status:
    if is_erased(state):
        return "erased"
    accounts = state.read(Accounts)
    if not accounts.known:
        return "provisional" if events else "nothing"
    return "churned" if accounts.churned else "scored"


def _decided(state: AccountState, compiled: Compiled, at_ms: int, way: Way) -> HealthUpdated | None:
    """Decide on a copy that came this way: the same code that scores live says all there is to say."""
    copy = copied(state)
    path = copy.write(Path)
    path.band, path.findings, path.milestones = way.band, dict(way.findings), dict(way.milestones)
    return decide(copy, compiled, offsets={}, now_ms=at_ms, silent=way.silent).snapshot


def copied(state: AccountState) -> AccountState:
    """Return another state with the same parts: looking at one may write down what it worked out."""
    return load(state.account, dict(dump(state)))


def _fill(said: Explanation, snapshot: HealthUpdated, past: Past) -> None:
    name = snapshot.facts.get("name")
    said.name = str(name.value) if name is not None and name.value else ""
    said.score, said.computed, said.band = snapshot.score, snapshot.computed_score, snapshot.band
    said.override, said.coverage = snapshot.override, snapshot.coverage
    said.scorecard, said.scorecard_version = snapshot.scorecard, snapshot.scorecard_version
    said.segment, said.phase, said.sentence = snapshot.segment, snapshot.phase, words.plain(snapshot.sentence)
    said.dimensions = [_dimension(one, past) for one in snapshot.dimensions]
    said.rolled_up, said.findings, said.milestones = snapshot.rolled_up, snapshot.findings, snapshot.milestones
    said.ladder, said.tier_advice, said.shadow = snapshot.ladder, snapshot.tier_advice, snapshot.shadow
    said.helps, said.help = snapshot.helps, snapshot.help


def _dimension(one: DimensionResult, past: Past) -> DimensionTold:
    return DimensionTold(
        one.id,
        one.name,
        one.weight,
        one.score,
        one.contribution,
        one.of,
        one.was,
        None if one.was is None else one.contribution - one.was,
        [_measure(measure, past) for measure in one.measures],
    )


def _measure(one: MeasureResult, past: Past) -> MeasureTold:
    return MeasureTold(
        one.id,
        one.name,
        one.signal,
        one.value,
        one.display,
        one.score,
        one.contribution,
        one.of,
        one.was,
        None if one.was is None else one.contribution - one.was,
        one.approximate,
        one.fresh,
        past.behind(one.signal),
    )


def changed(then: Explanation, now: Explanation) -> Changed:
    """Return what became of the account from ``then`` to ``now``."""
    before = {measure.id: measure for measure in then.measures}
    after = {measure.id: measure for measure in now.measures}
    drivers = []
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        points = (new.contribution if new else 0.0) - (old.contribution if old else 0.0)
        known = new or old
        if known is not None and points:
            shown = (old.display if old else "not measured", new.display if new else "not measured")
            drivers.append(Moved(name, known.name, points, *shown))
    drivers += _children(then.rolled_up, now.rolled_up)
    drivers.sort(key=lambda moved: -abs(moved.points))
    change = None if now.computed is None or then.computed is None else now.computed - then.computed
    return Changed(now.at_ms, now.status, now.score, now.computed, now.band, change, drivers)


def _children(then: RolledUp | None, now: RolledUp | None) -> list[Moved]:
    before = {} if then is None else {child.account: child for child in then.children}
    after = {} if now is None else {child.account: child for child in now.children}
    moved = []
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        points = (new.contribution if new else 0.0) - (old.contribution if old else 0.0)
        if points:
            shown = (words.shown_or_dash(old.score if old else None), words.shown_or_dash(new.score if new else None))
            moved.append(Moved(name, f"account {name}", points, *shown))
    return moved


def published(said: Explanation, snapshot: HealthUpdated) -> Published:
    """Return what is published, with what differs from ``said`` in words."""
    differs = []
    mine, theirs = words.shown_or_dash(said.score), words.shown_or_dash(snapshot.score)
    if mine != theirs:
        differs.append(f"score {theirs} is published, {mine} follows from the events now")
    if said.band != snapshot.band:
        differs.append(f"band {snapshot.band} is published, {said.band} follows from the events now")
    if said.scorecard_version != snapshot.scorecard_version:
        differs.append(f"published with scorecard {snapshot.scorecard} {snapshot.scorecard_version}")
    return Published(
        snapshot.score,
        snapshot.band,
        snapshot.revision,
        snapshot.computed_ms,
        snapshot.scorecard_version,
        differs,
    )
