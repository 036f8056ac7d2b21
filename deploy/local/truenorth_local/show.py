"""What the command line shows of a stack: progress while it starts, a table, and where everything is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.status import Status as Spinner
from rich.table import Table

from truenorth_local.jars import KAFKA_VERSION
from truenorth_local.jars import Progress as Told
from truenorth_local.places import Places
from truenorth_local.status import Status

STYLES = {"ready": "green", "not ready": "yellow", "restarting": "red", "not running": "red"}


@contextmanager
def download(console: Console) -> Iterator[Told]:
    """Show a progress bar of the download of Kafka while the context lives."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"Fetching Apache Kafka {KAFKA_VERSION} (once per machine)", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class Steps:
    """Says each new step once: as a spinner on a terminal, as a line elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = ""
        self._spinner: Spinner | None = None

    def say(self, text: str) -> None:
        """Show what is being done now."""
        if text == self._said or not text:
            return
        self._said = text
        if not self._console.is_terminal:
            self._console.print(f"{text} ...", highlight=False)
        elif self._spinner is None:
            self._spinner = self._console.status(text)
            self._spinner.start()
        else:
            self._spinner.update(text)

    def end(self) -> None:
        """Take the spinner away."""
        if self._spinner is not None:
            self._spinner.stop()


def parts(console: Console, status: Status) -> None:
    """Print every part with its state and address, and below why one is not ready."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("part", "state", "address"):
        shown.add_column(heading, no_wrap=True)
    for part in status.parts:
        shown.add_row(part.name, f"[{STYLES[part.state]}]{part.state}[/]", part.address)
    console.print(shown)
    for part in status.parts:
        again = f"started again {part.restarts} times" if part.restarts else ""
        detail = "; ".join(text for text in (again, part.detail) if text)
        if detail:
            console.print(f"{part.name}: {detail}", highlight=False, soft_wrap=True, markup=False)


def places(console: Console, where: Places, status: Status) -> None:
    """Print where everything is."""
    addresses = {part.name: part.address for part in status.parts}
    rows = {
        "Console": addresses["console"],
        "Events go to": f"{addresses['ingest']}/v1/events",
        "SDKs send to": f"{addresses['ingest']} (/v1/batch; Segment's, RudderStack's and their like)",
        "Write key": str(where.write_key),
        "Mail": f"{where.mail} (every mail that was sent)",
        "Webhooks": f"{where.webhooks} (every one that was received)",
        "Kafka": addresses["kafka"],
        "PostgreSQL": f"{addresses['postgres']} (whole URL in {where.database_url})",
        "Logs": str(where.logs),
        "Commands": f"truenorth --help, after: export PATH={Path(sys.executable).parent}:$PATH",
    }
    for name, value in rows.items():
        console.print(f"  {name:<13} {value}", highlight=False, soft_wrap=True)


def demo(console: Console, address: str, where: Places) -> None:
    """Print what to look at in the demo, and where."""
    rows = {
        "My book": f"{address} (accounts cross bands in the first minute)",
        "Intake": f"{address}/intake (what was refused and why; an invoice that waits for you to say whose it is)",
        "As it happens": str(where.logs / "traffic.log"),
    }
    for name, value in rows.items():
        console.print(f"  {name:<13} {value}", highlight=False, soft_wrap=True)
