"""One view of what health says has changed, whichever topic it came on."""

from dataclasses import dataclass, field
from typing import Literal

from truenorth.events.health import Band, Cause, HealthChanged, MilestoneChanged, Sentence

Kind = Literal["band", "finding", "milestone", "churn", "other"]
Stream = Literal["changes", "milestones"]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A numbered transition of one account, with what tasks and alerts tell about it.

    ``number`` rises per account over both streams together; ``subject`` is the finding or milestone; ``name``
    is the account's. An empty ``before`` is a first value, not a crossing.
    """

    kind: Kind
    stream: Stream
    account: str
    number: int
    subject: str
    before: str
    after: str
    cause: Cause
    decided_ms: int
    name: str = ""
    owner_id: str = ""
    segment: str = ""
    phase: str = ""
    band: Band = "unknown"
    score: float | None = None
    sentence: Sentence = field(default_factory=Sentence)
    milestone_name: str = ""
    arr: int | None = None
    renews_on: str | None = None

    @property
    def dedupe(self) -> str:
        """What keeps runs of one playbook and account apart: the finding or the milestone; empty for bands."""
        return self.subject if self.kind in {"finding", "milestone"} else ""


def from_change(change: HealthChanged) -> Crossing:
    """Read a ``health.changed``."""
    return Crossing(
        kind=change.kind if change.kind in {"band", "finding", "churn"} else "other",
        stream="changes",
        account=change.account,
        number=change.number,
        subject=change.subject,
        before=change.before,
        after=change.after,
        cause=change.cause,
        decided_ms=change.decided_ms,
        name=change.name,
        owner_id=change.owner_id,
        segment=change.segment,
        phase=change.phase,
        band=change.band,
        score=change.score,
        sentence=change.sentence,
        arr=change.arr,
        renews_on=change.renews_on,
    )


def from_milestone(change: MilestoneChanged) -> Crossing:
    """Read a ``milestone.changed``."""
    return Crossing(
        kind="milestone",
        stream="milestones",
        account=change.account,
        number=change.number,
        subject=change.milestone.id,
        before=change.before,
        after=change.after,
        cause=change.cause,
        decided_ms=change.decided_ms,
        name=change.name,
        owner_id=change.owner_id,
        segment=change.segment,
        phase=change.phase,
        band=change.band,
        score=change.score,
        sentence=change.sentence,
        milestone_name=change.milestone.name,
        arr=change.arr,
        renews_on=change.renews_on,
    )
