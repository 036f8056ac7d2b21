"""The command ``truenorth explain``: why an account has its score, from the events it was made of."""

import asyncio
import os
import re
import sys
from datetime import UTC, date, datetime, time
from typing import Final

import click
from truenorth.clock import SystemClock, to_millis
from truenorth.errors import MissingError, TransientError

from truenorth_health.adapters.explaining import Explainer, UnknownAccountError, as_json
from truenorth_health.domain.explained_text import lines
from truenorth_health.settings import Settings

EXIT_UNKNOWN: Final = 1
_HOW: Final = "write 2026-11-22T09:05:00Z or 2026-11-22"
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@click.command()
@click.argument("account")
@click.option("--at", "at", metavar="TIME", help="As of this time: 2026-11-22T09:05:00Z, or 2026-11-22 for its end.")
@click.option("--json", "as_document", is_flag=True, help="Print one JSON document instead of text.")
def explain(*, account: str, at: str | None, as_document: bool) -> None:
    """Explain the score of ACCOUNT: each contribution, the events behind it, and what changed since.

    Made anew from the retained events, by the code that scores live. Exits 1 when nothing is known of the account, 3
    when the broker or the topics are not there. Only reads; safe on a running system.
    """
    settings = Settings.from_env(os.environ)
    at_ms = None if at is None else moment(at, now_ms=SystemClock().now_ms())
    try:
        said = asyncio.run(Explainer(settings.bootstrap, account).explain(at_ms))
    except UnknownAccountError as error:
        near = f"; did you mean {' or '.join(error.nearest)}?" if error.nearest else ""
        click.echo(f"truenorth: nothing is known of account {account!r}{near}", err=True)
        sys.exit(EXIT_UNKNOWN)
    except TransientError as error:
        raise MissingError(f"Kafka at {settings.bootstrap} does not answer: {error}. Is the platform up?") from error
    click.echo(as_json(said).decode() if as_document else "\n".join(lines(said)))


def moment(text: str, *, now_ms: int) -> int:
    """Return the epoch ms of a time with its zone, or of the end of a day (UTC); today's end is now.

    Raises:
        click.UsageError: it is neither, or lies ahead.
    """
    try:
        if _DATE.fullmatch(text):
            at_ms = to_millis(datetime.combine(date.fromisoformat(text), time.max, tzinfo=UTC))
            is_today = datetime.fromtimestamp(now_ms / 1000, tz=UTC).date() == date.fromisoformat(text)
            at_ms = min(at_ms, now_ms) if is_today else at_ms
        else:
            when = datetime.fromisoformat(text)
            if when.tzinfo is None:
                raise click.UsageError(f"{text!r} does not say its time zone: {_HOW}")
            at_ms = to_millis(when)
    except ValueError:
        raise click.UsageError(f"{text!r} is no time: {_HOW}") from None
    if at_ms > now_ms:
        raise click.UsageError(f"{text} lies ahead: only what has happened can be explained")
    return at_ms
