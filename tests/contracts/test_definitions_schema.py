"""The JSON Schema of definitions is published: it changes on purpose, and only by adding."""

import json
from pathlib import Path

from truenorth.definitions.parse import load_directory
from truenorth.definitions.schema import json_schema

PINNED = Path(__file__).parent / "golden" / "definitions.schema.json"
CONFIG = Path(__file__).parents[2] / "config"


def test_the_schema_is_the_pinned_one() -> None:
    """Print it with ``truenorth schema`` and put it there when the change is meant."""
    assert json_schema() == json.loads(PINNED.read_text("utf-8"))


def test_every_section_of_the_examples_is_in_the_schema() -> None:
    sections = json_schema()["$defs"]["Definitions"]["properties"]
    assert set(sections) == set(load_directory(CONFIG).__struct_fields__)
