"""The command ``truenorth verify``: is what health keeps what the events say?"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from typing import Final

import click
import msgspec
from truenorth.clock import SystemClock, date_of_day
from truenorth.definitions.model import Bundle
from truenorth.errors import MissingError, TransientError
from truenorth.kafka import Record
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.reader import read_topic

from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.adapters.verifier import PartitionReport, Verifier
from truenorth_health.settings import Settings

EXIT_FOUND: Final = 1
SHOWN_DIFFERENCES_MAX: Final = 40


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
def verify(*, as_json: bool) -> None:
    """Fold the retained events anew and compare with the stored state, all accounts.

    Exits 0 when nothing differs, 1 when something does, 3 when the broker is not there. Safe on a running system.
    """
    settings = Settings.from_env(os.environ)
    began_s = SystemClock().monotonic()
    try:
        reports = asyncio.run(_reports(settings.bootstrap, quiet=as_json))
    except TransientError as error:
        raise MissingError(f"Kafka at {settings.bootstrap} does not answer: {error}. Is the platform up?") from error
    seconds = SystemClock().monotonic() - began_s
    if as_json:
        click.echo(msgspec.json.encode(_document(reports, seconds)).decode())
    else:
        _print(reports, seconds)
    if any(report.differences for report in reports):
        sys.exit(EXIT_FOUND)


async def _reports(bootstrap: str, *, quiet: bool) -> list[PartitionReport]:
    processor = AccountProcessor(CompiledDefinitions(_no_definitions))
    counts = await KafkaLog(bootstrap, client_id="truenorth-verify").partition_counts([processor.changelog])
    reports = []

    def read(topic: str, partition: int) -> AsyncGenerator[Record, None]:
        return read_topic(bootstrap, topic, partitions=[partition])

    async for report in Verifier(read, processor).partitions(counts.get(processor.changelog, 0)):
        reports.append(report)
        if not quiet:
            click.echo(
                f"partition {report.partition}: {report.accounts} accounts, {report.events} events,"
                f" {len(report.differences)} differences",
                err=True,
            )
    return reports


def _no_definitions() -> Bundle | None:
    """What is kept does not depend on definitions."""
    return None


def _document(reports: list[PartitionReport], seconds: float) -> dict[str, object]:
    return {
        "accounts": sum(report.accounts for report in reports),
        "events": sum(report.events for report in reports),
        "dead_letters": sum(report.dead_letters for report in reports),
        "partitions": len(reports),
        "seconds": round(seconds, 3),
        "out_of_reach": _out_of_reach(reports),
        "differences": [difference for report in reports for difference in report.differences],
    }


def _out_of_reach(reports: list[PartitionReport]) -> list[str]:
    return [
        f"partition {report.partition}: usage before {date_of_day(report.usage_from_day)} is past retention"
        for report in reports
        if report.usage_from_day is not None
    ]


def _print(reports: list[PartitionReport], seconds: float) -> None:
    differences = [difference for report in reports for difference in report.differences]
    for difference in differences[:SHOWN_DIFFERENCES_MAX]:
        click.echo(f"{difference.account}: {difference.field}")
        click.echo(f"    stored   {difference.stored}\n    refolded {difference.refolded}")
        click.echo(f"    folded up to {difference.offsets} of partition {difference.partition}")
    if len(differences) > SHOWN_DIFFERENCES_MAX:
        click.echo(f"... and {len(differences) - SHOWN_DIFFERENCES_MAX} more; --json has them all")
    for sentence in _out_of_reach(reports):
        click.echo(sentence)
    accounts, events = sum(report.accounts for report in reports), sum(report.events for report in reports)
    verdict = "nothing differs" if not differences else f"{len(differences)} fields differ"
    click.echo(f"{accounts} accounts, {events} events folded anew in {seconds:.1f} s: {verdict}.")
