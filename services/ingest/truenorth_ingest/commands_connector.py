"""``truenorth connector``: try connectors before they are put in force, and see which are heard."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from truenorth.clock import SystemClock
from truenorth.codec import rfc3339
from truenorth.commands.local import find_database_url, has_database, left_by_up
from truenorth.definitions import yaml_nodes
from truenorth.definitions.apply import read_shelf
from truenorth.definitions.intake import Connector
from truenorth.definitions.lint import installed_checks, lint
from truenorth.definitions.parse import DefinitionsRefusedError, Parsed, parse_texts
from truenorth.errors import MissingError, RefusedError
from truenorth.postgres.engine import make_engine
from truenorth.settings import Reader

from truenorth_ingest.adapters.connector_tables import PostgresHeard
from truenorth_ingest.adapters.schema import require_current
from truenorth_ingest.adapters.shipped import FOLDER, PACKAGE, shipped_connectors
from truenorth_ingest.domain.webhooks.built_in import READERS
from truenorth_ingest.domain.webhooks.cases import Case, Suite, difference, meant, read_suite
from truenorth_ingest.domain.webhooks.silence import Heard, limit_ms, silent_ms
from truenorth_ingest.domain.webhooks.taking import ConnectorReader
from truenorth_ingest.handlers.connectors import setting_of
from truenorth_ingest.handlers.defined import Defined
from truenorth_ingest.settings import SCHEMA

EXIT_FINDING: Final = 1
PAYLOAD_BYTES_MAX: Final = 1024 * 1024
DAYS_FROM_HOURS: Final = 48


@click.group()
def connector() -> None:
    """Try connectors on recorded webhooks, and see which are on and when they were heard."""


@connector.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--payload", type=click.Path(path_type=Path), help="Show what this one means; no cases are run.")
@click.option("--connector", "named", default="", help="Which of the file's connectors the payload is for.")
def test(file: Path, payload: Path | None, named: str) -> None:
    """Run the cases of tests/<name>.yaml beside FILE (<name>.yaml); FILE may be the id of a shipped connector.

    Prints what each payload means; exits 1 when one means something else than its case says.
    """
    with as_file(files(PACKAGE).joinpath(FOLDER)) as shipped:
        found = _found(file, shipped)
        readers = _readers(found)
        shipped_id = "" if file.exists() else str(file)
        if payload is not None:
            _show(meant(_chosen(readers, named or shipped_id, found), _json(payload), {}))
            return
        differing = [case for case in _cases(found, shipped_id).cases if not _runs(case, readers, found)]
    if differing:
        click.echo(f"{len(differing)} differ", err=True)
        sys.exit(EXIT_FINDING)


@connector.command(name="list")
def list_() -> None:
    """List the connectors: whether they are on here, and when they were last heard (needs Kafka and DATABASE_URL)."""
    read = Reader(os.environ)
    bootstrap = read.bootstrap()
    read.finish()
    connectors, heard = asyncio.run(_listed(bootstrap, find_database_url(os.environ)))
    now_ms = SystemClock().now_ms()
    for known in connectors:
        click.echo(_line(known, heard.get(known.id), now_ms, on=_is_on(known.id, os.environ)))


def _found(file: Path, shipped: Path) -> Path:
    if file.exists():
        return file
    for own in (shipped / f"{file}.yaml", shipped / "vendors.yaml"):
        if own.is_file() and f"id: {file}\n" in own.read_text("utf-8"):
            return own
    raise MissingError(f"{file} is neither a file nor a connector that ships; name a YAML file of connectors")


def _readers(file: Path) -> dict[str, ConnectorReader]:
    """Return what reads for each connector of a file, which is linted as `truenorth lint` would.

    Raises:
        RefusedError: with everything that is wrong, by line.
    """
    parsed: Parsed = parse_texts({str(file): _text(file)})
    found = lint(parsed, installed_checks())
    wrong = [error for error in found if parsed.errors or error.field.startswith("connectors")]
    if wrong:
        raise DefinitionsRefusedError(wrong)
    if not parsed.definitions.connectors:
        raise RefusedError("connectors_missing", f"{file} holds no connectors")
    return {known.id: ConnectorReader(known, READERS) for known in parsed.definitions.connectors}


def _cases(file: Path, shipped_id: str) -> Suite:
    beside = _tests_of(file)
    if not beside.is_file() and shipped_id:
        raise MissingError(
            f"{shipped_id} is read by code and has no cases; give --payload FILE to see what a webhook means"
        )
    if not beside.is_file():
        raise MissingError(f"{beside} is not there; it holds the cases of {file.name}, or give --payload FILE")
    node = yaml_nodes.compose(_text(beside), str(beside))
    return read_suite(None if node is None else yaml_nodes.plain(node))


def _tests_of(file: Path) -> Path:
    return file.parent / "tests" / file.name


def _runs(case: Case, readers: Mapping[str, ConnectorReader], file: Path) -> bool:
    reader = _chosen(readers, case.connector, file)
    payload = _json(_tests_of(file).parent / case.payload) if isinstance(case.payload, str) else case.payload
    told = difference(reader, case, payload)
    if told:
        click.echo(f"DIFFERS  {case.name}: {told}")
        return False
    click.echo(
        f"fine     {case.name}: {case.refused or ', '.join(event['type'] for event in case.events) or 'nothing'}"
    )
    return True


def _chosen(readers: Mapping[str, ConnectorReader], named: str, file: Path) -> ConnectorReader:
    if not named and len(readers) == 1:
        return next(iter(readers.values()))
    if named not in readers:
        raise RefusedError(
            "connector_unknown", f"say which connector of {file}: {', '.join(readers)}", field="connector"
        )
    return readers[named]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError("file_unreadable", f"{file} cannot be read: {error}") from None


def _json(file: Path) -> object:
    text = _text(file).encode()
    if len(text) > PAYLOAD_BYTES_MAX:
        raise RefusedError(
            "payload_too_large", f"{file} is larger than {PAYLOAD_BYTES_MAX} bytes, as no webhook may be"
        )
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise RefusedError("payload_invalid", f"{file} is not JSON: {error}") from None


def _show(events: Sequence[dict[str, Any]]) -> None:
    for event in events:
        click.echo(msgspec.json.format(msgspec.json.encode(event), indent=2).decode())
    if not events:
        click.echo("nothing: it is known and means nothing here")


async def _listed(bootstrap: str, database_url: str) -> tuple[list[Connector], Mapping[str, Heard]]:
    defined = Defined(shipped_connectors())
    shelf = await read_shelf(bootstrap, lambda error: click.echo(f"warning: {error.message}", err=True))
    if shelf.current is not None:
        defined.take(shelf.current)
    engine = make_engine(database_url, schema=SCHEMA, pool_connections=1)
    try:
        await require_current(engine)
        heard = await PostgresHeard(engine).share({})
    finally:
        await engine.dispose()
    return [defined.connectors[name] for name in sorted(defined.connectors)], heard


def _is_on(connector_id: str, environment: Mapping[str, str]) -> bool:
    """Return whether its secret is set here; of the local stack, whether `truenorth up` gave the edge one."""
    setting = setting_of(connector_id)
    if environment.get(setting) or environment.get(f"{setting}_FILE"):
        return True
    return not has_database(environment) and bool(left_by_up(f"connector-{connector_id}-secret", environment))


def _line(known: Connector, heard: Heard | None, now_ms: int, *, on: bool) -> str:
    here = "on" if on else f"no secret here ({setting_of(known.id)})"
    if heard is None:
        return f"{known.id:<14} {known.auth:<10} {here}  never heard"
    state = "SILENT" if silent_ms(known, heard, now_ms) else "fine"
    limit = _time(limit_ms(known, heard))
    return f"{known.id:<14} {known.auth:<10} {here}  heard {rfc3339(heard.last_ms)}  {state} (silent after {limit})"


def _time(for_ms: int) -> str:
    """Return a span of time as people say it: hours, from two days on days."""
    hours = for_ms / 3_600_000
    return f"{round(hours, 1):g} h" if hours < DAYS_FROM_HOURS else f"{round(hours / 24, 1):g} d"
