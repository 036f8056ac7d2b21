"""The guide has every code that a request can be answered with."""

import re
from pathlib import Path

from truenorth_ingest.api.problems import STATUS_OF_CODE, TITLES

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "send-events.md"


def test_every_code_stands_in_the_guide_beside_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| ([^|]+) \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    told = {code: int(status) for status, codes in rows for code in re.findall(r"`([a-z_]+)`", codes)}
    assert told == STATUS_OF_CODE
    assert {*STATUS_OF_CODE.values()} <= {*TITLES}
