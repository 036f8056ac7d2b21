"""What the handlers need from outside, as protocols; adapters and tests implement them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from truenorth_ingest.domain.keys import StoredKey


class OutgoingRecord(Protocol):
    """A record to append: full topic name, key, value."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102


class EventLog(Protocol):
    """Where records are appended."""

    async def append(self, records: Sequence[OutgoingRecord]) -> None:
        """Return once every record is acknowledged.

        Raises:
            TransientError: some may not be written, now or ever; nothing may be claimed.
        """
        ...


class Accounts(Protocol):
    """Whose account an actor, or another system's id, is."""

    async def find(self, lookups: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the accounts of these lookups, in any order; those that nothing is known of are left out.

        Raises:
            TransientError: something has to be asked that cannot be asked now.
        """
        ...

    def is_news(self, lookup: str, account: str) -> bool:
        """Tell whether it was not known here that this lookup belongs to this account."""
        ...

    def note(self, lookup: str, account: str) -> None:
        """Remember that this lookup belongs to this account, once that is on the log."""
        ...


class AccountMap(Protocol):
    """Where it is kept whose account a lookup belongs to."""

    async def accounts_of(self, lookups: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Return the accounts of these lookups; those that nothing is known of are left out.

        Raises:
            TransientError: when it cannot be asked now.
        """
        ...


class KeyTable(Protocol):
    """Where keys are kept."""

    async def used(self, key_id: str, *, now_ms: int) -> StoredKey | None:
        """Return the key of this id and note that it was used; None when there is none.

        Raises:
            TransientError: when the table cannot be asked now.
        """
        ...


class Meter(Protocol):
    """Where the edge counts."""

    def accepted(self, count: int) -> None:
        """Count events that the broker acknowledged."""
        ...

    def refused(self, code: str) -> None:
        """Count one refused event."""
        ...

    def repaired(self) -> None:
        """Count a body that was JSON only by leniency."""
        ...

    def unresolved(self, reason: str) -> None:
        """Count an accepted event that waits for its account: unknown, ambiguous or unavailable."""
        ...

    def quarantine_failed(self, count: int) -> None:
        """Count refused events whose quarantine record could not be written."""
        ...

    def answered(self, code: str, seconds: float) -> None:
        """Count an answered request: ``code`` is ``ok`` or a problem's code."""
        ...

    def waiting(self, body_bytes: int) -> None:
        """Tell how many bytes of bodies are being handled."""
        ...
