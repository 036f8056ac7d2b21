"""What a decision hands out."""

from dataclasses import dataclass, field

from truenorth.events.health import ChildScored, HealthChanged, HealthDay, HealthUpdated, MilestoneChanged
from truenorth.events.people import ErasureAcknowledged


@dataclass(slots=True)
class Decided:
    """The outputs of one decision.

    ``snapshot`` is None when nothing material changed, or when the account was published within the last second;
    then, and whenever the account has something to wait for, ``next_due_ms`` says when to decide again (None: only
    after another event). ``tombstone`` asks for a real null on the snapshot's topic. ``acknowledged`` are ids and
    payloads of erasures that the very same flush carries out. ``to_parents`` tells parent accounts of this one.
    """

    changes: list[HealthChanged] = field(default_factory=list)
    milestones: list[MilestoneChanged] = field(default_factory=list)
    snapshot: HealthUpdated | None = None
    day: HealthDay | None = None
    tombstone: bool = False
    acknowledged: list[tuple[str, ErasureAcknowledged]] = field(default_factory=list)
    to_parents: list[tuple[str, ChildScored]] = field(default_factory=list)
    next_due_ms: int | None = None
