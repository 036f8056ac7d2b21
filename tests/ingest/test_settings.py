"""What the edge is told by its environment, and how it refuses to start."""

from pathlib import Path

import pytest
from truenorth.errors import RefusedError
from truenorth_ingest.settings import Settings

from tests.ingest.doubles import PSEUDONYM_SECRET

ENVIRONMENT = {"DATABASE_URL": "postgresql://u@h/d", "TRUENORTH_PSEUDONYM_SECRET": PSEUDONYM_SECRET}


def test_the_defaults_are_the_documented_ones() -> None:
    settings = Settings.from_env(ENVIRONMENT)
    assert (settings.host, settings.port, settings.telemetry_port) == ("127.0.0.1", 8400, 8491)
    assert (settings.answer_seconds_max, settings.waiting_bytes_max) == (8.0, 67_108_864)


def test_the_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{PSEUDONYM_SECRET}\n")
    environment = {"DATABASE_URL": "postgresql://u@h/d", "TRUENORTH_PSEUDONYM_SECRET_FILE": str(file)}
    assert Settings.from_env(environment).pseudonym_secret == PSEUDONYM_SECRET


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"TRUENORTH_PSEUDONYM_SECRET": ""}, "TRUENORTH_PSEUDONYM_SECRET"),
        ({"TRUENORTH_PSEUDONYM_SECRET": "short"}, "TRUENORTH_PSEUDONYM_SECRET"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"TRUENORTH_INGEST_PORT": "http"}, "TRUENORTH_INGEST_PORT"),
        ({"TRUENORTH_INGEST_ANSWER_SECONDS_MAX": "0"}, "TRUENORTH_INGEST_ANSWER_SECONDS_MAX"),
    ],
)
def test_a_setting_that_is_wrong_is_named(change: dict[str, str], named: str) -> None:
    with pytest.raises(RefusedError, match=named) as caught:
        Settings.from_env(ENVIRONMENT | change)
    assert "short" not in caught.value.message.replace("shorter", "")
