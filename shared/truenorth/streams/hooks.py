"""What the engine tells to whoever measures it."""

from typing import Protocol


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

    def flushed(self, accounts: int, events: int, outputs: int, seconds: float) -> None:
        """A flush was committed."""
        ...

    def restored(self, partition: int, records: int, seconds: float) -> None:
        """A partition was opened."""
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

    def flushed(self, accounts: int, events: int, outputs: int, seconds: float) -> None:
        """See `EngineHooks.flushed`."""

    def restored(self, partition: int, records: int, seconds: float) -> None:
        """See `EngineHooks.restored`."""

    def dropped(self, partition: int, reason: str) -> None:
        """See `EngineHooks.dropped`."""
