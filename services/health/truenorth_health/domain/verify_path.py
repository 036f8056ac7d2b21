"""What an account's transitions say about its path, and whether their sequence can be true."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from truenorth.events.health import HealthChanged, MilestoneChanged
from truenorth.ids import derived_id

from truenorth_health.domain.path import MilestoneMark
from truenorth_health.domain.verify import Difference


@dataclass(frozen=True, slots=True)
class Told:
    """One transition as it lies on its topic (short name)."""

    topic: str
    offset: int
    timestamp_ms: int
    id: str
    data: HealthChanged | MilestoneChanged

    @property
    def account(self) -> str:
        """The account it is about."""
        return self.data.account

    @property
    def name(self) -> str:
        """What it is in words: ``band``, ``finding watermelon``, ``milestone activation``."""
        if isinstance(self.data, MilestoneChanged):
            return f"milestone {self.data.milestone.id}"
        return self.data.kind if self.data.kind != "finding" else f"finding {self.data.subject}"


@dataclass(slots=True)
class Known:
    """The path of one account as its transitions tell it so far.

    None means that it is not derivable at this place: what an account that left does in silence, and what was told
    before retention began. ``causes`` are the bits folded since the last transition, ``band_causes`` since the last
    change of band; ``settled_ms`` is the latest moment at which the score was seen to ask for the band it is in.
    ``trusted`` counts the changes of findings that were taken at their word.
    """

    number: int = 0
    revision: int = 0
    now_ms: int = 0
    ordinal: int = 0
    definitions: str = ""
    timestamp_ms: int = 0
    offsets: dict[str, int] = field(default_factory=dict)
    erased_ms: int | None = None
    churned: bool | None = False
    band: str | None = ""
    segment: str | None = None
    phase: str | None = None
    scorecard: str | None = None
    findings: frozenset[str] | None = frozenset()
    marks: dict[str, MilestoneMark] | None = field(default_factory=dict)
    settled_ms: int | None = None
    causes: int = 0
    band_causes: int = 0
    trusted: int = 0

    def restart(self, erased_ms: int | None) -> None:
        """The account was erased: everything but the numbers begins anew."""
        self.erased_ms, self.churned, self.band, self.findings, self.marks = erased_ms, False, "", frozenset(), {}
        self.segment = self.phase = self.scorecard = self.settled_ms = None
        self.band_causes = 0

    def lose_track(self) -> None:
        """Transitions are missing here: nothing that they may have changed is known."""
        self.churned = self.band = self.segment = self.phase = self.scorecard = None
        self.findings = self.marks = self.settled_ms = None


def out_of_sequence(known: Known, told: Told) -> Iterator[Difference]:
    """Yield what cannot be true of this transition after those before it; its number's gap is the caller's to judge."""
    data, point = told.data, told.data.point
    rightful = derived_id("health", data.account, str(data.number))
    if told.id != rightful:
        yield Difference(f"{told.name}.id", told.id, rightful)
    if data.number <= known.number:
        yield Difference(f"{told.name}.number", data.number, f"{known.number + 1}: {data.number} was told before")
        return
    if data.decided_ms != point.now_ms:
        yield Difference(f"{told.name}.decided_ms", data.decided_ms, point.now_ms)
    for name, now, before in (
        ("point.now_ms", point.now_ms, known.now_ms),
        ("point.ordinal", point.ordinal, known.ordinal),
        ("revision", data.revision, known.revision),
    ):
        if now < before:
            yield Difference(f"{told.name}.{name}", now, f"{before} or later: it never runs backwards")
    for source, before in known.offsets.items():
        if point.offsets.get(source, -1) < before:
            yield Difference(f"{told.name}.point.offsets.{source}", point.offsets.get(source), f"{before} or later")


def note(known: Known, told: Told) -> None:
    """Remember the sequence numbers of a transition."""
    data = told.data
    known.number = max(known.number, data.number)
    known.timestamp_ms = max(known.timestamp_ms, told.timestamp_ms)
    if data.point.now_ms >= known.now_ms and data.revision >= known.revision:
        known.now_ms, known.revision = data.point.now_ms, data.revision
        known.ordinal = max(known.ordinal, data.point.ordinal)
        known.offsets = {**known.offsets, **data.point.offsets}
