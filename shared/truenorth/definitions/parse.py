"""YAML files -> typed definitions. Every refusal names file, line and field, and what would be right.

A directory's ``*.yaml`` files each hold any of the sections (``scorecards``, ``segments``, ...); they are merged
in the order of their names. All files are read to their end: the person gets one list, not one error a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect
from yaml.nodes import MappingNode, Node, SequenceNode

from truenorth.definitions import shapes, yaml_nodes
from truenorth.definitions.model import Definitions
from truenorth.definitions.named import field_of, name_of
from truenorth.errors import DefinitionError, MissingError, RefusedError

FILES_MAX: Final = 200
FILE_BYTES_MAX: Final = 1024 * 1024
_SECTIONS: Final = shapes.struct_of(inspect.type_info(Definitions))


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written: file and line (1-based)."""

    file: str
    line: int


@dataclass(slots=True)
class Parsed:
    """What was read, where each field of it was written (``scorecards[0].bands.red``), and what was refused."""

    definitions: Definitions = field(default_factory=Definitions)
    places: dict[str, Place] = field(default_factory=dict)
    errors: list[DefinitionError] = field(default_factory=list)

    def place(self, path: str) -> Place:
        """Return where ``path`` was written, or the nearest thing around it."""
        while path and path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get(path, Place("definitions", 1))


class DefinitionsRefusedError(RefusedError):
    """A set of definitions was refused; ``findings`` has every reason, in the order of the files."""

    def __init__(self, findings: Sequence[DefinitionError]) -> None:
        super().__init__("definitions_refused", "\n".join(str(finding) for finding in findings))
        self.findings = list(findings)


def load_directory(path: Path | str) -> Definitions:
    """Return the merged definitions of a directory's YAML files.

    Raises:
        DefinitionsRefusedError: with all that was refused; no linting beyond types and double ids.
        MissingError: when there is no such directory or nothing in it.
    """
    parsed = parse_directory(path)
    if parsed.errors:
        raise DefinitionsRefusedError(parsed.errors)
    return parsed.definitions


def parse_directory(path: Path | str) -> Parsed:
    """Read all ``*.yaml`` and ``*.yml`` files of a directory (not below it); errors are in the result."""
    folder = Path(path)
    if not folder.is_dir():
        raise MissingError(f"{folder} is not a directory; name the one that holds your definitions (*.yaml)")
    files = sorted(file for file in folder.iterdir() if file.suffix in {".yaml", ".yml"} and file.is_file())
    if not files:
        raise MissingError(f"{folder} holds no *.yaml file")
    if len(files) > FILES_MAX:
        raise MissingError(f"{folder} holds {len(files)} YAML files; definitions may take {FILES_MAX}")
    texts: dict[str, str] = {}
    errors: list[DefinitionError] = []
    for file in files:
        try:
            texts[str(file)] = _read(file)
        except DefinitionError as error:
            errors.append(error)
    parsed = parse_texts(texts)
    parsed.errors[:0] = errors
    return parsed


def parse_texts(texts: dict[str, str]) -> Parsed:
    """Parse YAML texts by their file names, merging them in the order given."""
    parsed = Parsed()
    sections: dict[str, list[Any]] = {name: [] for name in _SECTIONS}
    for file, text in texts.items():
        try:
            root = yaml_nodes.compose(text, file)
        except DefinitionError as error:
            parsed.errors.append(error)
            continue
        if root is not None:
            _Reader(parsed, file).file(root, sections)
    if not parsed.errors:
        parsed.definitions = msgspec.convert(sections, Definitions)
        parsed.errors += duplicates(parsed)
    return parsed


def duplicates(parsed: Parsed) -> Iterator[DefinitionError]:
    """Yield a refusal for every id that was given before in its section."""
    for section in _SECTIONS:
        seen: dict[str, Place] = {}
        for index, item in enumerate(getattr(parsed.definitions, section)):
            path, name = f"{section}[{index}].{field_of(item)}", name_of(item)
            place = parsed.place(path)
            first = seen.setdefault(name, place)
            if first is not place:
                message = f"{name!r} is already at {first.file}:{first.line}; give one of them another {field_of(item)}"
                yield DefinitionError("id_twice", message, file=place.file, line=place.line, field=path)


