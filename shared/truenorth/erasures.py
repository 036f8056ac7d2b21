"""Erasure, in the words that every service shares: requests, acknowledgements, and what is still on its way.

A request (``erasure.requested`` on `erasures`) is carried out by every service of `SERVICES`, each in the transaction
that also says so (``erasure.acknowledged`` on `erasures-done`), once per request however often it is read.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, Protocol

from truenorth.clock import MILLIS_PER_DAY
from truenorth.codec import parse_storable
from truenorth.errors import RefusedError
from truenorth.events.envelope import Event
from truenorth.events.people import ErasureAcknowledged, ErasureRequested
from truenorth.ids import derived_id

Kind = Literal["actor", "contact", "account"]

REQUESTS_TOPIC: Final = "erasures"
DONE_TOPIC: Final = "erasures-done"
SERVICES: Final = ("ingest", "health", "playbooks", "notify", "console")
"""Who acknowledges each request."""
GRACE_MS: Final = MILLIS_PER_DAY
"""Records appended up to this long after an erasure still belong to what was erased."""
KEPT_MS: Final = 400 * MILLIS_PER_DAY
"""How long a gravestone stands: as long as the longest-kept topic may hold older events."""


class Timed(Protocol):
    """A record as read: its value, and the broker's clock at the append (epoch ms)."""

    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def timestamp_ms(self) -> int: ...  # noqa: D102


class Request(NamedTuple):
    """One request. ``subject`` is the account, or a person's pseudonym; ``erased_ms`` the broker's clock at the append.

    ``asked_ms`` is when its sender says it was asked for, ``asked_by`` who asked.
    """

    request_id: str
    account: str
    kind: Kind
    subject: str
    asked_by: str
    asked_ms: int
    erased_ms: int

    @property
    def is_account(self) -> bool:
        """Whether all of the account is to be forgotten."""
        return self.kind == "account"


def request_of(event: Event, *, record_ms: int) -> Request:
    """Return the request that an ``erasure.requested`` makes; ``record_ms`` is its record's own time."""
    asked = event.data
    return Request(
        request_id=request_id(event),
        account=event.account,
        kind=asked.kind,
        subject=event.account if asked.kind == "account" else asked.subject_id,
        asked_by=asked.by,
        asked_ms=event.time_ms,
        erased_ms=record_ms,
    )


def requests_in(records: Iterable[Timed]) -> list[Request]:
    """Return the requests among these records; what cannot be read is left to whoever reads the topic in order."""
    found = []
    for record in records:
        try:
            event = parse_storable(record.value or b"")
        except RefusedError:
            continue
        if isinstance(event.data, ErasureRequested):
            found.append(request_of(event, record_ms=record.timestamp_ms))
    return found


def request_id(event: Event) -> str:
    """Return the id of the request that an event makes: the same however often its sender repeats it."""
    return request_id_of(event.account, event.source, event.id)


def request_id_of(account: str, source: str, event_id: str) -> str:
    """Return the id of the request that the event of this account, source and id makes."""
    return derived_id("erasure", account, source, event_id)


def acknowledgement(request: str, kind: Kind, service: str) -> tuple[str, ErasureAcknowledged]:
    """Return id and payload of a service's word that it carried out a request; both are the same every time."""
    return derived_id("erasure.acknowledged", request, service), ErasureAcknowledged(request, service, kind)


def began_ms(event: Event) -> int:
    """Return when that began which an event tells of: what was decided or opened before an erasure belongs to it."""
    said = getattr(event.data, "alert", event.data)
    times = (getattr(said, name, None) for name in ("decided_ms", "opened_ms"))
    return min([event.time_ms, *(time for time in times if isinstance(time, int))])


def is_buried(erased_ms: int | None, *, record_ms: int, time_ms: int) -> bool:
    """Tell whether something that is read belongs to what was erased: it is older, or was still on its way.

    Looks at the record's times alone, so that it does not matter which topic is read first.

    Args:
        erased_ms: the record time of the erasure; None when there was none.
        record_ms: the record's own time.
        time_ms: when it happened; see `began_ms`.
    """
    return erased_ms is not None and (record_ms <= erased_ms + GRACE_MS or time_ms <= erased_ms)
