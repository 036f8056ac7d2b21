"""`truenorth load`, `simulate` and `send`: events in through the public API."""

import asyncio
import difflib
import json
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click
import msgspec

from truenorth.client import Client, Refusal
from truenorth.clock import SystemClock
from truenorth.codec import encode, rfc3339
from truenorth.commands.local import FOLDER, left_by_up
from truenorth.errors import MissingError, RefusedError
from truenorth.events.catalogue import CATALOGUE, TYPES_FROM_OUTSIDE
from truenorth.ids import random_id
from truenorth.samples.events import SampleEvent
from truenorth.samples.sender import EventSender
from truenorth.settings import Reader
from truenorth.topics import full_name

EXIT_FINDING = 1
SEND_SECONDS_MAX = 60.0
URL_DEFAULT = "http://127.0.0.1:8400"

_url = click.option("--url", envvar="TRUENORTH_INGEST_URL", default=URL_DEFAULT, show_default=True, help="Of ingest.")
_key = click.option("--key", help="A write key; else TRUENORTH_WRITE_KEY (or _FILE), else .truenorth/write-key.")


@click.group()
def load() -> None:
    """Load an outside data set as the events that its rows mean."""


@load.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@_url
@_key
def ravenstack(directory: Path, as_json: bool, url: str, key: str | None) -> None:  # noqa: FBT001 - click passes by name
    """Load RavenStack from DIRECTORY, its dates moved so that it ends today. Alerts nobody."""
    from rich.console import Console

    from truenorth.commands.reporting import show_report
    from truenorth.samples import ravenstack as data_set

    clock = SystemClock()

    async def run() -> None:
        events, report = data_set.load(directory, now_ms=clock.now_ms())

        def refused(event: SampleEvent, refusal: Refusal) -> None:
            if event.row is not None:
                report.refuse(*event.row, f"ingest: {refusal.code} {refusal.field}".strip())

        async with EventSender(url, find_key(key), source=data_set.SOURCE, clock=clock) as sender:
            await _post(sender, events, refused=refused)
        if as_json:
            answer = report.as_dict() | {"accepted_events": sender.accepted, "refused_events": sender.rejected}
            click.echo(json.dumps(answer, indent=2))
            return
        console = Console()
        show_report(report, console)
        console.print(f"{sender.accepted:,} events accepted, {sender.rejected:,} refused; {report.accounts} accounts.")

    _run(run())


@click.command()
@click.option("--accounts", default=48, show_default=True, type=click.IntRange(1, 5000))
@click.option("--days", default=60, show_default=True, type=click.IntRange(1, 400), help="How much past to make.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same book.")
@click.option("--history", is_flag=True, help="Post the past; so it is when --live is not given.")
@click.option("--live", is_flag=True, help="Then go on in real time, until stopped.")
@click.option("--rate", default=5.0, show_default=True, type=click.FloatRange(0.1, 2000), help="Live events a second.")
@click.option("--contacts", is_flag=True, help="Also send the accounts' contacts.")
@click.option(
    "--actions-to", metavar="BOOTSTRAP", help="Kafka, for what the CSMs say of the past too: no back end may post that."
)
@click.option("--print", "only_print", is_flag=True, help="Print the past as JSON lines instead of posting.")
@_url
@_key
def simulate(
    *,
    accounts: int,
    days: int,
    seed: int,
    history: bool,
    live: bool,
    rate: float,
    contacts: bool,
    actions_to: str | None,
    only_print: bool,
    url: str,
    key: str | None,
) -> None:
    """Make a deterministic book of business with the stories people know, and live traffic."""
    from truenorth.samples.book import make_book
    from truenorth.samples.history import past_of, said_by_csms
    from truenorth.samples.live import Happens, play
    from truenorth.samples.roads import Roads

    clock = SystemClock()
    now_ms = clock.now_ms()
    book = make_book(accounts=accounts, seed=seed)
    past = past_of(book, days=days, seed=seed, now_ms=now_ms, contacts=contacts) if history or not live else []
    if only_print:
        for event in past:
            click.echo(_line(event))
        return

    async def run() -> None:
        async with EventSender(url, find_key(key), source="simulator", clock=clock) as sender:
            await _post(sender, past, refused=_told)
            if past and actions_to is not None:
                await _write_actions(said_by_csms(book, seed=seed, now_ms=now_ms), actions_to)
            if past:
                click.echo(f"{sender.accepted:,} events of {accounts} accounts posted, {sender.rejected:,} refused.")
            if live:
                click.echo(f"Live traffic, {rate:g} events a second; stop it with Ctrl-C.")
                async with Roads(url, find_key(key), _connector_secrets()) as roads:
                    happens = Happens(rate=rate, told=click.echo, refused=_told)
                    await play(book, happens, sender=sender, roads=roads, clock=clock, seed=seed)

    _run(run())


