"""What the linter asks of expressions, that each can be read: an entry point of `truenorth.lints`."""

from collections.abc import Iterator
from typing import Final

from truenorth.definitions.findings import Found
from truenorth.definitions.intake import Connector, TrackRule
from truenorth.definitions.model import Definitions
from truenorth.errors import RefusedError

from truenorth_ingest.domain.webhooks.expressions import compiled

_OF_MAPPINGS: Final = ("when", "each", "account", "external_id", "id", "time")


def expressions(definitions: Definitions) -> Iterator[Found]:
    """Yield a finding for every expression of connectors and tracking that cannot be read."""
    for index, connector in enumerate(definitions.connectors):
        yield from _connector(connector, f"connectors[{index}]")
    for index, rule in enumerate(definitions.tracking):
        yield from _rule(rule, f"tracking[{index}]")


def _connector(connector: Connector, path: str) -> Iterator[Found]:
    yield from _checked(connector.event_id, f"{path}.event_id")
    yield from _checked(connector.time, f"{path}.time")
    for index, mapping in enumerate(connector.mappings):
        where = f"{path}.mappings[{index}]"
        for name in _OF_MAPPINGS:
            yield from _checked(getattr(mapping, name), f"{where}.{name}")
        for name, expression in mapping.data.items():
            yield from _checked(expression or " ", f"{where}.data.{name}")


def _rule(rule: TrackRule, path: str) -> Iterator[Found]:
    for name in ("feature", "module"):
        text: str = getattr(rule, name)
        if text.startswith("="):
            yield from _checked(text[1:] or " ", f"{path}.{name}")
    yield from _checked(rule.count.removeprefix("="), f"{path}.count")
    for name, text in rule.data.items():
        if text.startswith("="):
            yield from _checked(text[1:] or " ", f"{path}.data.{name}")


def _checked(expression: str, path: str) -> Iterator[Found]:
    if not expression:
        return
    try:
        compiled(expression)
    except RefusedError as refusal:
        yield Found(refusal.code, path, refusal.message)
