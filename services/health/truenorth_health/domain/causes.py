"""Why a decision is made: bits gathered while folding, and the one word that is published."""

from typing import Final

from truenorth.events.health import Cause

BEHAVIOUR: Final = 1
FACT: Final = 2
BACKFILL: Final = 4
OVERRIDE: Final = 8


def cause_of(pending: int, *, definition_changed: bool) -> Cause:
    """Return the published cause when several came together.

    ``definition`` comes first, so that a change of the model is never read as something the customer did; then
    a person's override, the customer's behaviour, a fact, and history. With nothing folded it is ``silence``.
    """
    if definition_changed:
        return "definition"
    if pending & OVERRIDE:
        return "override"
    if pending & BEHAVIOUR:
        return "behaviour"
    if pending & FACT:
        return "fact"
    return "backfill" if pending & BACKFILL else "silence"
