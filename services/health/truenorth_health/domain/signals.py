"""The signals: rolling measurements of one account at one moment, family by family, each when it is first needed.

Absence of a ticket, an overdue invoice or a failed payment is a fact (0). Where nothing was ever measured (usage,
actors, answers, responses) the signal is None, and what is made from it drops out.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from truenorth.definitions.signals import BY_NAME
from truenorth.definitions.signals import SIGNALS as CATALOGUE

from truenorth_health.domain import (
    signals_billing,
    signals_relationship,
    signals_sentiment,
    signals_support,
    signals_usage,
    signals_value,
)
from truenorth_health.domain.facts import Facts
from truenorth_health.domain.moment import Entitled, Moment
from truenorth_health.domain.state import AccountState

Values = list[float | None]
"""In the order of `SIGNALS`."""


class Family(NamedTuple):
    """Signals that are computed together: their names, the source they are measured from, and how."""

    names: tuple[str, ...]
    source: str | None
    compute: Callable[[Moment], Values]


def _family(compute: Callable[[Moment], Values], names: tuple[str, ...]) -> Family:
    sources = {BY_NAME[name].source for name in names}
    if len(sources) != 1:
        raise ValueError(f"one family, several sources: {names}")
    return Family(names, sources.pop(), compute)


FAMILIES: Final[tuple[Family, ...]] = (
    _family(signals_usage.compute, signals_usage.NAMES),
    _family(signals_support.compute, signals_support.NAMES),
    _family(signals_billing.invoices, signals_billing.INVOICES),
    _family(signals_billing.contract, signals_billing.CONTRACT),
    _family(signals_sentiment.answers, signals_sentiment.ANSWERS),
    _family(signals_sentiment.said, signals_sentiment.SAID),
    _family(signals_value.compute, signals_value.NAMES),
    _family(signals_relationship.compute, signals_relationship.NAMES),
)
SIGNALS: Final[tuple[str, ...]] = tuple(name for family in FAMILIES for name in family.names)
INDEX: Final[dict[str, int]] = {name: index for index, name in enumerate(SIGNALS)}
FAMILY_OF: Final[tuple[int, ...]] = tuple(n for n, family in enumerate(FAMILIES) for _ in family.names)
"""Index of a signal -> number of its family."""
_STARTS: Final = tuple(INDEX[family.names[0]] for family in FAMILIES)
_ALL: Final = (1 << len(FAMILIES)) - 1
if set(SIGNALS) != {signal.name for signal in CATALOGUE}:
    raise ValueError(f"computed and catalogued signals differ: {set(SIGNALS) ^ {one.name for one in CATALOGUE}}")


def families_of(names: set[str]) -> int:
    """Return the families of these signals as bits, for `Signals.need`."""
    bits = 0
    for name in names:
        bits |= 1 << FAMILY_OF[INDEX[name]]
    return bits


class Signals:
    """An account's signals at one moment. ``values`` holds those of the families that were needed so far.

    ``stale`` are the families (bits) whose source is silent for everybody: they are taken as of when it fell silent.
    """

    __slots__ = ("_done", "_entitled", "_facts", "_silent", "_state", "stale", "values")

    def __init__(
        self, state: AccountState, facts: Facts, entitled: Entitled, silent: Mapping[str, int] | None = None
    ) -> None:
        self._state = state
        self._facts = facts
        self._entitled = entitled
        self._silent = silent
        self._done = 0
        self.stale = 0
        self.values: Values = [None] * len(SIGNALS)
        if silent:
            for number, family in enumerate(FAMILIES):
                if family.source in silent:
                    self.stale |= 1 << number

    def need(self, families: int) -> Values:
        """Compute the families (bits) that are not computed yet; return all values known."""
        todo = families & ~self._done
        if todo:
            self._done |= todo
            at_ms = self._facts.at_ms
            moment = Moment(self._state, self._facts, self._entitled, at_ms)
            for number, family in enumerate(FAMILIES):
                if todo >> number & 1:
                    start = _STARTS[number]
                    now = moment
                    if self.stale >> number & 1 and self._silent and family.source:
                        now = moment._replace(at_ms=min(at_ms, self._silent[family.source]))
                    self.values[start : start + len(family.names)] = family.compute(now)
        return self.values

    def known(self) -> dict[str, float | None]:
        """Return all signals that are known, by name."""
        values = self.need(_ALL)
        return {name: value for name, value in zip(SIGNALS, values, strict=True) if value is not None}

    def get(self, name: str) -> float | None:
        """Return one signal."""
        index = INDEX[name]
        return self.need(1 << FAMILY_OF[index])[index]

    def is_fresh(self, index: int) -> bool:
        """Whether the source of this signal is not silent for everybody."""
        return not self.stale >> FAMILY_OF[index] & 1

    def approximate(self) -> list[str]:
        """Return the names of the signals that are estimates."""
        return signals_usage.approximate(self._state)
