"""The report of a load as a table for people."""

from rich.console import Console
from rich.table import Table

from truenorth.samples.report import FileReport, LoadReport


def show_report(report: LoadReport, console: Console) -> None:
    """Print rows per file with their outcomes, then every reason with its count."""
    table = Table(title=f"Rows, all dates moved by {report.shift_days} days", title_justify="left")
    table.add_column("file")
    for column in ("rows", "accepted", "repaired", "refused"):
        table.add_column(column, justify="right")
    for name, file in report.files.items():
        counts = (len(file.outcomes), *(file.count(outcome) for outcome in ("accepted", "repaired", "refused")))
        table.add_row(name, *(f"{count:,}" for count in counts))
    console.print(table)
    for name, file in report.files.items():
        for line in _reasons(file):
            console.print(f"  {name}: {line}", highlight=False, soft_wrap=True)


def _reasons(file: FileReport) -> list[str]:
    repaired = [f"{count:,} repaired: {reason}" for reason, count in file.reasons("repaired").most_common()]
    refused = [f"{count:,} refused: {reason}" for reason, count in file.reasons("refused").most_common()]
    return repaired + refused + [f"{count:,} odd, taken as they are: {what}" for what, count in file.odd.most_common()]
