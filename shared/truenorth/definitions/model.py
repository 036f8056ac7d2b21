"""The typed definitions. Field names are the YAML's field names; unknown fields are refused."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from truenorth.definitions.base import Days, DefinitionStruct, Duration, Ident, Score, Weight
from truenorth.definitions.intake import Connector, TrackRule, Trait


class Linear(DefinitionStruct, frozen=True):
    """Linear between ``worst`` (0) and ``best`` (100), clamped, in either direction."""

    worst: float
    best: float


class Banded(DefinitionStruct, frozen=True):
    """Half-open bands by cut points: ``scores[i]`` below ``cuts[i]``, the last score from the last cut on."""

    cuts: Annotated[list[float], Meta(min_length=1, max_length=50)]
    scores: Annotated[list[Score], Meta(min_length=2, max_length=51)]


class AgeBand(DefinitionStruct, frozen=True):
    """How a measure maps its signal for accounts of ``from_days`` days and more since they signed up."""

    from_days: Annotated[int, Meta(ge=0)]
    linear: Linear | None = None
    banded: Banded | None = None


class Measure(DefinitionStruct, frozen=True):
    """A signal mapped to 0..100, by exactly one of ``linear``, ``banded`` and ``by_age``.

    ``by_age`` rises by ``from_days``; the last one reached counts, and a younger account (or one that nobody said the
    age of) has no data here. ``when_missing``: ``ignore``, or the score to take. ``why`` are the words for a driver,
    with ``{value}`` (the signal in its unit); ``fix`` what would help ("closing the P1").
    """

    id: Ident
    name: str
    signal: str
    weight: Weight
    linear: Linear | None = None
    banded: Banded | None = None
    by_age: Annotated[list[AgeBand], Meta(max_length=24)] = []
    when_missing: Literal["ignore"] | Score = "ignore"
    why: str = ""
    fix: str = ""


class Dimension(DefinitionStruct, frozen=True):
    """A group of measures: their weighted ``mean``, or the ``worst`` of those that have data."""

    id: Literal["usage", "value", "support", "billing", "sentiment", "relationship"]
    name: str
    weight: Weight
    measures: Annotated[list[Measure], Meta(min_length=1, max_length=100)]
    combine: Literal["mean", "worst"] = "mean"


class BandCut(DefinitionStruct, frozen=True):
    """Where a band ends: ``enter`` going down, ``leave`` going up (hysteresis: leave >= enter)."""

    enter: Score
    leave: Score


class Bands(DefinitionStruct, frozen=True):
    """Red is entered below ``red.enter`` and left at ``red.leave``; yellow likewise; the rest is green."""

    red: BandCut
    yellow: BandCut
    hold_for: Duration = "0s"


class ScoreException(DefinitionStruct, frozen=True):
    """Ordered exceptions: when the condition on one signal holds, cap (default), floor or set the score."""

    when: str
    above: float | None = None
    below: float | None = None
    cap: Score | None = None
    floor: Score | None = None
    set: Score | None = None
    why: str = ""


class RollUp(DefinitionStruct, frozen=True):
    """How the scores of an account's children enter its own.

    ``own`` leaves them out. ``mean``, ``arr_weighted`` and ``worst`` are over the children that have a score (and the
    account itself with ``include_parent``); ``share_poor`` is 100 less the percentage of them that are red. Without
    such children the account's own score counts.
    """

    how: Literal["own", "mean", "arr_weighted", "worst", "share_poor"]
    include_parent: bool = True


class Scorecard(DefinitionStruct, frozen=True):
    """The versioned definition of a score, for a segment (None: the mandatory default, last in order).

    A ``shadow`` scores beside the live one, is published with it, and has no effect; the first shadow whose segment
    matches (None: every account) applies.
    """

    id: Ident
    dimensions: Annotated[list[Dimension], Meta(min_length=1)]
    bands: Bands
    segment: str | None = None
    coverage_floor: Annotated[float, Meta(ge=0, le=1)] = 0.5
    exceptions: list[ScoreException] = []
    roll_up: RollUp | None = None
    mode: Literal["live", "shadow"] = "live"


class Match(DefinitionStruct, frozen=True):
    """Conditions on facts, all of which must hold; an empty match holds always."""

    tier: list[str] | None = None
    plan: list[str] | None = None
    industry: list[str] | None = None
    arr_from: int | None = None
    arr_below: int | None = None
    seats_from: int | None = None
    seats_below: int | None = None
    trial: bool | None = None
    age_days_below: int | None = None
    age_days_from: int | None = None
    renewal_within_days: int | None = None
    churned: bool | None = None


class Segment(DefinitionStruct, frozen=True):
    """Ordered; the first whose match holds is the account's."""

    id: Ident
    name: str
    match: Match = Match()


class Phase(DefinitionStruct, frozen=True):
    """Ordered; the first whose match holds is the account's lifecycle position."""

    id: Literal["onboarding", "adoption", "growth", "renewal", "churned"]
    name: str
    match: Match = Match()


class Milestone(DefinitionStruct, frozen=True):
    """A True North: ``need`` of ``count`` within ``within_days`` of ``start``; at risk ``at_risk_days`` before.

    For the shares ``need`` is percent: of the seats (distinct actors), the entitled modules, the entitled features.
    ``features`` narrows what counts, of events and distinct features.
    """

    id: Ident
    name: str
    count: Literal[
        "events",
        "distinct_actors",
        "distinct_features",
        "distinct_modules",
        "share_of_seats",
        "share_of_modules",
        "share_of_features",
    ]
    need: Annotated[int, Meta(ge=1)]
    within_days: Days
    start: Literal["signed_up_on", "live_on", "contract_starts_on"] = "signed_up_on"
    at_risk_days: Annotated[int, Meta(ge=1, le=89)] = 3
    segments: list[str] = []
    features: list[str] = []


