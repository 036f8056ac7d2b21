"""The guide says what the code does: its examples lint, and it lists every signal."""

import re
from pathlib import Path

from truenorth.definitions.lint import lint
from truenorth.definitions.model import Definitions
from truenorth.definitions.parse import parse_texts
from truenorth.definitions.signals import FINDINGS, SIGNALS

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "definitions.md").read_text("utf-8")


def examples() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


def test_every_example_of_the_guide_parses() -> None:
    assert len(examples()) == 6
    for text in examples():
        assert parse_texts({"guide": text}).errors == []


def test_the_examples_together_have_no_findings_but_that_nobody_is_told() -> None:
    found = lint(parse_texts({f"guide-{number}": text for number, text in enumerate(examples())}))
    assert [error.code for error in found] == ["routes_missing"]


def test_every_signal_finding_and_section_is_in_the_guide() -> None:
    for signal in SIGNALS:
        assert f"| `{signal.name}` | {signal.unit} | {signal.doc} |" in GUIDE
    for name in (*FINDINGS, *Definitions.__struct_fields__):
        assert f"`{name}`" in GUIDE
