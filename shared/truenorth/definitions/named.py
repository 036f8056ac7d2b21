"""What tells the items of a section of definitions apart."""

from typing import Any

from truenorth.definitions.intake import TrackRule, Trait
from truenorth.definitions.model import FindingRule, Rung


def field_of(item: Any) -> str:
    """Return the field that names an item: a rung has its level, a rule of tracking its event, most others an id."""
    match item:
        case Rung():
            return "level"
        case TrackRule():
            return "event"
        case Trait():
            return "trait"
        case _:
            return "id"


def name_of(item: Any) -> str:
    """Return an item's name within its section.

    A finding may have several rules, each for segments of its own; an event and a page may have the same name.
    """
    name: str = getattr(item, field_of(item))
    if isinstance(item, FindingRule) and item.segments:
        return f"{name} for {', '.join(item.segments)}"
    if isinstance(item, TrackRule) and item.call != "track":
        return f"{item.call} {name}"
    return name
