"""What an account is looked up by, and what the answers mean."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

LOOKUP_CHARS_MAX = 300

Reason = Literal["unknown", "ambiguous", "unavailable"]
REASONS: Final[tuple[str, ...]] = get_args(Reason)


class Found(NamedTuple):
    """The account, or why there is none yet."""

    account: str
    reason: Reason | None = None


def actor_lookup(pseudonym: str) -> str:
    """Return what an actor's account is looked up by."""
    return f"actor:{pseudonym}"


def external_lookup(system: str, external_id: str) -> str:
    """Return what an account is looked up by under its id in another system, such as Stripe's ``cus_1``."""
    return f"{system}:{external_id}"[:LOOKUP_CHARS_MAX]


def chosen(lookups: Sequence[str], accounts: Mapping[str, Sequence[str] | None]) -> Found:
    """Return whose an event is: the first lookup that anything is known of decides, and nothing is guessed.

    Args:
        lookups: in order of trust.
        accounts: what is known of each; None where nobody could be asked.
    """
    for lookup in lookups:
        known = accounts.get(lookup, ())
        if known is None:
            return Found("", "unavailable")
        if len(known) == 1:
            return Found(known[0])
        if known:
            return Found("", "ambiguous")
    return Found("", "unknown")
