"""The guide says what the code does: its examples lint, and it lists every signal."""

import re
from pathlib import Path

from truenorth.definitions.model import Definitions
from truenorth.definitions.parse import parse_texts
from truenorth.definitions.signals import FINDINGS, SIGNALS

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "definitions.md").read_text("utf-8")


def test_every_example_of_the_guide_parses() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert len(examples) == 2
    for text in examples:
        assert parse_texts({"guide": text}).errors == []


def test_every_signal_finding_and_section_is_in_the_guide() -> None:
    for signal in SIGNALS:
        assert f"| `{signal.name}` | {signal.unit} | {signal.doc} |" in GUIDE
    for name in (*FINDINGS, *Definitions.__struct_fields__):
        assert f"`{name}`" in GUIDE
