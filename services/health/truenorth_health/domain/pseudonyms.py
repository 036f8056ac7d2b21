"""What a person is kept as: a hash, and nothing once that person was erased."""

from hashlib import blake2b
from typing import Final

from truenorth_health.domain.fold_usage import member_hash
from truenorth_health.domain.limits import ERASURE_GRACE_MS
from truenorth_health.domain.parts import Erasures
from truenorth_health.domain.state import AccountState

BY_ROLE: Final = "role:"
"""What precedes the role where a person was not named: one person per role is taken for granted."""


def pseudonym(name: str) -> str:
    """Return what a respondent or contact is kept as."""
    return blake2b(name.encode(), digest_size=8).hexdigest()


def kept_as(state: AccountState, name: str | None, record_ms: int) -> str:
    """Return what this person is kept as: empty for nobody, and for somebody who was erased since."""
    return "" if name is None or is_erased(state, name, record_ms) else pseudonym(name)


def is_erased(state: AccountState, name: str, record_ms: int) -> bool:
    """Whether a record of this time still belongs to what was erased of that person."""
    if not state.has_erasures:
        return False
    erased_ms = state.read(Erasures).members.get(int.from_bytes(member_hash(name), "big"))
    return erased_ms is not None and record_ms <= erased_ms + ERASURE_GRACE_MS
