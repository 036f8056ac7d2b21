"""What health publishes: the snapshot, its changes, one point a day, and milestone progress.

Scores are exact floats 0..100 here; people see them rounded half-up once (`truenorth.words.shown`).
"""

from typing import Literal

from truenorth.events.payload import PayloadStruct

Band = Literal["green", "yellow", "red", "unknown"]
Cause = Literal["behaviour", "definition", "fact", "silence", "override", "backfill"]
MilestoneStatus = Literal["pending", "at_risk", "reached", "missed"]


class Fact(PayloadStruct, frozen=True, gc=False):
    """One account fact with the source it came from and its event time (epoch ms)."""

    value: str | int | bool | list[str] | dict[str, str] | None
    source: str
    time_ms: int


class MeasureResult(PayloadStruct, frozen=True, gc=False):
    """One measure: the signal's value, its 0..100 score, its share of the whole score.

    ``contribution`` are points of the overall score; all contributions add up to it (1e-9). ``of`` is the
    most it could give at its effective weight. ``display`` is the signal in words ("9 days", "−38 %").
    ``was`` is the contribution two weeks ago, when known. ``approximate``: the signal is estimated from a sample.
    ``fresh`` is false where its source is silent for everybody: the value is from before, and no coverage.
    """

    id: str
    name: str
    signal: str
    weight: float
    value: float | None = None
    display: str = ""
    score: float | None = None
    contribution: float = 0.0
    of: float = 0.0
    was: float | None = None
    approximate: bool = False
    fresh: bool = True


class DimensionResult(PayloadStruct, frozen=True, gc=False):
    """A weighted group of measures. ``weight`` as configured; ``score`` None when it has no data."""

    id: str
    name: str
    weight: float
    measures: list[MeasureResult]
    score: float | None = None
    contribution: float = 0.0
    of: float = 0.0
    was: float | None = None


class MilestoneProgress(PayloadStruct, frozen=True, gc=False):
    """Progress of one milestone: ``have`` of ``need`` (percent for shares) by ``deadline_on``.

    ``late``: reached, but after the deadline. ``took_days`` from the start to the day it was reached.
    """

    id: str
    name: str
    version: str
    status: MilestoneStatus
    have: int
    need: int
    start_on: str | None = None
    deadline_on: str | None = None
    reached_on: str | None = None
    days_left: int | None = None
    missing: list[str] = []
    late: bool = False
    took_days: int | None = None


class Finding(PayloadStruct, frozen=True, gc=False):
    """A named condition that is open now, with its evidence in words."""

    id: str
    name: str
    severity: Literal["red", "yellow", "green"]
    opened_ms: int
    evidence: str = ""


class Sentence(PayloadStruct, frozen=True, gc=False):
    """Why, in plain words: runs of text, the strongest marked; join all for plain text."""

    runs: list[tuple[str, bool]] = []


class DecisionPoint(PayloadStruct, frozen=True, gc=False):
    """What a decision was made from, so that it can be replayed exactly.

    ``offsets``: last offset folded per source topic. ``definitions``: bundle hash; ``ordinal``: its number,
    which never runs backwards for an account; ``now_ms``: the clock used; ``silent``: sources that were silent for
    everybody, and since when (epoch ms).
    """

    offsets: dict[str, int]
    definitions: str
    ordinal: int
    now_ms: int
    silent: dict[str, int] = {}


class Help(PayloadStruct, frozen=True, gc=False):
    """What could be won back: ``points`` of the overall score from one measure, and the ``band`` it would lead to."""

    measure: str
    points: float
    text: str = ""
    band: Band | None = None


class Shadow(PayloadStruct, frozen=True, gc=False):
    """What a shadow scorecard says: no effect but being seen."""

    scorecard: str
    version: str
    band: Band
    score: float | None = None
    coverage: float = 0.0


class Rung(PayloadStruct, frozen=True, gc=False):
    """Where on the ladder an account stands (``none`` below satisfaction), with the rules that gave it, in words.

    ``next`` says what the rung above still lacks.
    """

    level: Literal["none", "satisfaction", "loyalty", "advocacy"]
    reasons: list[str] = []
    next: list[str] = []


class TierAdvice(PayloadStruct, frozen=True, gc=False):
    """The service level an account should have, and why; its real one is among its facts."""

    tier: str
    reasons: list[str] = []


class Child(PayloadStruct, frozen=True, gc=False):
    """A child account's part in its parent's score: ``contribution`` in points of it."""

    account: str
    score: float | None
    band: Band
    contribution: float = 0.0


class RolledUp(PayloadStruct, frozen=True, gc=False):
    """How the children entered the score. ``own`` is what the account's own measures would give.

    The contributions of the children and of the account's own measures add up to the score.
    """

    how: Literal["own", "mean", "arr_weighted", "worst", "share_poor"]
    children: list[Child] = []
    own: float | None = None


