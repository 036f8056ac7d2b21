"""Where commands find the write key and the database of the local stack."""

from pathlib import Path

import pytest
from truenorth.commands.local import find_database_url
from truenorth.commands.traffic import find_key
from truenorth.errors import MissingError


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRUENORTH_WRITE_KEY", "TRUENORTH_WRITE_KEY_FILE", "TRUENORTH_DATA"):
        monkeypatch.delenv(name, raising=False)


def test_a_key_is_found_from_any_folder_below_the_one_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".truenorth").mkdir()
    (tmp_path / ".truenorth" / "write-key").write_text("tn_here\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_key(None) == "tn_here"


def test_the_data_folder_decides_where_it_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "write-key").write_text("tn_data\n")
    monkeypatch.setenv("TRUENORTH_DATA", str(tmp_path))
    assert find_key(None) == "tn_data"
    assert find_key("tn_given") == "tn_given"


def test_a_database_that_is_set_stands_before_the_one_that_up_left(tmp_path: Path) -> None:
    (tmp_path / "database-url").write_text("postgresql://left/by-up\n")
    environment = {"TRUENORTH_DATA": str(tmp_path)}
    assert find_database_url(environment) == "postgresql://left/by-up"
    assert find_database_url({**environment, "DATABASE_URL": "postgresql://set/here"}) == "postgresql://set/here"


def test_no_database_at_all_is_said_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="set DATABASE_URL, or let make up leave"):
        find_database_url({"TRUENORTH_DATA": str(tmp_path)})
