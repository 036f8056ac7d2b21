"""The table: one row per fault."""

import statistics
from dataclasses import dataclass, field

from tests.faults.judge import Verdict


@dataclass
class Row:
    """What a fault did. ``not_run`` says why there are no figures; ``recovery_s`` holds one entry per round."""

    fault: str
    rounds: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    again: int = 0
    recovery_s: list[float] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    not_run: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled or differs."""
        return self.verdict.good

    def document(self) -> dict[str, object]:
        """Return the row for ``--json``."""
        verdict = self.verdict
        return {
            "fault": self.fault,
            "rounds": self.rounds,
            "accepted": verdict.accepted,
            "sent_again": self.again,
            "changes": verdict.changes,
            "judged": verdict.judged,
            "lost": verdict.lost,
            "doubled": verdict.doubled,
            "differing": verdict.differing,
            "recovery_s_median": _median(self.recovery_s),
            "recovery_s_max": round(max(self.recovery_s, default=0.0), 1),
            "seconds": round(self.seconds),
            "remarks": self.remarks,
            "wrong": verdict.sentences,
            "not_run": self.not_run,
        }


def _median(values: list[float]) -> float:
    return round(statistics.median(values), 1) if values else 0.0


HEAD = (
    "| fault | rounds | accepted | sent again | changes published | lost | doubled | differing "
    "| recovery median, s | max, s |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def line(row: Row) -> str:
    """Return a row in Markdown."""
    if row.not_run:
        return f"| {row.fault} | not run: {row.not_run} | | | | | | | | |"
    verdict = row.verdict
    cells = [
        row.fault,
        f"{row.rounds}",
        f"{verdict.accepted:,}",
        f"{row.again:,}",
        f"{verdict.changes:,}",
        f"{verdict.lost}",
        f"{verdict.doubled}",
        f"{verdict.differing}",
        f"{_median(row.recovery_s):.1f}",
        f"{max(row.recovery_s, default=0.0):.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def table(rows: list[Row]) -> str:
    """Return the whole table in Markdown."""
    return "\n".join([HEAD, *[line(row) for row in rows]])
