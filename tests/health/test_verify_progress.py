"""An interrupted run of verify goes on where it was."""

from pathlib import Path

import pytest
from truenorth.errors import RefusedError
from truenorth_health.adapters.verify_progress import Progress
from truenorth_health.adapters.verify_reports import AccountDifference, PartitionReport

DIFFERENCE = AccountDifference(1, "acme", "number", "3", "2", {"health-changes": 4}, "transition")


def report(number: int) -> PartitionReport:
    return PartitionReport(number, 2, 3, 0, [DIFFERENCE], out_of_reach=["usage"])


def progress(file: Path, *, sample: int | None = None, bootstrap: str = "one:1") -> Progress:
    return Progress(file, bootstrap=bootstrap, sample=sample)


def test_what_was_done_is_taken_up(tmp_path: Path) -> None:
    first = progress(tmp_path / "p")
    first.add(report(2))
    first.add(report(0))
    again = progress(tmp_path / "p")
    assert again.done == {0, 2}
    assert again.reports == [report(0), report(2)]


def test_a_finished_run_leaves_nothing(tmp_path: Path) -> None:
    first = progress(tmp_path / "p")
    first.add(report(2))
    first.finish()
    assert list(tmp_path.iterdir()) == []
    assert progress(tmp_path / "p").done == frozenset()


def test_without_a_file_progress_is_in_memory() -> None:
    kept = Progress(None, bootstrap="one:1", sample=None)
    kept.add(report(1))
    kept.finish()
    assert kept.done == {1}


@pytest.mark.parametrize(("sample", "bootstrap"), [(10, "one:1"), (None, "two:2")])
def test_progress_of_another_run_is_refused(tmp_path: Path, sample: int | None, bootstrap: str) -> None:
    progress(tmp_path / "p").add(report(1))
    with pytest.raises(RefusedError, match="another broker or --sample"):
        progress(tmp_path / "p", sample=sample, bootstrap=bootstrap)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("name: acme", "utf-8")
    with pytest.raises(RefusedError, match="no progress of verify"):
        progress(tmp_path / "p")


def test_commands_show_the_records_to_look_at() -> None:
    assert DIFFERENCE.commands() == ["truenorth tail health-changes --partition 1 --offset 4 --count 1"]
