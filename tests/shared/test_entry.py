from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from truenorth.entry import Entry
from truenorth.errors import HaltError, MissingError, RefusedError


@dataclass(frozen=True)
class Settings:
    log_level: str = "WARNING"


def read(env: Mapping[str, str]) -> Settings:
    if "BAD" in env:
        raise RefusedError("setting_invalid", "BAD is set; unset it.", field="BAD")
    return Settings()


async def run(_settings: Settings) -> int:
    return 0


async def unreachable(_settings: Settings) -> int:
    raise MissingError("nothing listens there; start it")


def test_a_check_of_the_settings_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert Entry("x", read, unreachable).main(["--check-config"]) == 0
    assert capsys.readouterr().out == "the settings are fine\n"


def test_a_wrong_setting_is_a_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAD", "1")
    assert Entry("x", read, run).main([]) == 2
    assert capsys.readouterr().err == "truenorth_x: BAD is set; unset it.\n"


def test_something_missing_is_a_sentence_and_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert Entry("x", read, unreachable).main([]) == 3
    assert capsys.readouterr().err == "truenorth_x: nothing listens there; start it\n"


def test_migrate_needs_the_database_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    async def migrate(url: str) -> None:
        seen.append(url)

    monkeypatch.setenv("BAD", "1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1/x")
    assert Entry("x", read, run, migrate).main(["migrate"]) == 0
    assert seen == ["postgresql://127.0.0.1/x"]


def test_a_service_without_a_database_has_nothing_to_migrate() -> None:
    with pytest.raises(SystemExit) as ended:
        Entry("x", read, run).main(["migrate"])
    assert ended.value.code == 2


async def halts(_settings: Settings) -> int:
    raise HaltError("position 7 lies below the log's start")


def test_a_halt_is_its_sentence_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert Entry("x", read, halts).main([]) == 1
    assert capsys.readouterr().err == "truenorth_x: position 7 lies below the log's start\n"
