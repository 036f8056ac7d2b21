"""The `truenorth` program: commands by entry point, failures as sentences and exit codes."""

from importlib.metadata import EntryPoint

import click
import pytest
from truenorth.commands import main
from truenorth.errors import HaltError, MissingError, RefusedError, TransientError


@click.command()
@click.argument("how")
def fails(how: str) -> None:
    """Fail in the way asked for."""
    errors: dict[str, Exception] = {
        "refused": RefusedError("x", "Say it otherwise."),
        "missing": MissingError("Start it first."),
        "transient": TransientError("The broker does not answer."),
        "halt": HaltError("Two answers differ."),
        "abort": click.Abort(),
        "usage": click.UsageError("no"),
    }
    if how in errors:
        raise errors[how]
    if how == "finding":
        click.get_current_context().exit(1)


@pytest.fixture(autouse=True)
def _commands(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("fails", f"{__name__}:fails", main.GROUP),
        EntryPoint("half-installed", "truenorth_nowhere:command", main.GROUP),
    ]
    monkeypatch.setattr(main, "entry_points", lambda group: points if group == main.GROUP else [])
    monkeypatch.setattr(EntryPoint, "load", _load)


def _load(point: EntryPoint) -> click.Command:
    if point.name == "fails":
        return fails
    raise ModuleNotFoundError("No module named 'truenorth_nowhere'")


@pytest.mark.parametrize(
    ("how", "code"),
    [("fine", 0), ("finding", 1), ("halt", 1), ("usage", 2), ("refused", 2), ("missing", 3), ("transient", 3)],
)
def test_each_way_to_end_has_its_exit_code(how: str, code: int) -> None:
    assert main.run(["fails", how]) == code


def test_an_interrupt_is_neither_a_finding_nor_a_success() -> None:
    assert main.run(["fails", "abort"]) == 130


def test_a_failure_is_one_sentence_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    main.run(["fails", "missing"])
    said = capsys.readouterr()
    assert said.err == "truenorth: Start it first.\n"
    assert said.out == ""


def test_an_unknown_command_is_wrong_use() -> None:
    assert main.run(["no-such-command"]) == 2


def test_a_half_installed_command_says_so_and_does_not_break_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["half-installed"]) == 3
    assert main.run(["--help"]) == 0
    assert "Fail in the way asked for." in capsys.readouterr().out
