"""``truenorth upload``: a file of account facts or events, followed until every row is taken or refused."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import click
import httpx
import msgspec
from truenorth.clock import Clock, SystemClock
from truenorth.commands.traffic import URL_DEFAULT, find_key
from truenorth.errors import MissingError, RefusedError, TransientError
from truenorth.ids import random_id

from truenorth_ingest.domain.uploads import RefusedRow

EXIT_FINDING: Final = 1
ATTEMPTS_MAX: Final = 10
WAIT_SECONDS_MAX: Final = 15.0
LOOK_EVERY_SECONDS: Final = 0.5
TIMEOUT_SECONDS: Final = 120.0
PART_BYTES: Final = 256 * 1024
_FORMATS: Final = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}


class Told(msgspec.Struct, frozen=True):
    """What the edge tells of an upload, as far as this command needs it."""

    id: str
    state: str
    problem: str
    accepted: int
    refused: int
    line: int


class _Page(msgspec.Struct, frozen=True):
    refusals: list[RefusedRow]
    next: int | None


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--kind", required=True, type=click.Choice(["accounts", "events"]), help="What its rows are.")
@click.option("--format", "form", type=click.Choice(["csv", "ndjson"]), help="By the file's name when left out.")
@click.option("--backfill", is_flag=True, help="The past: every event is folded and none alerts anybody.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Stay until every row is taken or refused.")
@click.option("--url", envvar="TRUENORTH_INGEST_URL", default=URL_DEFAULT, show_default=True, help="Of ingest.")
@click.option("--key", help="A write key; else TRUENORTH_WRITE_KEY (or _FILE), else .truenorth/write-key.")
def upload(*, file: Path, kind: str, form: str | None, backfill: bool, wait: bool, url: str, key: str | None) -> None:
    """Upload FILE (.csv, .ndjson or .jsonl, also with .gz) and say what became of its rows.

    Exits 1 when a row was refused.
    """
    query = {"kind": kind, "format": form or _format_of(file), "backfill": str(backfill).lower()}
    told = asyncio.run(_uploaded(file, query, url=url, key=find_key(key), wait=wait))
    if told.state == "failed" or told.refused:
        sys.exit(EXIT_FINDING)


async def _uploaded(file: Path, query: dict[str, str], *, url: str, key: str, wait: bool) -> Told:
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url.rstrip("/"), headers=headers, timeout=TIMEOUT_SECONDS) as client:
        uploads = UploadClient(client, SystemClock())
        told = await uploads.send(file, query)
        click.echo(f"upload {told.id} is here", err=True)
        if not wait:
            return told
        with click.progressbar(length=_lines(file), label="taking rows", file=sys.stderr) as bar:
            async for now in uploads.progress(told.id):
                bar.update(now.line - bar.pos)
                told = now
        async for row in uploads.refusals(told.id):
            where = f" at {row.field}" if row.field else ""
            click.echo(f"line {row.row}{where}: {row.message} ({row.code})", err=True)
        click.echo(f"{told.accepted:,} rows accepted, {told.refused:,} refused")
        if told.state != "done":
            click.echo(f"the upload is {told.state}: {told.problem}".removesuffix(": "), err=True)
        return told


class UploadClient:
    """Uploads through the API, patient with a busy edge."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def send(self, file: Path, query: dict[str, str]) -> Told:
        """Upload a file; a repeat is the same upload.

        Raises:
            RefusedError: the edge refuses the file.
            MissingError: nobody listens, or the key is not known.
            TransientError: the edge kept saying "not now".
        """
        headers = {"idempotency-key": random_id()} | ({"content-encoding": "gzip"} if file.suffix == ".gz" else {})
        answer = await self._patiently("POST", "/v1/uploads", query, headers, file)
        return msgspec.json.decode(answer, type=Told)

    async def progress(self, upload_id: str) -> AsyncIterator[Told]:
        """Return how far an upload is, again and again until it is over; raises as `send` does."""
        while True:
            told = msgspec.json.decode(await self._patiently("GET", f"/v1/uploads/{upload_id}"), type=Told)
            yield told
            if told.state not in {"receiving", "waiting", "running"}:
                return
            await self._clock.sleep(LOOK_EVERY_SECONDS)

    async def refusals(self, upload_id: str) -> AsyncIterator[RefusedRow]:
        """Return the refused rows; raises as `send` does."""
        after: int | None = 0
        while after is not None:
            query = {"after": str(after), "limit": "1000"}
            answer = await self._patiently("GET", f"/v1/uploads/{upload_id}/refusals", query)
            page = msgspec.json.decode(answer, type=_Page)
            for row in page.refusals:
                yield row
            after = page.next

    async def _patiently(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        file: Path | None = None,
    ) -> bytes:
        wait_s, reason = 0.5, ""
        for _ in range(ATTEMPTS_MAX):
            content = None if file is None else _parts(file)
            try:
                answer = await self._client.request(method, path, params=query, headers=headers, content=content)
            except httpx.HTTPError as error:
                reason = f"{self._client.base_url} does not answer ({type(error).__name__})"
            else:
                if answer.status_code not in {408, 429, 503}:
                    return _read(answer)
                reason = f"the edge is busy: {answer.text[:200]}"
                asked = answer.headers.get("retry-after", "")
                wait_s = float(asked) if asked.isdigit() else wait_s
            await self._clock.sleep(min(wait_s, WAIT_SECONDS_MAX))
            wait_s = min(wait_s * 2, WAIT_SECONDS_MAX)
        raise TransientError(f"gave up after {ATTEMPTS_MAX} attempts: {reason}")


def _read(answer: httpx.Response) -> bytes:
    if answer.status_code < 400:
        return answer.content
    try:
        said = answer.json()
        code, message, field = str(said["code"]), str(said["message"]), str(said.get("field", ""))
    except (ValueError, KeyError, TypeError):
        raise TransientError(f"{answer.url} does not answer as ingest does: {answer.status_code}") from None
    if answer.status_code in {401, 403}:
        raise MissingError(f"{message} ({code}); give another key with --key")
    raise RefusedError(code, message, field=field)


async def _parts(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while part := opened.read(PART_BYTES):
            yield part


def _format_of(file: Path) -> str:
    name = file.with_suffix("") if file.suffix == ".gz" else file
    form = _FORMATS.get(name.suffix.lower())
    if form is None:
        raise click.UsageError(f"{file.name} ends in none of {', '.join(_FORMATS)} (also with .gz); say --format")
    return form


def _lines(file: Path) -> int:
    """Return about how many lines a file has, for the bar; a packed one is not unpacked for that."""
    if file.suffix == ".gz":
        return 0
    with file.open("rb") as opened:
        return sum(part.count(b"\n") for part in iter(lambda: opened.read(PART_BYTES), b"")) or 1
