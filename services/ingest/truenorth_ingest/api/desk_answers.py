"""The answers of what is asked for by hand: erasures, and whose a lookup is."""

import msgspec
from truenorth.codec import rfc3339
from truenorth.erasures import SERVICES

from truenorth_ingest.domain.standing import Standing, Status


class ErasureMade(msgspec.Struct, frozen=True):
    """One request: its id, and the account at which it forgets."""

    request_id: str
    account: str


class ErasuresMade(msgspec.Struct, frozen=True):
    """The answer once the broker has the requests."""

    success: bool
    requests: list[ErasureMade]


class ErasureDone(msgspec.Struct, frozen=True):
    """When a service said that it has carried out a request (RFC 3339)."""

    done_at: str


class ErasureStanding(msgspec.Struct, frozen=True):
    """How a request stands; a service that has not carried it out has null. ``account`` is empty at the very first."""

    request_id: str
    kind: str
    account: str
    asked_at: str
    status: Status
    services: dict[str, ErasureDone | None]


class IdentityTold(msgspec.Struct, frozen=True):
    """Whose a lookup is: of no account, of one, or of several, which nothing is decided by."""

    success: bool
    lookup: str
    accounts: list[str]


def told(standing: Standing) -> ErasureStanding:
    """Return a standing as it is answered."""
    done = {service: standing.done_ms.get(service) for service in SERVICES}
    return ErasureStanding(
        standing.request_id,
        standing.kind,
        standing.account,
        rfc3339(standing.asked_ms),
        standing.status,
        {service: None if at_ms is None else ErasureDone(rfc3339(at_ms)) for service, at_ms in done.items()},
    )