@click.command()
@click.option("--account", required=True, help="The account that it is about.")
@click.option("--type", "event_type", required=True, help="Such as usage.recorded.")
@click.option("--data", default="{}", show_default=True, help="The payload, as JSON.")
@click.option("--id", "event_id", help="The event's id; a fresh one when left out.")
@_url
@_key
def send(account: str, event_type: str, data: str, event_id: str | None, url: str, key: str | None) -> None:
    """Send one event and say what became of it."""
    payload = CATALOGUE.get(event_type)
    if payload is None:
        near = difflib.get_close_matches(event_type, TYPES_FROM_OUTSIDE, n=1)
        cure = f"did you mean {near[0]}?" if near else f"types are: {', '.join(sorted(TYPES_FROM_OUTSIDE))}"
        raise click.UsageError(f"{event_type!r} is not an event type; {cure}")
    try:
        parsed = msgspec.json.decode(data, type=payload)
    except msgspec.MsgspecError as error:
        raise click.UsageError(f"--data does not fit {event_type}: {error}") from None
    chosen_id = event_id or random_id()
    client = Client(url, find_key(key), source="command line")
    try:
        client.send_now(parsed, account=account, id=chosen_id, seconds_max=SEND_SECONDS_MAX)
    except RefusedError as refused:
        if refused.code.startswith(("key_", "scope_")):
            raise MissingError(f"ingest does not take this write key ({refused}); give another with --key") from None
        click.echo(_said(chosen_id, refused), err=True)
        sys.exit(EXIT_FINDING)
    click.echo(f"accepted {chosen_id}")


def find_key(given: str | None) -> str:
    """Return the write key that was given, is set, or was left by `truenorth up`.

    Raises:
        MissingError: when there is none.
    """
    read = Reader(os.environ)
    key = given or read.secret("TRUENORTH_WRITE_KEY", "")
    read.finish()
    key = key.strip() or left_by_up("write-key", os.environ)
    if not key:
        raise MissingError(
            f"there is no write key: give --key, set TRUENORTH_WRITE_KEY, or let make up leave {FOLDER}/write-key"
        )
    return key


def _connector_secrets() -> dict[str, str]:
    """Return the secrets of the connectors whose webhooks are simulated; empty where none is set."""
    from truenorth.samples.errands import CONNECTORS

    read = Reader(os.environ)
    settings = {name: f"TRUENORTH_CONNECTOR_SECRET_{name.upper()}" for name in CONNECTORS}
    secrets = {name: "".join(read.secret(setting, "").split()[:1]) for name, setting in settings.items()}
    read.finish()
    return secrets


async def _post(
    sender: EventSender, events: list[SampleEvent], *, refused: Callable[[SampleEvent, Refusal], None]
) -> None:
    with click.progressbar(length=len(events), label="posting", file=sys.stderr) as bar:
        await sender.post(events, refused=refused, progress=bar.update)


async def _write_actions(events: list[SampleEvent], bootstrap: str) -> None:
    """Write what CSMs say as the console does: to Kafka itself."""
    from truenorth.kafka.producer import LanesProducer
    from truenorth.kafka.records import Outgoing

    made = [
        Outgoing(
            full_name("actions"),
            event.account.encode(),
            encode(
                event.data,
                event_id=event.id,
                source="simulator",
                account=event.account,
                time_ms=event.time_ms,
                backfill=True,
            ),
        )
        for event in events
    ]
    producer = LanesProducer(bootstrap, clock=SystemClock(), client_id="truenorth-simulate")
    await producer.start()
    try:
        await producer.send_many(made)
    finally:
        await producer.stop()


def _told(event: SampleEvent, refusal: Refusal) -> None:
    click.echo(_said(event.id, refusal), err=True)


def _said(event_id: str, refusal: Refusal | RefusedError) -> str:
    where = f" at {refusal.field}" if refusal.field else ""
    return f"refused {event_id}{where}: {refusal.message} ({refusal.code})"


def _line(event: SampleEvent) -> str:
    return json.dumps({"time": rfc3339(event.time_ms)} | msgspec.to_builtins(event.cloud_event("simulator")))


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
