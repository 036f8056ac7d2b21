"""Settings are read once, typed, and refused with all mistakes in one sentence."""

from pathlib import Path

import pytest
from truenorth.errors import RefusedError
from truenorth.settings import Reader


def test_defaults_stand_in_for_what_is_not_set() -> None:
    read = Reader({})
    assert read.bootstrap() == "127.0.0.1:19092"
    assert read.port("TRUENORTH_TELEMETRY_PORT", 8493) == 8493
    assert read.flag("TRUENORTH_LOUD", default=True)
    assert read.host() == "127.0.0.1"
    assert read.log_level() == "INFO"
    read.finish()


def test_all_mistakes_are_named_at_once_with_what_would_be_right() -> None:
    read = Reader({"TRUENORTH_PORT": "eighty", "KAFKA_BOOTSTRAP_SERVERS": "broker", "TRUENORTH_LOUD": "maybe"})
    read.port("TRUENORTH_PORT", 1)
    read.bootstrap()
    read.flag("TRUENORTH_LOUD", default=False)
    read.database_url()
    with pytest.raises(RefusedError) as refused:
        read.finish()
    message = refused.value.message
    assert refused.value.field == "TRUENORTH_PORT"
    assert "TRUENORTH_PORT is 'eighty'; write a whole number from 0 to 65535" in message
    assert "write host:port" in message
    assert "write yes or no" in message
    assert "DATABASE_URL is not set" in message


def test_a_secret_comes_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("postgresql://me@127.0.0.1/db\n")
    read = Reader({"DATABASE_URL_FILE": str(path)})
    assert read.database_url() == "postgresql://me@127.0.0.1/db"
    read.finish()


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"S": "a", "S_FILE": "/nowhere"}, "set twice"),
        ({"S_FILE": "/nowhere/at/all"}, "cannot be read"),
        ({}, "is not set"),
    ],
)
def test_a_secret_that_cannot_be_read_is_refused(env: dict[str, str], words: str) -> None:
    read = Reader(env)
    read.secret("S")
    with pytest.raises(RefusedError, match=words):
        read.finish()


def test_a_wrong_url_is_refused_without_repeating_its_password() -> None:
    read = Reader({"DATABASE_URL": "mysql://me:hunter2@host/db"})
    read.database_url()
    with pytest.raises(RefusedError) as refused:
        read.finish()
    assert "hunter2" not in refused.value.message


def test_numbers_keep_their_bounds() -> None:
    read = Reader({"A": "0.5", "B": "nan", "C": "3"})
    assert read.number("A", 1.0) == 0.5
    assert read.number("B", 2.0) == 2.0
    assert read.integer("C", 1, at_most=2) == 1
    with pytest.raises(RefusedError, match=r"B is 'nan'.*C is '3'"):
        read.finish()