class HealthUpdated(PayloadStruct, frozen=True, gc=False):
    """``health.updated``: the whole snapshot of one account; compacted, one per account.

    ``revision`` only rises; a reader drops a lower one. ``provisional`` accounts never appear here.
    ``transitions`` counts the changes published so far.
    """

    account: str
    revision: int
    band: Band
    facts: dict[str, Fact]
    segment: str
    phase: str
    scorecard: str
    scorecard_version: str
    coverage: float
    dimensions: list[DimensionResult]
    signals: dict[str, float | None]
    sentence: Sentence
    point: DecisionPoint
    computed_ms: int
    score: float | None = None
    computed_score: float | None = None
    override: str | None = None
    cut_yellow: float = 70.0
    cut_red: float = 40.0
    findings: list[Finding] = []
    milestones: list[MilestoneProgress] = []
    pulse: int | None = None
    attention: float = 0.0
    delta_14d: float | None = None
    help: str = ""
    last_event_ms: int = 0
    churned: bool = False
    transitions: int = 0
    helps: list[Help] = []
    shadow: Shadow | None = None
    ladder: Rung | None = None
    tier_advice: TierAdvice | None = None
    rolled_up: RolledUp | None = None
    approximate: list[str] = []
    silent: list[str] = []
    late_events: int = 0


class Driver(PayloadStruct, frozen=True, gc=False):
    """One measure's share in a change: points of the overall score moved, in words.

    ``measure`` is ``exception`` for the cap, floor or set that began to decide the score.
    """

    measure: str
    name: str
    points: float
    text: str = ""


class HealthChanged(PayloadStruct, frozen=True, gc=False):
    """``health.changed``: one numbered transition of one account, with all that a reader needs.

    ``number`` rises by one per account. ``kind``: ``band`` (before/after are bands), ``finding``
    (``subject`` names it; before/after ``open``/``clear``), ``scorecard``, ``phase``, ``segment``, ``churn``.
    ``decided_ms`` is the clock of the decision; a reader that notifies looks at its age when read, and at
    ``cause``. ``before`` is empty for the first band an account ever gets: that is no crossing.
    """

    account: str
    number: int
    kind: Literal["band", "finding", "scorecard", "phase", "segment", "churn"]
    subject: str
    before: str
    after: str
    cause: Cause
    decided_ms: int
    point: DecisionPoint
    drivers: list[Driver] = []
    sentence: Sentence = Sentence()
    score_before: float | None = None
    score: float | None = None
    band: Band = "unknown"
    name: str = ""
    owner_id: str = ""
    segment: str = ""
    phase: str = ""
    arr: int | None = None
    renews_on: str | None = None
    revision: int = 0


class HealthDay(PayloadStruct, frozen=True, gc=False):
    """``health.day``: the account's score on one day. Live wins over ``reconstructed`` for the same day."""

    account: str
    on: str
    band: Band
    score: float | None = None
    scorecard_version: str = ""
    contributions: dict[str, float] = {}
    reconstructed: bool = False


class MilestoneChanged(PayloadStruct, frozen=True, gc=False):
    """``milestone.changed``: a status passed, numbered in the account's own sequence like `HealthChanged`."""

    account: str
    number: int
    milestone: MilestoneProgress
    before: str
    after: MilestoneStatus
    cause: Cause
    decided_ms: int
    point: DecisionPoint
    sentence: Sentence = Sentence()
    name: str = ""
    owner_id: str = ""
    segment: str = ""
    phase: str = ""
    arr: int | None = None
    renews_on: str | None = None
    band: Band = "unknown"
    score: float | None = None
    revision: int = 0
    drivers: list[Driver] = []


class ChildScored(PayloadStruct, frozen=True, gc=False):
    """``child.scored``, on `roll-ups`: what a parent (the event's subject) needs to know of a child.

    ``revision`` is the child's, and only rises; ``gone``: no longer a child (moved, left, erased). ``depth`` counts
    the generations below the parent, this child included.
    """

    child: str
    revision: int
    band: Band = "unknown"
    score: float | None = None
    arr: int | None = None
    depth: int = 1
    gone: bool = False


class CohortUpdated(PayloadStruct, frozen=True, gc=False):
    """``cohort.updated``, on `cohorts`: how a segment's accounts do with one milestone, all partitions summed.

    ``accounts`` have a start: pending, at risk, ``reached`` in time, reached late and missed. ``settled`` are those
    whose deadline has passed or who reached it. ``share_reached`` is of the settled, 0..1, reached in time or late;
    ``median_days`` is the time it took those who reached it.
    """

    milestone: str
    version: str
    segment: str
    accounts: int
    pending: int
    at_risk: int
    reached: int
    reached_late: int
    missed: int
    settled: int
    computed_ms: int
    share_reached: float | None = None
    median_days: int | None = None
