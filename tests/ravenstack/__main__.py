"""Make the figures of docs/ravenstack.md: ``python -m tests.ravenstack DIRECTORY [--write docs/ravenstack.md]``."""

import argparse
import re
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from truenorth import words
from truenorth.clock import MILLIS_PER_DAY, date_of_day, day_start_ms, to_millis
from truenorth_health.domain.explained_text import lines
from truenorth_health.domain.explanation import Explanation

from tests.ravenstack import study
from tests.ravenstack.book import Account, Book

NOW_MS = to_millis(datetime(2026, 11, 22, 15, 0, tzinfo=UTC))
"""The day the data set is moved to: figures do not depend on when they are made."""
CONFIG = Path(__file__).parents[2] / "config"


def main() -> None:
    """Print the tables, or write them between the marks of a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, help="where the files of the data set are")
    parser.add_argument("--definitions", type=Path, default=CONFIG)
    parser.add_argument("--write", type=Path, help="a page with <!-- begin NAME --> ... <!-- end NAME --> marks")
    asked = parser.parse_args()
    book = Book(asked.directory, asked.definitions, now_ms=NOW_MS)
    floorless = Book(asked.directory, asked.definitions, now_ms=NOW_MS, has_floor=False)
    blocks = figures(book, floorless)
    if asked.write is None:
        for name, text in blocks.items():
            sys.stdout.write(f"<!-- {name} -->\n{text}\n\n")
        return
    page = asked.write.read_text("utf-8")
    for name, text in blocks.items():
        marks = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        page, count = marks.subn(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)  # type: ignore[misc]
        if count != 1:
            sys.exit(f"{asked.write} has no marks, or several, for {name}")
    asked.write.write_text(page, "utf-8")


def figures(book: Book, floorless: Book) -> dict[str, str]:
    """Return the blocks of the page by name; ``floorless`` is the same book where nothing is unknown."""
    accounts = list(book.accounts.values())
    leavers, stayers, never_left = _groups(book)
    said = {account.name: book.explain(account) for account in accounts}
    return {
        "input": _input(book, accounts, leavers, never_left),
        "bands": _bands(said),
        "leads": _leads(leavers, stayers),
        "ranks": _ranks(*_groups(book)),
        "floorless": _ranks(*_groups(floorless)),
        "days": _days(leavers, stayers),
        **_three(book, said, leavers),
    }


def _groups(book: Book) -> tuple[list[Account], list[Account], list[Account]]:
    """Return those who left for good, those who did not, and those of them without any churn event."""
    accounts = list(book.accounts.values())
    stayers = [one for one in accounts if one.left_day is None]
    return study.leavers_of(accounts), stayers, [one for one in stayers if not one.has_returned]


def _table(head: str, *rows: list[str]) -> str:
    columns = head.split(" | ")
    ruled = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(ruled + ["| " + " | ".join(row) + " |" for row in rows])


def _share(part: float) -> str:
    return f"{part * 100:.0f} %"


def _input(book: Book, accounts: list[Account], leavers: list[Account], never_left: list[Account]) -> str:
    """Say what went in: how much of it there is decides how much can come out."""
    kinds = Counter(event.type for account in accounts for event in account.events)
    monthly = []
    for account in accounts:
        months = max(1.0, (book.now_ms - account.events[0].time_ms) / (30.44 * MILLIS_PER_DAY))
        monthly.append(sum(event.type == "usage.recorded" for event in account.events) / months)
    odd = book.report.file("feature_usage").odd
    early = odd["used before its subscription started"] + odd["used after its subscription ended"]
    rows = [
        ["accounts", str(len(accounts))],
        ["of them left for good", str(len(leavers))],
        ["of them never had a churn event", str(len(never_left))],
        ["usage events", f"{kinds['usage.recorded']:,}".replace(",", " ")],
        ["of them outside the subscription that they name", f"{early:,}".replace(",", " ")],
        ["usage events per account and month, median", words.points(median(monthly))],
        ["tickets opened", f"{kinds['ticket.opened']:,}".replace(",", " ")],
        ["satisfaction ratings", f"{kinds['ticket.rated']:,}".replace(",", " ")],
        ["churn events", str(kinds["account.churned"])],
        ["survey answers, objectives, engagements, pulses, invoices", "none"],
    ]
    return _table("what went in | number", *rows)


def _bands(said: dict[str, Explanation]) -> str:
    living = [one for one in said.values() if one.status == "scored"]
    left = [one for one in said.values() if one.status == "churned"]
    rows = []
    for name, group in (("scored now", living), ("churned, as of when they left", left)):
        counts = Counter(one.band for one in group)
        scores = [one.score for one in group if one.score is not None]
        rows.append(
            [
                name,
                str(len(group)),
                *(f"{counts[band]} ({_share(counts[band] / len(group))})" for band in study.BANDS),
                words.points(median(scores)) if scores else "–",
            ]
        )
    return _table("accounts | number | green | yellow | red | unknown | median score", *rows)


def _leads(leavers: list[Account], stayers: list[Account]) -> str:
    rows = []
    for lead in study.LEADS:
        one = study.at_lead(leavers, stayers, lead)
        rows.append(
            [
                str(lead),
                str(one.leavers),
                words.points(one.mean_leavers),
                words.points(one.mean_stayers),
                _share(one.low_leavers),
                _share(one.low_stayers),
            ]
        )
    return _table(
        "days before | leavers with a score | mean score, leavers | mean score, stayers that day"
        " | yellow or red, leavers | yellow or red, stayers that day",
        *rows,
    )


def _ranks(leavers: list[Account], stayers: list[Account], never_left: list[Account]) -> str:
    rows = []
    for name, others, may in (
        ("all who stayed", stayers, study.any_pair),
        ("those who stayed and signed up within 90 days of the leaver", stayers, study.of_like_age),
        ("those who never had a churn event", never_left, study.any_pair),
    ):
        for lead in (90, 30, 1):
            one = study.ranked(leavers, others, lead, may)
            rows.append(
                [
                    name,
                    str(lead),
                    f"{one.leavers} × {one.stayers}",
                    f"{one.pairs:,}".replace(",", " "),
                    f"{one.chance:.3f}",
                    f"{one.low:.3f} to {one.high:.3f}",
                    "no" if one.low <= 0.5 <= one.high else "yes",
                ]
            )
    return _table(
        "compared with | days before | leavers × stayers | pairs | chance | 95 % interval | differs from a coin", *rows
    )


def _days(leavers: list[Account], stayers: list[Account]) -> str:
    mine, theirs, count = study.band_days(leavers, stayers)
    red, whole, red_stayers = study.ever(leavers, stayers, frozenset({"red"}))
    low, _, low_stayers = study.ever(leavers, stayers, frozenset({"red", "yellow"}))
    return _table(
        f"in the 90 days before | leavers ({whole}; {count} days) | stayers on the same days",
        *([f"days {band}", _share(mine[band]), _share(theirs[band])] for band in study.BANDS),
        ["ever red", f"{red} of {whole} ({_share(red / whole)})", _share(red_stayers)],
        ["ever yellow or red", f"{low} of {whole} ({_share(low / whole)})", _share(low_stayers)],
    )


def _three(book: Book, said: dict[str, Explanation], leavers: list[Account]) -> dict[str, str]:
    """Explain three accounts, chosen by rule: the best, the worst, and the middle leaver on its last day."""
    living = sorted(
        (one for one in said.values() if one.status == "scored" and one.score is not None),
        key=lambda one: (one.score or 0.0, one.account),
    )
    middle = sorted(
        (one for one in leavers if study.score_on(one, (one.left_day or 0) - 1) is not None),
        key=lambda one: (study.score_on(one, (one.left_day or 0) - 1) or 0.0, one.name),
    )
    leaver = middle[len(middle) // 2]
    before = book.explain(leaver, day_start_ms(leaver.left_day or 0) - 1)
    told = f"It left on {date_of_day(leaver.left_day or 0).isoformat()}; this is the evening before.\n\n"
    return {
        "best": _block(living[-1]),
        "worst": _block(living[0]),
        "leaver": told + _block(before),
    }


def _block(said: Explanation) -> str:
    return "```text\n" + "\n".join(line.rstrip() for line in lines(said)) + "\n```"


if __name__ == "__main__":
    main()
