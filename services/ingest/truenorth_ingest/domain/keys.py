"""Write keys: ``tn_<env>_<keyid>_<secret>_<crc>``; only the hash of the secret is ever stored.

The checksum lets a typing mistake be told from a revoked key without asking the database; the prefix lets
secret scanners find a leaked one. A key may have two secrets at a time, so that senders can change over one by one.
"""

import base64
import binascii
import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass
from typing import Final

from truenorth.errors import RefusedError

WRITE_SCOPE: Final = "ingest:write"
ACCOUNTS_SCOPE: Final = "accounts:write"
ERASURES_SCOPE: Final = "erasures:write"
REPLAY_SCOPE: Final = "quarantine:replay"
SCOPES: Final = (WRITE_SCOPE, ACCOUNTS_SCOPE, ERASURES_SCOPE, REPLAY_SCOPE)
SCOPES_AT_FIRST: Final = (WRITE_SCOPE, ACCOUNTS_SCOPE)
"""What a key may do unless something else is said."""
_FORM: Final = re.compile(r"^tn_([a-z0-9]{1,16})_([A-Za-z0-9]{4,32})_([A-Za-z0-9]{32,96})_([0-9a-f]{8})$", re.ASCII)
_KEY_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Presented:
    """A key as a request presented it: its public id, and its secret."""

    key_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as the table knows it. Times are epoch milliseconds, hashes SHA-256.

    ``next_hash`` is the newer of two secrets; without it there is one. ``events_per_second`` is the key's own rate;
    None where the edge's holds.
    """

    key_id: str
    name: str
    secret_hash: bytes
    scopes: frozenset[str]
    created_ms: int
    revoked_ms: int | None = None
    last_used_ms: int | None = None
    next_hash: bytes | None = None
    next_created_ms: int | None = None
    events_per_second: int | None = None

    def knows(self, secret: str) -> bool:
        """Tell whether this is one of the key's secrets."""
        given = hash_of(secret)
        older = hmac.compare_digest(self.secret_hash, given)
        return older or (self.next_hash is not None and hmac.compare_digest(self.next_hash, given))


def hash_of(secret: str) -> bytes:
    """Return what is stored of a secret; a fast hash is right for 192 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def written(*, env: str, key_id: str, secret: str) -> str:
    """Return the key as it is shown, once, to the person who made it."""
    head = f"tn_{env}_{key_id}_{secret}"
    return f"{head}_{zlib.crc32(head.encode()):08x}"


def parse_key(text: str) -> Presented:
    """Parse a presented key.

    Raises:
        RefusedError: ``key_malformed`` when it has another form or its checksum is wrong.
    """
    found = _FORM.match(text) if len(text) <= _KEY_CHARS_MAX else None
    if found is None:
        raise RefusedError("key_malformed", "a write key looks like tn_live_..._..._...; copy it whole")
    head, _, crc = text.rpartition("_")
    if f"{zlib.crc32(head.encode()):08x}" != crc:
        raise RefusedError("key_malformed", "the write key's checksum is wrong: a character was lost or changed")
    return Presented(key_id=found[2], secret=found[3])


def key_in_headers(authorization: str, write_key: str) -> str:
    """Return the key text from ``Authorization`` (Bearer, or Basic with the key as user) or ``X-Write-Key``.

    Raises:
        RefusedError: ``key_missing`` or ``key_malformed``.
    """
    scheme, _, rest = authorization.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            try:
                return base64.b64decode(rest.strip(), validate=True).decode("ascii").partition(":")[0]
            except (binascii.Error, ValueError):
                raise RefusedError("key_malformed", "Basic authentication is base64 of '<write key>:'") from None
        case "" if write_key:
            return write_key.strip()
        case "":
            raise RefusedError("key_missing", "send the write key as 'Authorization: Bearer <key>'")
        case _:
            raise RefusedError("key_malformed", "Authorization is 'Bearer <key>', or Basic with the key as user name")


def check(presented: Presented, stored: StoredKey | None, *, scope: str) -> StoredKey:
    """Return the stored key that this request may act with.

    Raises:
        RefusedError: ``key_unknown`` (also for a wrong secret), ``key_revoked`` or ``scope_missing``.
    """
    if stored is None or not stored.knows(presented.secret):
        raise RefusedError("key_unknown", "nobody made this write key here; make one with 'truenorth keys create'")
    if stored.revoked_ms is not None:
        raise RefusedError("key_revoked", "this write key was revoked; make one with 'truenorth keys create'")
    if scope not in stored.scopes:
        raise RefusedError(
            "scope_missing",
            f"this key lacks the scope {scope}; make one with 'truenorth keys create --scope {scope}'",
        )
    return stored
