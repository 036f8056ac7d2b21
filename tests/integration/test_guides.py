"""What the guides tell people to type works on a real edge, and answers what they say it does.

A block behind ``<!-- runs -->`` is run as it stands; the block that follows it is what it prints.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.ingest.running import RunningIngest, running_ingest
from tests.tidy.tree import ROOT

pytestmark = pytest.mark.integration

EDGE = "http://127.0.0.1:8400"
MARKED = re.compile(
    r"^<!-- runs -->\n```(?P<kind>\w+)\n(?P<typed>.*?)^```\n(?:\n?```(?P<form>json|text)\n(?P<printed>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    guide: str
    kind: str
    typed: str
    form: str
    printed: str


def blocks() -> Iterator[Block]:
    for path in (ROOT / "README.md", *sorted((ROOT / "docs" / "guides").rglob("*.md"))):
        markdown = path.read_text("utf-8")
        found = [Block(path.name, *(part or "" for part in one.groups())) for one in MARKED.finditer(markdown)]
        assert len(found) == markdown.count("<!-- runs -->"), f"{path.name}: a mark without a block behind it"
        yield from found


BLOCKS = list(blocks())


@pytest.fixture(scope="module")
def ingest(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIngest]:
    with running_ingest(stack, tmp_path_factory.mktemp("guides")) as running:
        yield running


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.guide}-{BLOCKS.index(block)}")
def test_what_a_guide_tells_people_to_type_prints_what_it_says(
    block: Block, ingest: RunningIngest, tmp_path: Path
) -> None:
    if block.kind == "sh":
        assert shutil.which("bash")
        command = ["bash", "-euo", "pipefail", "-c"]
    else:
        assert block.kind == "python"
        command = [sys.executable, "-W", "error", "-c"]
    (tmp_path / ".truenorth").mkdir()
    (tmp_path / ".truenorth" / "write-key").write_text(ingest.key)
    environment = clean_environment() | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TRUENORTH_WRITE_KEY": ingest.key,
        "TRUENORTH_INGEST_URL": ingest.url,
    }
    assert EDGE in block.typed or "truenorth " in block.typed
    ran = subprocess.run(
        [*command, block.typed.replace(EDGE, ingest.url)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    if block.form == "json":
        assert json.loads(ran.stdout) == json.loads(block.printed)
    elif block.form == "text":
        assert ran.stdout == block.printed
