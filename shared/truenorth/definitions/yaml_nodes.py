"""YAML as nodes that know their line, with the scalars people mean.

YAML 1.1 reads ``mode: off`` as false, ``NO`` as false and ``09:30`` as 570. Here only ``true`` and ``false``
are booleans, and numbers are decimal; everything else is text. Anchors work, merge keys do not.
"""

import re
from typing import Any, Final, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from truenorth.errors import DefinitionError

_NULL: Final = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOL: Final = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT: Final = re.compile(r"^[-+]?[0-9]+$")
_FLOAT: Final = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")


class Entry(NamedTuple):
    """One field of a mapping: its name, the line of the name (1-based), and the value's node."""

    name: str
    line: int
    value: Node


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


def compose(text: str, file: str) -> Node | None:
    """Return the root node of a YAML text; None when it holds nothing.

    Raises:
        DefinitionError: ``yaml_invalid`` with the line, when it is not YAML.
    """
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DefinitionError("yaml_invalid", f"not YAML: {error.problem}", file=file, line=line) from None
    except yaml.YAMLError as error:
        raise DefinitionError("yaml_invalid", f"not YAML: {error}", file=file, line=1) from None


def line_of(node: Node) -> int:
    """Return the line (1-based) where a node starts."""
    return int(node.start_mark.line) + 1


def entries(node: MappingNode) -> list[Entry]:
    """Return the fields of a mapping in their order, duplicates included."""
    return [Entry(str(key.value), line_of(key), value) for key, value in node.value]


def plain(node: Node) -> Any:
    """Return the node as dict, list or scalar; the first of two equal keys is lost, see `entries`."""
    if isinstance(node, MappingNode):
        return {entry.name: plain(entry.value) for entry in entries(node)}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.value]
    return _scalar(node)


def _scalar(node: Node) -> str | float | bool | None:
    if not isinstance(node, ScalarNode):  # pragma: no cover - there are three kinds of node
        raise TypeError(type(node).__name__)
    text = str(node.value)
    if node.style is not None:  # quoted, or a block: text, whatever it looks like
        return text
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text
