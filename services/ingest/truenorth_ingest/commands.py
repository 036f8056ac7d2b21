"""``truenorth keys``: make, list and revoke the keys that back ends send events with."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from truenorth.clock import SystemClock
from truenorth.codec import rfc3339
from truenorth.errors import RefusedError
from truenorth.ids import random_secret
from truenorth.postgres.engine import make_engine
from truenorth.settings import Reader

from truenorth_ingest.adapters.key_table import PostgresKeyTable
from truenorth_ingest.adapters.schema import require_current
from truenorth_ingest.domain.keys import StoredKey
from truenorth_ingest.handlers.minting import Minter
from truenorth_ingest.settings import SCHEMA

_T = TypeVar("_T")


@click.group()
def keys() -> None:
    """Make, list and revoke write keys (needs DATABASE_URL)."""


@keys.command()
@click.option("--name", required=True, help="Who sends with it; the source of events that name none.")
@click.option("--env", default="live", show_default=True, help="Shown in the key, so that people can tell keys apart.")
@click.option("--write-to", type=click.Path(path_type=Path), help="Write it here; a key there that works is kept.")
def create(name: str, env: str, write_to: Path | None) -> None:
    """Make a key and show it, this once."""
    if not (env.isascii() and env.isalnum() and env.islower() and len(env) <= 16):
        raise RefusedError("env_invalid", "--env has 1 to 16 lower-case letters or digits", field="--env")
    click.echo(_with_table(lambda table: _create(table, name, env, write_to)))


@keys.command(name="list")
def list_() -> None:
    """List keys: id, name, scopes, when made, last used, revoked. Secrets are not kept."""
    found = _with_table(lambda table: table.every())
    for key in found:
        click.echo(_line(key))
    if not found:
        click.echo("no keys; make one with 'truenorth keys create --name NAME'")


@keys.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Revoke a key by its id (the third part of it); it stops working within 30 seconds."""
    if not _with_table(lambda table: table.revoke(key_id, now_ms=SystemClock().now_ms())):
        raise RefusedError("key_unknown", f"no working key has the id {key_id}; see 'truenorth keys list'", field="ID")
    click.echo(f"revoked {key_id}; it stops working within 30 seconds")


async def _create(table: PostgresKeyTable, name: str, env: str, path: Path | None) -> str:
    minter = Minter(table, SystemClock(), random_secret)
    if path is None:
        return await minter.make(name=name, env=env)
    if await minter.works(_text_of(path)):
        return f"the key in {path} works"
    _write_private(path, await minter.make(name=name, env=env))
    return f"wrote a key to {path}"


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
    read = Reader(os.environ)
    database_url = read.database_url()
    read.finish()

    async def run() -> _T:
        engine = make_engine(database_url, schema=SCHEMA, pool_connections=1)
        try:
            await require_current(engine)
            return await work(PostgresKeyTable(engine))
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _line(key: StoredKey) -> str:
    used = "never used" if key.last_used_ms is None else f"used {rfc3339(key.last_used_ms)}"
    revoked = "" if key.revoked_ms is None else f"  revoked {rfc3339(key.revoked_ms)}"
    return f"{key.key_id}  {key.name}  {','.join(sorted(key.scopes))}  made {rfc3339(key.created_ms)}  {used}{revoked}"
