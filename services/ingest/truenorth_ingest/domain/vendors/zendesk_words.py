"""Zendesk's words for what a ticket is, in ours."""

from typing import Final

from truenorth_ingest.domain.vendors.said import identity, invalid

AnyId = str | int | None

PRIORITIES: Final = {"urgent": "p1", "high": "p2", "normal": "p3", "low": "p4"}
SOLVED: Final = frozenset({"solved", "closed", "deleted", "archived", "scrubbed"})
OPEN: Final = frozenset({"new", "open", "pending", "hold", "on-hold"})


def ticket_id(said: AnyId, path: str) -> str:
    """Return the ticket's id.

    Raises:
        RefusedError: there is none.
    """
    ticket = identity(said, path)
    if not ticket:
        raise invalid(path, f"it names no ticket; add {path}")
    return ticket


def priority(said: str | None, path: str) -> str | None:
    """Return our priority; None when the ticket has none.

    Raises:
        RefusedError: it is not a priority.
    """
    if not said or said == "-":
        return None
    found = PRIORITIES.get(said.lower())
    if found is None:
        raise invalid(path, f"{said[:80]!r} is not a priority; known are {', '.join(PRIORITIES)}")
    return found


def state(said: object, path: str) -> str:
    """Return ``open`` or ``solved``.

    Raises:
        RefusedError: it is not a status.
    """
    word = said.lower() if isinstance(said, str) else ""
    if word in SOLVED:
        return "solved"
    if word in OPEN:
        return "open"
    raise invalid(path, f"{str(said)[:80]!r} is not a status; known are {', '.join(sorted(OPEN | SOLVED))}")
