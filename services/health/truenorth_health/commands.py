"""The command ``truenorth verify``: is what health keeps and publishes what the events say?"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec
from truenorth.clock import SystemClock
from truenorth.definitions.model import Bundle
from truenorth.errors import HaltError, MissingError, RefusedError, TransientError
from truenorth.kafka import Record
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.reader import read_topic
from truenorth.streams.records import NewerStateError
from truenorth.topics import HEALTH_SOURCES, full_name

from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.adapters.verifier import Verifier
from truenorth_health.adapters.verify_progress import Progress
from truenorth_health.adapters.verify_reports import AccountDifference, PartitionReport
from truenorth_health.settings import Settings

EXIT_FOUND: Final = 1
SHOWN_DIFFERENCES_MAX: Final = 40
PUBLISHED: Final = ("health", "health-changes", "milestones")


@click.command()
@click.option("--sample", type=click.IntRange(min=1), help="Judge at most N accounts; the same ones at every run.")
@click.option("--partition", "only", type=click.IntRange(min=0), multiple=True, help="Judge this one; repeatable.")
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep progress here, and go on from what is there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
def verify(*, sample: int | None, only: tuple[int, ...], resume: Path | None, as_json: bool) -> None:
    """Hold what health keeps and publishes against the retained events.

    The fold of the events against the stored state; each transition against its decision point; what is published
    now against what is stored. Exits 0 when nothing differs, 1 when something does, 3 when the broker or the topics
    are not there. Only reads; safe on a running system.
    """
    settings = Settings.from_env(os.environ)
    began_s = SystemClock().monotonic()
    try:
        progress = Progress(resume, bootstrap=settings.bootstrap, sample=sample)
    except RefusedError as error:
        raise click.UsageError(error.message) from None
    try:
        asyncio.run(_judge(settings.bootstrap, progress, sample=sample, only=only, quiet=as_json))
    except NewerStateError as error:
        raise MissingError(str(error)) from error
    except TransientError as error:
        raise MissingError(f"Kafka at {settings.bootstrap} does not answer: {error}. Is the platform up?") from error
    except KeyboardInterrupt:
        kept = "the same --resume goes on there" if resume else "with --resume FILE it could go on there"
        raise MissingError(f"interrupted after {len(progress.done)} partitions; {kept}") from None
    reports = [report for report in progress.reports if not only or report.partition in only]
    progress.finish()
    seconds = SystemClock().monotonic() - began_s
    if as_json:
        click.echo(msgspec.json.encode(_document(reports, seconds)).decode())
    else:
        _print(reports, seconds)
    if any(report.differences for report in reports):
        sys.exit(EXIT_FOUND)


async def _judge(bootstrap: str, progress: Progress, *, sample: int | None, only: Sequence[int], quiet: bool) -> None:
    processor = AccountProcessor(CompiledDefinitions(_no_definitions))
    count = await _partition_count(bootstrap, processor.changelog)
    if missing := [number for number in only if number >= count]:
        raise click.UsageError(f"there is no partition {missing[0]}; there are {count}")

    def read(topic: str, partition: int, start: int = 0) -> AsyncGenerator[Record, None]:
        return read_topic(bootstrap, topic, partitions=[partition], start=start)

    todo = [number for number in only or range(count) if number not in progress.done]
    async for report in Verifier(read, processor, count=count, sample=sample).partitions(todo):
        progress.add(report)
        if not quiet:
            click.echo(
                f"partition {report.partition}: {report.accounts} accounts, {report.events} events,"
                f" {report.transitions} transitions, {len(report.differences)} differences",
                err=True,
            )


async def _partition_count(bootstrap: str, changelog: str) -> int:
    """Return how many partitions there are; all topics that go together have the same number."""
    names = [changelog, *(full_name(name) for name in (*HEALTH_SOURCES, *PUBLISHED))]
    counts = await KafkaLog(bootstrap, client_id="truenorth-verify").partition_counts(names)
    if missing := [name for name in names if not counts.get(name)]:
        raise MissingError(f"there is no topic {missing[0]}; has the platform been set up?")
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {counts[name]}" for name in names)
        raise HaltError(f"topics that go together have different numbers of partitions: {told}")
    return counts[changelog]


def _no_definitions() -> Bundle | None:
    """What is kept does not depend on definitions; those that decisions name are read by their hash."""
    return None


def _document(reports: list[PartitionReport], seconds: float) -> dict[str, object]:
    counted = {
        name: sum(getattr(report, name) for report in reports)
        for name in ("accounts", "events", "dead_letters", "duplicates", "transitions", "waiting", "unjudged")
    }
    return {
        **counted,
        "partitions": len(reports),
        "seconds": round(seconds, 3),
        "out_of_reach": _out_of_reach(reports),
        "differences": [
            msgspec.to_builtins(difference) | {"look": difference.commands()}
            for report in reports
            for difference in report.differences
        ],
    }


def _out_of_reach(reports: list[PartitionReport]) -> list[str]:
    return [f"partition {report.partition}: {sentence}" for report in reports for sentence in report.out_of_reach]


def _print(reports: list[PartitionReport], seconds: float) -> None:
    differences = [difference for report in reports for difference in report.differences]
    for difference in differences[:SHOWN_DIFFERENCES_MAX]:
        _print_one(difference)
    if len(differences) > SHOWN_DIFFERENCES_MAX:
        click.echo(f"... and {len(differences) - SHOWN_DIFFERENCES_MAX} more; --json has them all")
    for sentence in _out_of_reach(reports):
        click.echo(f"not judged: {sentence}")
    total = _document(reports, seconds)
    verdict = "nothing differs" if not differences else f"{len(differences)} differences"
    click.echo(
        f"{total['accounts']} accounts, {total['events']} events folded anew, {total['duplicates']} duplicates of"
        f" senders dropped, {total['transitions']} transitions judged in {seconds:.1f} s: {verdict}."
    )


def _print_one(difference: AccountDifference) -> None:
    stored, derived = {
        "state": ("stored", "refolded"),
        "transition": ("published", "follows"),
        "present": ("stands", "follows"),
    }[difference.kind]
    click.echo(f"{difference.account}: {difference.field}  (partition {difference.partition})")
    click.echo(f"    {stored:<9} {difference.stored}\n    {derived:<9} {difference.refolded}")
    for command in difference.commands():
        click.echo(f"    look at   {command}")
