"""`truenorth tail`: the records of any topic, decoded for people."""

import asyncio
import os
from collections.abc import Sequence
from typing import Final

import click

from truenorth import topics
from truenorth.clock import SystemClock
from truenorth.errors import MissingError

BOOTSTRAP_DEFAULT: Final = "127.0.0.1:19092"


@click.command()
@click.argument("topic")
@click.option("--from-start", is_flag=True, help="Begin at the oldest record instead of now.")
@click.option("--partition", type=click.IntRange(min=0), help="Only this partition.")
@click.option("--offset", "--from", type=click.IntRange(min=0), help="Begin at this offset; with --partition.")
@click.option("--account", help="Only what is about this account.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many records instead of following.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with everything in it.")
def tail(
    *,
    topic: str,
    from_start: bool,
    partition: int | None,
    offset: int | None,
    account: str | None,
    count: int | None,
    as_json: bool,
) -> None:
    """Follow TOPIC (its short name: usage, health-changes, health-changelog ...) and decode it for people."""
    if topic not in topics.BY_NAME:
        raise click.UsageError(f"{topic!r} is no topic; topics are: {', '.join(topics.BY_NAME)}")
    if offset is not None and partition is None:
        raise click.UsageError("--offset says where to begin in one partition: give --partition too")
    if offset is not None and from_start:
        raise click.UsageError("give either --from-start or --offset")
    try:
        asyncio.run(_follow(topic, partition, 0 if from_start else offset, account, count, as_json=as_json))
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


async def _follow(
    topic: str, partition: int | None, first: int | None, account: str | None, count: int | None, *, as_json: bool
) -> None:
    from truenorth.kafka import Record
    from truenorth.kafka.admin import begin_and_end_offsets
    from truenorth.kafka.consumer import ConsumerLoop
    from truenorth.kafka.progress import Place
    from truenorth.samples.decoding import account_of, installed_description
    from truenorth.samples.tailing import as_json_line, as_text

    bootstrap = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", BOOTSTRAP_DEFAULT)
    name, describe, render = topics.full_name(topic), installed_description(), as_json_line if as_json else as_text
    left = count

    async def position(places: set[Place]) -> dict[Place, int]:
        """Say where to begin; what is left out begins at its end."""
        spans = await begin_and_end_offsets(bootstrap, [name])
        if partition is not None and (name, partition) not in spans:
            raise MissingError(f"{topic} has no partition {partition}; it has {len(spans)}")
        wanted = {place: spans[place] for place in places if partition in {None, place[1]}}
        return {} if first is None else {place: _begin(place, *span, first) for place, span in wanted.items()}

    async def show(records: Sequence[Record]) -> None:
        nonlocal left
        for record in records:
            if partition not in {None, record.partition} or (account is not None and account_of(record) != account):
                continue
            click.echo(render(record, describe))
            left = None if left is None else left - 1
            if left == 0:
                await loop.stop()
                return

    loop = ConsumerLoop(
        bootstrap,
        None,
        [name],
        show,
        from_start=False,
        position=position,
        clock=SystemClock(),
        client_id="truenorth-tail",
    )
    await loop.start()
    try:
        await loop.run()
    finally:
        await loop.stop()


def _begin(place: tuple[str, int], begin: int, end: int, wanted: int) -> int:
    """Return the offset to begin at: 0 stands for the oldest there is."""
    if wanted == 0:
        return begin
    if not begin <= wanted <= end:
        raise MissingError(f"there is no offset {wanted} in {place[0]}/{place[1]}: it holds {begin} to {end - 1}")
    return wanted
