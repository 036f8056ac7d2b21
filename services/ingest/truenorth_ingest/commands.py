"""``truenorth keys``: make, list, rotate and revoke the keys that back ends send events with."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click
from truenorth.clock import SystemClock
from truenorth.codec import rfc3339
from truenorth.commands.local import find_database_url
from truenorth.errors import RefusedError
from truenorth.ids import random_secret
from truenorth.postgres.engine import make_engine

from truenorth_ingest.adapters.key_table import PostgresKeyTable
from truenorth_ingest.adapters.schema import require_current
from truenorth_ingest.domain.keys import SCOPES, SCOPES_AT_FIRST, StoredKey
from truenorth_ingest.handlers.minting import Minter, no_working_key
from truenorth_ingest.settings import SCHEMA

_T = TypeVar("_T")


_env = click.option("--env", default="live", show_default=True, help="Shown in the key, so that people can tell keys.")


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke write keys (in DATABASE_URL, else in the local stack's database)."""


@keys.command()
@click.option("--name", required=True, help="Who sends with it; the source of events that name none.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=SCOPES_AT_FIRST,
    show_default=True,
    help="What it may do; give it again for more.",
)
@click.option(
    "--events-per-second",
    type=click.IntRange(1, 10_000_000),
    help="A rate of its own instead of TRUENORTH_INGEST_KEY_EVENTS_PER_SECOND_MAX.",
)
@click.option("--write-to", type=click.Path(path_type=Path), help="Write it here; a key there that works is kept.")
@_env
def create(
    *, name: str, scopes: tuple[str, ...], events_per_second: int | None, write_to: Path | None, env: str
) -> None:
    """Make a key and show it, this once."""
    _check_env(env)

    async def work(table: PostgresKeyTable) -> str:
        minter = _minter(table)
        if write_to is not None and await minter.works(_text_of(write_to), scopes=scopes):
            return f"the key in {write_to} works"
        made = await minter.make(name=name, env=env, scopes=scopes, events_per_second=events_per_second)
        if write_to is None:
            return made
        _write_private(write_to, made)
        return f"wrote a key to {write_to}"

    click.echo(_with_table(work))


@keys.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, times in RFC 3339.")
def list_(*, as_json: bool) -> None:
    """List keys and when each was last used (to half a minute). Secrets are not kept."""
    found = _with_table(lambda table: table.every())
    if as_json:
        click.echo(json.dumps([_told(key) for key in found], indent=2))
    elif found:
        for line in _table_of(found):
            click.echo(line)
    else:
        click.echo("no keys; make one with 'truenorth keys create --name NAME'")


@keys.command()
@click.argument("key_id", metavar="ID")
@_env
def rotate(key_id: str, env: str) -> None:
    """Make a second secret for the key of this ID and show it, this once. Both work until `keys retire`."""
    _check_env(env)
    click.echo(_with_table(lambda table: _minter(table).rotate(key_id, env=env)))


@keys.command()
@click.argument("key_id", metavar="ID")
def retire(key_id: str) -> None:
    """Drop the older of the two secrets of a key; it stops working within 30 seconds."""
    _with_table(lambda table: _minter(table).retire(key_id))
    click.echo(f"retired the older secret of {key_id}; it stops working within 30 seconds")


@keys.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Revoke a key by its ID (the third part of it); it stops working within 30 seconds."""
    if not _with_table(lambda table: table.revoke(key_id, now_ms=SystemClock().now_ms())):
        raise RefusedError("key_unknown", no_working_key(key_id), field="ID")
    click.echo(f"revoked {key_id}; it stops working within 30 seconds")


def _check_env(env: str) -> None:
    if not (env.isascii() and env.isalnum() and env.islower() and len(env) <= 16):
        raise RefusedError("env_invalid", "--env has 1 to 16 lower-case letters or digits", field="--env")


def _minter(table: PostgresKeyTable) -> Minter:
    return Minter(table, SystemClock(), random_secret)


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
    fresh.replace(path)


def _with_table(work: Callable[[PostgresKeyTable], Awaitable[_T]]) -> _T:
    database_url = find_database_url(os.environ)

    async def run() -> _T:
        engine = make_engine(database_url, schema=SCHEMA, pool_connections=1)
        try:
            await require_current(engine)
            return await work(PostgresKeyTable(engine))
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _told(key: StoredKey) -> dict[str, object]:
    """Return what is told of a key, for programs."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "secrets": 1 if key.next_hash is None else 2,
        "events_per_second": key.events_per_second,
        "created": rfc3339(key.created_ms),
        "second_secret_created": _time(key.next_created_ms),
        "last_used": _time(key.last_used_ms),
        "revoked": _time(key.revoked_ms),
    }


def _table_of(keys_: Sequence[StoredKey]) -> list[str]:
    """Return the lines of a table for people, columns aligned."""
    rows = [("ID", "NAME", "STATE", "SECRETS", "EVENTS/S", "MADE", "LAST USED", "SCOPES")]
    rows += [
        (
            key.key_id,
            key.name,
            "works" if key.revoked_ms is None else f"revoked {rfc3339(key.revoked_ms)}",
            "1" if key.next_hash is None else "2",
            str(key.events_per_second or "-"),
            rfc3339(key.created_ms),
            _time(key.last_used_ms) or "never",
            " ".join(sorted(key.scopes)),
        )
        for key in keys_
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
