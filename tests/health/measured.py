"""One account whose signals are looked at: ten seats, four modules."""

from truenorth.events import inputs
from truenorth_health.domain.facts import merge
from truenorth_health.domain.signals import Signals

from tests.health.builders import NOON, Book, compiled, support_card

FACTS = inputs.AccountUpdated(name="Acme", seats=10, modules=["projects", "reports", "imports", "api"])


def book() -> Book:
    return Book(compiled(support_card()), facts=FACTS)


def signal(one: Book, name: str, at_ms: int = NOON) -> float | None:
    facts = merge(one.state, at_ms)
    return Signals(one.state, facts, one.definitions.entitled(facts)).get(name)


def signals(one: Book, *names: str, at_ms: int = NOON) -> list[float | None]:
    return [signal(one, name, at_ms) for name in names]
