"""What every family of signals is computed from: an account, at one moment."""

from typing import NamedTuple

from truenorth_health.domain.facts import Facts
from truenorth_health.domain.limits import DAY_MS
from truenorth_health.domain.state import AccountState


class Entitled(NamedTuple):
    """What was bought: modules and features by name, without duplicates; empty when nobody said."""

    modules: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


class Moment(NamedTuple):
    """One look. ``at_ms`` is the moment for this family's source: earlier than that of ``facts`` where it is silent."""

    state: AccountState
    facts: Facts
    entitled: Entitled
    at_ms: int

    @property
    def day(self) -> int:
        """The epoch day of the moment."""
        return self.at_ms // DAY_MS
