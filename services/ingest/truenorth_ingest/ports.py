"""What the handlers need from outside, as protocols; adapters and tests implement them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from truenorth_ingest.domain.graves import Graves
from truenorth_ingest.domain.holding import Kept, Said, Waiting
from truenorth_ingest.domain.keys import StoredKey
from truenorth_ingest.domain.standing import Standing
from truenorth_ingest.domain.webhooks.silence import Heard, Window


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

    async def find(self, lookups: Collection[str]) -> Mapping[str, Sequence[str] | None]:
        """Return the accounts of these lookups, in any order; those that nothing is known of are left out.

        None stands for those that would have to be asked for and cannot be now.
        """
        ...

    def is_news(self, lookup: str, account: str) -> bool:
        """Tell whether it was not known here that this lookup belongs to this account."""
        ...

    def note(self, lookup: str, account: str) -> None:
        """Remember that this lookup belongs to this account, once that is on the log."""
        ...

    def forget(self, lookup: str, account: str) -> None:
        """Remember that this lookup does not belong to this account any more, once that is on the log."""
        ...


class IdentityTable(Protocol):
    """All that is kept of whose one lookup is."""

    async def all_accounts_of(self, lookup: str, *, limit: int) -> Sequence[str]:
        """Return the accounts of a lookup.

        Raises:
            TransientError: when it cannot be asked now.
        """
        ...


class ErasureTable(Protocol):
    """Where it is kept what was asked to be forgotten, and who has."""

    async def asked(self, request_ids: Sequence[str], *, kind: str, now_ms: int) -> None:
        """Note that these requests are about to be made.

        Raises:
            TransientError: when that cannot be noted now.
        """
        ...

    async def standing(self, request_id: str) -> Standing | None:
        """Return how a request stands, None when nobody made it; raises as `asked`."""
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


class DeliveryTable(Protocol):
    """Where it is kept which webhooks were taken. Each method raises `TransientError` when it cannot be asked now."""

    async def taken_since(self, connector: str, delivery: str, *, since_ms: int) -> bool:
        """Tell whether a delivery was taken at or after a time."""
        ...

    async def note_taken(self, connector: str, delivery: str, *, now_ms: int) -> None:
        """Remember a delivery as taken now."""
        ...

    async def forget_before(self, before_ms: int) -> None:
        """Forget what was taken before a time."""
        ...


class HeardTable(Protocol):
    """Where all replicas share when connectors were heard."""

    async def share(self, windows: Mapping[str, Window]) -> Mapping[str, Heard]:
        """Add what was heard here, by connector, and return what is known of all.

        Raises:
            TransientError: when it cannot be asked now; nothing was added.
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

    def webhook(self, connector: str, outcome: str) -> None:
        """Count a webhook: ``taken``, ``repeated`` (a delivery taken before) or ``refused`` (wrongly signed)."""
        ...

    def connector_silent(self, connector: str, seconds: float) -> None:
        """Tell for how long a connector has been too quiet; 0 while all is well."""
        ...

    def quarantine_failed(self, count: int) -> None:
        """Count refused events whose quarantine record could not be written."""
        ...

    def answered(self, code: str, seconds: float) -> None:
        """Count an answered request: ``code`` is ``ok`` or a problem's code."""
        ...

    def client_retry(self) -> None:
        """Count a request that says it is a repeat (``X-Retry-Count``)."""
        ...

    def waiting(self, body_bytes: int) -> None:
        """Tell how many bytes of bodies are being handled."""
        ...


class HoldingUnit(Protocol):
    """A unit of work on what was learned and what waits; there is one at a time, whatever process it runs in."""

    async def learn(self, pairs: Mapping[tuple[str, str], int]) -> set[str]:
        """Note pairs of lookup and account and when they were learned; return the lookups that this changed."""
        ...

    async def unlearn(self, pairs: Sequence[tuple[str, str]]) -> set[str]:
        """Forget pairs; return the lookups that this changed."""
        ...

    async def accounts_of(self, lookups: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the accounts of these lookups; those that nothing is known of are left out."""
        ...

    async def graves(self, accounts: Collection[str], people: Collection[str]) -> Graves:
        """Return what was erased of these accounts and pseudonyms."""
        ...

    async def awaken(self, lookups: Collection[str], *, now_ms: int) -> None:
        """Have the events looked at again that wait for one of these lookups."""
        ...

    async def awoken(self, limit_events: int) -> Sequence[Waiting]:
        """Return events to look at again, those of one lookup in their order; none of them comes another time."""
        ...

    async def keep(self, events: Sequence[Kept]) -> None:
        """Put events aside; one that is there gets the new reason."""
        ...

    async def drop(self, places: Sequence[tuple[int, int]]) -> None:
        """Delete events by their partition and offset."""
        ...

    async def say(self, records: Sequence[Said], *, now_ms: int) -> None:
        """Write records once this unit of work is done."""
        ...
