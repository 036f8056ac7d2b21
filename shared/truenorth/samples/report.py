"""What became of each row of a loaded data set: accepted, repaired or refused, exactly one of them per row."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["accepted", "repaired", "refused"]


@dataclass(slots=True)
class FileReport:
    """One file: the outcome and reason of each row by its number (from 1), and what was odd and yet accepted."""

    outcomes: dict[int, tuple[Outcome, str]] = field(default_factory=dict)
    odd: Counter[str] = field(default_factory=Counter)

    def count(self, outcome: Outcome) -> int:
        """Return the number of rows with this outcome."""
        return sum(1 for found, _ in self.outcomes.values() if found == outcome)

    def reasons(self, outcome: Outcome) -> Counter[str]:
        """Return how many rows had this outcome for which reason."""
        return Counter(reason for found, reason in self.outcomes.values() if found == outcome and reason)


@dataclass(slots=True)
class LoadReport:
    """The report of a load: per file, and what was posted."""

    files: dict[str, FileReport] = field(default_factory=dict)
    shift_days: int = 0
    events: Counter[str] = field(default_factory=Counter)
    accounts: int = 0

    def file(self, name: str) -> FileReport:
        """Return the report of a file."""
        return self.files.setdefault(name, FileReport())

    def accept(self, file: str, row: int) -> None:
        """The row is taken as it is, unless it was repaired or refused already."""
        self.file(file).outcomes.setdefault(row, ("accepted", ""))

    def repair(self, file: str, row: int, reason: str) -> None:
        """The row is taken after a repair; the first reason counts, and a refusal stays."""
        if self.file(file).outcomes.get(row, ("accepted", ""))[0] == "accepted":
            self.file(file).outcomes[row] = ("repaired", reason)

    def refuse(self, file: str, row: int, reason: str) -> None:
        """The row is not taken."""
        self.file(file).outcomes[row] = ("refused", reason)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for machines; per file ``rows`` is the sum of the three outcomes."""
        return {
            "shift_days": self.shift_days,
            "accounts": self.accounts,
            "events": dict(sorted(self.events.items())),
            "files": {name: _file_dict(report) for name, report in self.files.items()},
        }


def _file_dict(report: FileReport) -> dict[str, Any]:
    return {
        "rows": len(report.outcomes),
        "accepted": report.count("accepted"),
        "repaired": report.count("repaired"),
        "refused": report.count("refused"),
        "repairs": dict(report.reasons("repaired")),
        "refusals": dict(report.reasons("refused")),
        "odd": dict(report.odd),
    }
