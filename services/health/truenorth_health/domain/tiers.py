"""The service level an account should have, beside the one it has, with the reasons in words."""

from collections.abc import Iterator, Sequence

from truenorth import words
from truenorth.definitions.model import Tier
from truenorth.events.health import TierAdvice

from truenorth_health.domain.facts import Facts


def advise(tiers: Sequence[Tier], facts: Facts, ladder_level: str | None) -> TierAdvice | None:
    """Return the first tier (highest first) that something asks for, else the last; None where none are defined.

    ``ladder_level`` is the account's rung, None without a ladder.
    """
    if not tiers:
        return None
    for tier in tiers:
        if reasons := list(_reasons(tier, facts, ladder_level)):
            return TierAdvice(tier.id, reasons)
    return TierAdvice(tiers[-1].id, ["nothing asks for more"])


def _reasons(tier: Tier, facts: Facts, ladder_level: str | None) -> Iterator[str]:
    for name, value, wanted in (
        ("ARR", facts.arr, tier.arr_from),
        ("potential ARR", facts.potential_arr, tier.potential_arr_from),
    ):
        if wanted is not None and value is not None and value >= wanted:
            yield f"{name} {words.money(value)} is {words.money(wanted)} or more"
    promised = (facts.promised_service or "").strip().casefold()
    if tier.promised and promised and promised in {tier.id.casefold(), tier.name.strip().casefold()}:
        yield "promised by contract"
    if tier.advocates and ladder_level == "advocacy":
        yield "an advocate"
