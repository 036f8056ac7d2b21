"""``truenorth quarantine``: what the edge refused, and sending it again once it can be taken."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import click
import httpx
import msgspec
from truenorth.clock import SystemClock
from truenorth.codec import parse_time
from truenorth.commands.traffic import URL_DEFAULT, find_key
from truenorth.errors import MissingError, RefusedError
from truenorth.kafka.reader import read_topic
from truenorth.quarantine import QuarantinedEvent, parse_quarantined
from truenorth.settings import Reader

from truenorth_ingest.domain.quarantining import QUARANTINE_TOPIC

EXIT_FINDING: Final = 1
SHOWN_MAX: Final = 20
KEPT_MAX: Final = 100_000
ANSWER_SECONDS_MAX: Final = 30.0
REPEATS_MAX: Final = 5
_MS_OF_UNIT: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}

Wanted = Callable[["Kept"], bool]


@dataclass(frozen=True, slots=True)
class Kept:
    """A record of the quarantine and where it lies, as ``partition:offset``."""

    place: str
    said: QuarantinedEvent

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, for programs."""
        told: dict[str, Any] = msgspec.to_builtins(self.said)
        return {"place": self.place} | told


def _chosen(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose records."""
    for option in (
        click.option("--key", "key_id", help="Only of this key (its id)."),
        click.option("--route", help="Only by this road: events, tracking, webhooks, webhooks/stripe ..."),
        click.option("--code", help="Only refused with this code."),
        click.option("--since", default="24h", show_default=True, help="Only of the last 30m, 24h, 7d ..."),
    ):
        command = option(command)
    return command


@click.group()
def quarantine() -> None:
    """See what the edge refused, and send it again (needs KAFKA_BOOTSTRAP_SERVERS)."""


@quarantine.command(name="list")
@_chosen
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with everything in it.")
def list_(*, since: str, code: str | None, route: str | None, key_id: str | None, as_json: bool) -> None:
    """Count what was refused by code, road and field, then show the newest."""
    found = _found(_wanted(since, code, route, key_id))
    if as_json:
        for kept in found:
            click.echo(msgspec.json.encode(kept.as_dict()))
        return
    if not found:
        click.echo(f"nothing of the last {since} lies in the quarantine")
        return
    counts = Counter((kept.said.code, kept.said.route, kept.said.field) for kept in found)
    rows = [("EVENTS", "CODE", "ROUTE", "FIELD")]
    rows += [(str(count), *what) for what, count in counts.most_common()]
    _show(rows)
    click.echo("")
    newest: list[tuple[str, ...]] = [("PLACE", "REFUSED", "CODE", "ROUTE", "KEY", "MESSAGE")]
    newest += [_row(kept) for kept in found[-SHOWN_MAX:][::-1]]
    _show(newest)


@quarantine.command()
@click.argument("place")
@click.option("--json", "as_json", is_flag=True, help="The record as one JSON object.")
def show(place: str, *, as_json: bool) -> None:
    """Show the record at PLACE (partition:offset, as `list` says it), whole."""
    kept = _at(place)
    if as_json:
        click.echo(msgspec.json.encode(kept.as_dict()))
        return
    said = kept.said
    for name, value in (
        ("place", place),
        ("refused", said.recordedtime),
        ("code", said.code),
        ("field", said.field or "-"),
        ("message", said.message),
        ("route", said.route),
        ("key", f"{said.key_id} ({said.key_name})" if said.key_name else said.key_id),
        ("original", f"{said.original_bytes} bytes{_remarks(said)}"),
    ):
        click.echo(f"{name:9} {value}")
    click.echo(_pretty(said.original))


@quarantine.command()
@click.argument("place", required=False)
@_chosen
@click.option("--dry-run", is_flag=True, help="Say what would become of each, and send nothing.")
@click.option("--url", envvar="TRUENORTH_INGEST_URL", default=URL_DEFAULT, show_default=True, help="Of ingest.")
@click.option("--write-key", help="A key of scope quarantine:replay; else as `truenorth send` finds it.")
def replay(
    *,
    place: str | None,
    since: str,
    code: str | None,
    route: str | None,
    key_id: str | None,
    dry_run: bool,
    url: str,
    write_key: str | None,
) -> None:
    """Send the record at PLACE again, or all that the options choose: what was wrong here is right by now.

    What is still wrong is refused again and says so; what is not kept whole is named and left.
    """
    if place is None and not (code or route or key_id):
        raise click.UsageError("name a PLACE, or choose by --code, --route or --key")
    found = [_at(place)] if place is not None else _found(_wanted(since, code, route, key_id))
    key = find_key(write_key)
    with httpx.Client(base_url=url, timeout=ANSWER_SECONDS_MAX, headers={"authorization": f"Bearer {key}"}) as client:
        outcomes = Counter(_replayed(client, kept, dry_run=dry_run) for kept in found)
    would = "would be " if dry_run else ""
    click.echo(
        f"{outcomes['taken']} {would}taken, {outcomes['refused']} {would}refused again,"
        f" {outcomes['left']} left because they are not whole"
    )
    if outcomes["refused"] or outcomes["left"]:
        raise SystemExit(EXIT_FINDING)


def _replayed(client: httpx.Client, kept: Kept, *, dry_run: bool) -> str:
    said = kept.said
    if said.truncated:
        click.echo(
            f"{kept.place} left: {said.code}; its {said.original_bytes} bytes are not kept whole, so send it anew"
        )
        return "left"
    body = {
        "route": said.route,
        "original": said.original,
        "key_name": said.key_name,
        "recordedtime": said.recordedtime,
        "place": kept.place,
        "dry_run": dry_run,
    }
    answer = _answer(client, body)
    told = answer.json()
    if answer.status_code in {401, 403, 404}:
        raise RefusedError(told["code"], told["message"], field="--write-key")
    bad = told["rejected"][0] if answer.is_success and told["rejected"] else None if answer.is_success else told
    if bad is not None:
        where = f" at {bad['field']}" if bad["field"] else ""
        click.echo(f"{kept.place} refused{where}: {bad['message']} ({bad['code']})")
        return "refused"
    waits = "; it waits for its account" if told.get("unresolved") else ""
    click.echo(f"{kept.place} {'would be taken' if dry_run else 'taken'}{waits}")
    return "taken"


def _answer(client: httpx.Client, body: dict[str, Any]) -> httpx.Response:
    """Return the answer, after as many waits as the edge asks for."""
    clock = SystemClock()
    for _ in range(REPEATS_MAX):
        try:
            answer = client.post("/v1/replay", json=body)
        except httpx.TransportError as error:
            raise MissingError(
                f"ingest does not answer at {client.base_url} ({error}); start it, or say --url"
            ) from None
        if answer.status_code not in {429, 503}:
            return answer
        asyncio.run(clock.sleep(float(answer.headers.get("retry-after", "2"))))
    raise MissingError(f"ingest is too busy for a replay ({answer.json()['message']}); try again later")


def _wanted(since: str, code: str | None, route: str | None, key_id: str | None) -> Wanted:
    number, unit = since[:-1], since[-1:]
    if not number.isdecimal() or unit not in _MS_OF_UNIT:
        raise RefusedError(
            "since_invalid", "--since is a number and m, h or d, such as 30m, 24h or 7d", field="--since"
        )
    from_ms = SystemClock().now_ms() - int(number) * _MS_OF_UNIT[unit]

    def wanted(kept: Kept) -> bool:
        said = kept.said
        by_road = route is None or f"{said.route}/".startswith(f"{route}/")
        chosen = by_road and code in {None, said.code} and key_id in {None, said.key_id}
        return chosen and parse_time(said.recordedtime, field="recordedtime") >= from_ms

    return wanted


def _found(wanted: Wanted) -> list[Kept]:
    """Return the newest records that are wanted, oldest first."""

    async def run() -> list[Kept]:
        found: list[Kept] = []
        async with aclosing(read_topic(_bootstrap(), QUARANTINE_TOPIC)) as records:
            async for record in records:
                kept = Kept(f"{record.partition}:{record.offset}", parse_quarantined(record.value or b""))
                if wanted(kept):
                    found.append(kept)
        return sorted(found, key=lambda kept: kept.said.recordedtime)[-KEPT_MAX:]

    return asyncio.run(run())


def _at(place: str) -> Kept:
    partition, _, offset = place.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise RefusedError(
            "place_invalid", "a place is partition:offset, as 'truenorth quarantine list' says it", field="PLACE"
        )

    async def run() -> Kept | None:
        reading = read_topic(_bootstrap(), QUARANTINE_TOPIC, partitions=[int(partition)], start=int(offset))
        async with aclosing(reading) as records:
            async for record in records:
                if record.offset == int(offset):
                    return Kept(place, parse_quarantined(record.value or b""))
                break
        return None

    kept = asyncio.run(run())
    if kept is None:
        raise RefusedError("place_unknown", f"there is no record at {place} any more, or not yet", field="PLACE")
    return kept


def _bootstrap() -> str:
    read = Reader(os.environ)
    bootstrap = read.bootstrap()
    read.finish()
    return bootstrap


def _row(kept: Kept) -> tuple[str, ...]:
    said = kept.said
    return kept.place, said.recordedtime, said.code, said.route, said.key_name or said.key_id, said.message


def _remarks(said: QuarantinedEvent) -> str:
    remarks = []
    if said.truncated:
        remarks.append("not kept whole, so it cannot be replayed")
    if said.redacted:
        remarks.append("without the people in it")
    return "".join(f"; {remark}" for remark in remarks)


def _pretty(original: str) -> str:
    try:
        return msgspec.json.format(original, indent=2)
    except msgspec.DecodeError:
        return original


def _show(rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table, columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
