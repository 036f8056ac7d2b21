"""What the engine tells to whoever measures it."""

from typing import Literal, NamedTuple, Protocol

Stage = Literal["poll", "decode", "fold", "decide", "encode", "commit", "idle"]
"""What the worker's time goes to. Poll, idle and commit are waits, during which other stages may run."""


class Flushed(NamedTuple):
    """One committed flush; ``records`` are those of the changelog."""

    accounts: int
    events: int
    duplicates: int
    outputs: int
    records: int
    seconds: float


class EngineFigures(NamedTuple):
    """What a worker holds. ``lag_s``: age of the moment up to which its whole share was read."""

    accounts: int
    state_bytes: int
    seen_bytes: int
    waiting_events: int
    dirty_accounts: int
    lag_s: float


class EngineHooks(Protocol):
    """Called synchronously at the moment it happens; must be quick and must not raise."""

    def polled(self, records: int) -> None:
        """Records were taken in."""
        ...

    def dead_letter(self, topic: str) -> None:
        """A record was parked."""
        ...

    def refolded(self, count: int) -> None:
        """Events were skipped that the state already held: this must stay at zero."""
        ...

    def flushed(self, flush: Flushed) -> None:
        """A flush was committed."""
        ...

    def left_early(self, count: int) -> None:
        """Ids were forgotten before their time because the memory for them was used up."""
        ...

    def spent(self, stage: Stage, seconds: float) -> None:
        """Time went to a stage of the work."""
        ...

    def restoring(self, records: int) -> None:
        """Records of the changelog were read while a partition is being opened."""
        ...

    def restored(self, partition: int, records: int, seconds: float) -> None:
        """A partition was opened; ``records`` of its changelog were read."""
        ...

    def dropped(self, partition: int, reason: str) -> None:
        """A partition was dropped after a failure and will be opened again."""
        ...


class NoHooks:
    """Tells nobody."""

    def polled(self, records: int) -> None:
        """See `EngineHooks.polled`."""

    def dead_letter(self, topic: str) -> None:
        """See `EngineHooks.dead_letter`."""

    def refolded(self, count: int) -> None:
        """See `EngineHooks.refolded`."""

    def flushed(self, flush: Flushed) -> None:
        """See `EngineHooks.flushed`."""

    def left_early(self, count: int) -> None:
        """See `EngineHooks.left_early`."""

    def spent(self, stage: Stage, seconds: float) -> None:
        """See `EngineHooks.spent`."""

    def restoring(self, records: int) -> None:
        """See `EngineHooks.restoring`."""

    def restored(self, partition: int, records: int, seconds: float) -> None:
        """See `EngineHooks.restored`."""

    def dropped(self, partition: int, reason: str) -> None:
        """See `EngineHooks.dropped`."""
