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
    ``was`` is the contribution two weeks ago, when known.
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
    """Progress of one milestone: ``have`` of ``need`` by ``deadline_on``; ``missing_days`` until then."""

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
    which never runs backwards for an account; ``now_ms``: the clock used.
    """

    offsets: dict[str, int]
    definitions: str
    ordinal: int
    now_ms: int


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


class Driver(PayloadStruct, frozen=True, gc=False):
    """One measure's share in a change: points of the overall score moved, in words."""

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
