"""`truenorth lint`, `apply` and `schema`: definitions from a directory of YAML to the topic all services read."""

import asyncio
import json
import os
import sys
from pathlib import Path

import click

from truenorth.clock import SystemClock
from truenorth.definitions.diff import differences
from truenorth.definitions.lint import installed_checks
from truenorth.definitions.lint import lint as lint_parsed
from truenorth.definitions.model import Bundle, Definitions
from truenorth.definitions.parse import Parsed, parse_directory
from truenorth.errors import DefinitionError, RefusedError

EXIT_FINDING = 1
BOOTSTRAP_DEFAULT = "127.0.0.1:19092"


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def lint(directory: Path, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Check the definitions in DIRECTORY; exits 1 with file:line of each finding."""
    parsed, found = _read(directory)
    if as_json:
        click.echo(json.dumps([_as_dict(error) for error in found], indent=2))
    elif found:
        _show(found)
    else:
        click.echo(f"{directory}: fine ({_counts(parsed.definitions)})")
    sys.exit(EXIT_FINDING if found else 0)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def apply(*, directory: Path, yes: bool, dry_run: bool) -> None:
    """Lint DIRECTORY, show what would change and what that would do to the accounts, then put it in force."""
    parsed, found = _read(directory)
    if found:
        _show(found)
        click.echo("Nothing was applied.", err=True)
        sys.exit(EXIT_FINDING)
    asyncio.run(_apply(parsed.definitions, ask=not yes, dry_run=dry_run))


@click.command()
@click.option("--events", is_flag=True, help="Of the events instead, for producers and readers.")
def schema(*, events: bool) -> None:
    """Print the JSON Schema of definitions, for editors."""
    from truenorth.definitions.schema import json_schema as of_definitions
    from truenorth.events.schema import json_schema as of_events

    click.echo(json.dumps(of_events() if events else of_definitions(), indent=2))


async def _apply(definitions: Definitions, *, ask: bool, dry_run: bool) -> None:
    from truenorth.definitions.apply import effects, put_in_force, read_shelf

    bootstrap = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", BOOTSTRAP_DEFAULT)
    shelf = await read_shelf(bootstrap, _warn)
    lines = differences(shelf.current.definitions if shelf.current else Definitions(), definitions)
    if shelf.current is not None and not lines:
        click.echo(f"Nothing to do: {shelf.current.hash} is in force already.")
        return
    for line in lines:
        click.echo(line)
    click.echo("Looking at what that would do to the accounts ...", err=True)
    for line in await effects(bootstrap, shelf.current, definitions):
        click.echo(line)
    if dry_run:
        click.echo("Nothing was applied: this was a dry run.")
        return
    if ask and not click.confirm("Put this in force?", default=False):
        click.echo("Nothing was applied.")
        return
    made = await put_in_force(bootstrap, definitions, current=shelf.current, clock=SystemClock())
    click.echo(_in_force(made))


def _read(directory: Path) -> tuple[Parsed, list[DefinitionError]]:
    parsed = parse_directory(directory)
    return parsed, lint_parsed(parsed, installed_checks())


def _show(found: list[DefinitionError]) -> None:
    for error in found:
        click.echo(str(error), err=True)
    count = len(found)
    click.echo(f"{count} finding{'s' if count > 1 else ''}.", err=True)


def _as_dict(error: DefinitionError) -> dict[str, str | int]:
    return {
        "file": error.file,
        "line": error.line,
        "field": error.field,
        "code": error.code,
        "message": error.message,
    }


def _counts(definitions: Definitions) -> str:
    counts = {name: len(getattr(definitions, name)) for name in definitions.__struct_fields__}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _in_force(made: Bundle) -> str:
    return f"{made.hash} is in force (apply {made.ordinal})."


def _warn(error: RefusedError) -> None:
    click.echo(f"warning: {error.message}", err=True)
