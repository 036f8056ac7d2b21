"""The connectors that ship with the edge: definitions in YAML inside the package, one file each."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Final

from truenorth.definitions.intake import Connector
from truenorth.definitions.parse import DefinitionsRefusedError, parse_texts

PACKAGE: Final = "truenorth_ingest"
FOLDER: Final = "connectors"


def shipped_connectors() -> Sequence[Connector]:
    """Return them, by the names of their files.

    Raises:
        DefinitionsRefusedError: when one does not parse, which a test sees to.
    """
    texts = {f"{name}.yaml": text for name, text in shipped_texts()}
    parsed = parse_texts(texts)
    if parsed.errors:
        raise DefinitionsRefusedError(parsed.errors)
    return parsed.definitions.connectors


def shipped_texts() -> Iterator[tuple[str, str]]:
    """Yield the name (without its suffix) and the text of each file."""
    folder = files(PACKAGE).joinpath(FOLDER)
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            yield file.name.removesuffix(".yaml"), file.read_text(encoding="utf-8")
