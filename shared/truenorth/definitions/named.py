"""What tells the items of a section of definitions apart."""

from typing import Any

from truenorth.definitions.model import FindingRule, Rung


def field_of(item: Any) -> str:
    """Return the field that names an item: a rung has its level, all others an id."""
    return "level" if isinstance(item, Rung) else "id"


def name_of(item: Any) -> str:
    """Return an item's name within its section; a finding may have several rules, each for segments of its own."""
    name: str = getattr(item, field_of(item))
    if isinstance(item, FindingRule) and item.segments:
        return f"{name} for {', '.join(item.segments)}"
    return name
