"""Identities: one distinct type per thing that has one, and the few ways to make them.

An id is either given from outside (accounts, events, tickets) or *derived* from what it identifies, so
that the same cause always yields the same id: a replay can then never create a second task or alert.
"""

import hashlib
import secrets
import uuid
from typing import NewType, Protocol

AccountId = NewType("AccountId", str)
ActorId = NewType("ActorId", str)
ContactId = NewType("ContactId", str)
EventId = NewType("EventId", str)
OwnerId = NewType("OwnerId", str)
PlaybookId = NewType("PlaybookId", str)
RunId = NewType("RunId", str)
TaskId = NewType("TaskId", str)
AlertId = NewType("AlertId", str)
DeliveryId = NewType("DeliveryId", str)

ACCOUNT_ID_CHARS_MAX = 128

_NAMESPACE = uuid.UUID("6f1f4f0e-9a33-5c8e-8d55-7b0f2f0e4a11")


class IdSource(Protocol):
    """Where fresh, random ids come from; tests pass a counting one."""

    def __call__(self) -> str:
        """Return an id that was never returned before."""
        ...


def random_id() -> str:
    """Return a fresh random id (UUID4 text); the one place of the house that makes one."""
    return str(uuid.uuid4())


def random_secret(bytes_count: int = 24) -> str:
    """Return a fresh secret of ``bytes_count`` random bytes as lowercase hex."""
    return secrets.token_hex(bytes_count)


def derived_id(*parts: str) -> str:
    """Return the id (UUID5 text) that these parts, in this order, always have."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))


def short_hash(text: str) -> int:
    """Return a stable unsigned 64-bit hash of ``text`` (BLAKE2b); for sets of members, not for secrets."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