def _read(file: Path) -> str:
    if file.stat().st_size > FILE_BYTES_MAX:
        raise DefinitionError("file_too_large", f"larger than {FILE_BYTES_MAX} bytes; split it", file=str(file), line=1)
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise DefinitionError("not_utf8", "not UTF-8 text; save it as UTF-8", file=str(file), line=1) from None


class _Reader:
    """Walks one file's nodes along the model's types, noting places and refusals."""

    def __init__(self, parsed: Parsed, file: str) -> None:
        self._parsed = parsed
        self._file = file

    def file(self, root: Node, sections: dict[str, list[Any]]) -> None:
        """Read the sections of a file into ``sections``."""
        if not isinstance(root, MappingNode):
            known = ", ".join(sections)
            self._refuse("not_a_mapping", f"a file of definitions starts with one of: {known}", root, "")
            return
        for entry in yaml_nodes.entries(root):
            shape = _SECTIONS.get(entry.name)
            if shape is None:
                self._at("field_unknown", shapes.unknown(entry.name, _SECTIONS, "section"), entry.line, entry.name)
                continue
            if not isinstance(entry.value, SequenceNode):
                self._refuse("not_a_list", "expected a list; start each item with '- '", entry.value, entry.name)
                continue
            items = sections[entry.name]
            self._place(entry.name, entry.line)
            for item in entry.value.value:
                self._walk(item, shapes.item_of(shape.type), f"{entry.name}[{len(items)}]")
                items.append(yaml_nodes.plain(item))

    def _walk(self, node: Node, shape: inspect.Type, path: str) -> None:
        self._place(path, yaml_nodes.line_of(node))
        if isinstance(node, MappingNode) and (fields := shapes.struct_of(shape)):
            self._mapping(node, fields, path)
        elif isinstance(node, MappingNode) and (value := shapes.value_or_none(shape)):
            self._free(node, value, path)
        elif isinstance(node, SequenceNode) and (inner := shapes.item_or_none(shape)):
            for index, item in enumerate(node.value):
                self._walk(item, inner, f"{path}[{index}]")
            self._length(node, shape, path)
        elif message := shapes.refusal(yaml_nodes.plain(node), shape, path):
            self._refuse("value_invalid", message, node, path)

    def _mapping(self, node: MappingNode, fields: dict[str, inspect.Field], path: str) -> None:
        seen: set[str] = set()
        for entry in yaml_nodes.entries(node):
            below = f"{path}.{entry.name}"
            known = fields.get(entry.name)
            if known is None:
                self._at("field_unknown", shapes.unknown(entry.name, fields, "field"), entry.line, below)
            elif entry.name in seen:
                self._at("field_twice", "given twice here; keep one", entry.line, below)
            else:
                self._walk(entry.value, known.type, below)
                self._place(below, entry.line)
            seen.add(entry.name)
        for name, known in fields.items():
            if known.required and name not in seen:
                self._refuse("field_missing", f"{name!r} is missing; it is needed here", node, f"{path}.{name}")

    def _free(self, node: MappingNode, value: inspect.Type, path: str) -> None:
        """Read a mapping whose names are the person's own."""
        seen: set[str] = set()
        for entry in yaml_nodes.entries(node):
            below = f"{path}.{entry.name}"
            if entry.name in seen:
                self._at("field_twice", "given twice here; keep one", entry.line, below)
            self._walk(entry.value, value, below)
            self._place(below, entry.line)
            seen.add(entry.name)

    def _length(self, node: SequenceNode, shape: inspect.Type, path: str) -> None:
        if message := shapes.length_refusal(len(node.value), shape):
            self._refuse("value_invalid", message, node, path)

    def _place(self, path: str, line: int) -> None:
        self._parsed.places[path] = Place(self._file, line)

    def _refuse(self, code: str, message: str, node: Node, path: str) -> None:
        self._at(code, message, yaml_nodes.line_of(node), path)

    def _at(self, code: str, message: str, line: int, path: str) -> None:
        self._parsed.errors.append(DefinitionError(code, message, file=self._file, line=line, field=path))