class Trigger(DefinitionStruct, frozen=True):
    """What opens a run: a band entered, a finding opened, or a milestone status reached."""

    band: Literal["red", "yellow", "green"] | None = None
    from_bands: list[Literal["red", "yellow", "green", "unknown"]] = []
    finding: str | None = None
    milestone: Literal["at_risk", "missed", "reached"] | None = None


class TaskStep(DefinitionStruct, frozen=True):
    """A to-do for a person. ``title`` may use ``{account}``, ``{score}``, ``{why}``, ``{milestone}``."""

    title: str
    to: Literal["owner", "manager"] = "owner"
    due: Duration = "2bd"


class AlertStep(DefinitionStruct, frozen=True):
    """Something they should know now. ``title`` as in `TaskStep`."""

    title: str
    severity: Literal["low", "normal", "high"] = "normal"


class Step(DefinitionStruct, frozen=True):
    """One step: a task, an alert, or both (then the alert links the task)."""

    id: Ident
    task: TaskStep | None = None
    alert: AlertStep | None = None


class Playbook(DefinitionStruct, frozen=True):
    """Trigger and ordered steps. ``until`` resolves the run; cooldown counts from the trigger."""

    id: Ident
    name: str
    when: Trigger
    steps: Annotated[list[Step], Meta(min_length=1, max_length=50)]
    until: Trigger | None = None
    mode: Literal["off", "shadow", "live"] = "live"
    cooldown: Duration = "7d"
    segments: list[str] = []


class Route(DefinitionStruct, frozen=True):
    """Who gets alerts of these severities and playbooks, on which channels. First match wins."""

    id: Ident
    channels: Annotated[list[Literal["inapp", "email", "webhook"]], Meta(min_length=1)]
    severities: list[Literal["low", "normal", "high"]] = []
    playbooks: list[str] = []
    webhook: str | None = None


class Webhook(DefinitionStruct, frozen=True):
    """An endpoint that takes signed webhooks. The secret is a setting named by ``secret_setting``."""

    id: Ident
    url: str
    secret_setting: str = "TRUENORTH_WEBHOOK_SECRET"  # noqa: S105 - the name of a setting


class Person(DefinitionStruct, frozen=True):
    """A CSM or manager. ``zone`` is an IANA name; ``hours`` are local, for due dates and quiet times."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    name: str
    email: str
    zone: str = "UTC"
    hours: str = "09:00-17:00"
    manager: str | None = None
    role: Literal["csm", "manager", "operations"] = "csm"


class Plan(DefinitionStruct, frozen=True):
    """A plan and what it entitles to."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    modules: list[str] = []
    features: list[str] = []


class Condition(DefinitionStruct, frozen=True):
    """A bound on one number: a signal by name, or ``score`` (the account's). Unknown numbers do not meet it.

    ``at_least`` is inclusive, ``below`` is not. ``why`` says it in words, with ``{value}``.
    """

    of: str
    at_least: float | None = None
    below: float | None = None
    why: str = ""


class Rung(DefinitionStruct, frozen=True):
    """A rung of the ladder: reached when all conditions hold, and all rungs below it are reached."""

    level: Literal["satisfaction", "loyalty", "advocacy"]
    conditions: Annotated[list[Condition], Meta(min_length=1)]


class FindingRule(DefinitionStruct, frozen=True):
    """What opens a finding: its own ``limit`` (a share for the consumption gap, days for a buyer unseen).

    It clears once the number is ``clear`` on the other side; ``off`` never opens it; ``segments`` empty: all.
    """

    id: str
    limit: float | None = None
    clear: float | None = None
    off: bool = False
    segments: list[str] = []


class Tier(DefinitionStruct, frozen=True):
    """A commercial service level, highest first: recommended for the first reason that holds, else the last tier.

    ``promised``: accounts that were promised this tier by name. ``advocates``: accounts on the rung of advocacy.
    """

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    name: str
    arr_from: int | None = None
    potential_arr_from: int | None = None
    promised: bool = True
    advocates: bool = False


class Source(DefinitionStruct, frozen=True):
    """After how long without a single event, from any account, a source counts as silent for everybody."""

    id: Literal["usage", "tickets", "billing", "surveys", "engagements"]
    silent_after: Duration


class Definitions(DefinitionStruct, frozen=True):
    """Everything that `config/*.yaml` holds, merged."""

    scorecards: list[Scorecard] = []
    segments: list[Segment] = []
    phases: list[Phase] = []
    milestones: list[Milestone] = []
    playbooks: list[Playbook] = []
    routes: list[Route] = []
    webhooks: list[Webhook] = []
    people: list[Person] = []
    plans: list[Plan] = []
    findings: list[FindingRule] = []
    ladder: list[Rung] = []
    tiers: list[Tier] = []
    sources: list[Source] = []
    connectors: list[Connector] = []
    tracking: list[TrackRule] = []
    traits: list[Trait] = []


class Bundle(msgspec.Struct, frozen=True):
    """A set of definitions under its content hash (12 hex). ``ordinal`` counts applies; it only rises."""

    hash: str
    ordinal: int
    applied_ms: int
    definitions: Definitions
