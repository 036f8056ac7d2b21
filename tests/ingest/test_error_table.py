"""The guide has every code that a request can be answered with."""

import re
from pathlib import Path

import msgspec
from truenorth_ingest.api.problems import STATUS_OF_CODE, TITLES, problem

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "send-events.md"


def test_every_code_stands_in_the_guide_beside_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| ([^|]+) \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    told = {code: int(status) for status, codes in rows for code in re.findall(r"`([a-z_]+)`", codes)}
    assert told == STATUS_OF_CODE
    assert {*STATUS_OF_CODE.values()} <= {*TITLES}


def test_what_could_be_read_and_was_refused_is_not_titled_as_unreadable() -> None:
    titles = [msgspec.json.decode(problem(code, "why").body)["title"] for code in ("nothing_taken", "body_invalid")]
    assert titles == ["Nothing of it was taken", "The request cannot be read"]
