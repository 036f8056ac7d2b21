"""`truenorth erasures`: who was asked to be forgotten, which services have, and which have not yet."""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import click

from truenorth import codec, topics
from truenorth.clock import SystemClock
from truenorth.erasures import DONE_TOPIC, REQUESTS_TOPIC, SERVICES, Request, request_of
from truenorth.errors import RefusedError
from truenorth.events.people import ErasureAcknowledged, ErasureRequested
from truenorth.kafka.records import Record

EXIT_FINDING: Final = 1
BOOTSTRAP_DEFAULT: Final = "127.0.0.1:19092"
OVERDUE_MINUTES: Final = 60
MINUTE_MS: Final = 60_000


@dataclass(slots=True)
class Standing:
    """How one request stands. ``done_ms`` has the record time of each service's word; ``repeated`` counts further ones.

    ``event_id`` and ``source`` are those its sender gave it.
    """

    request: Request
    event_id: str
    source: str
    done_ms: dict[str, int] = field(default_factory=dict)
    repeated: int = 0

    @property
    def missing(self) -> list[str]:
        """The services that have not given their word."""
        return [service for service in SERVICES if service not in self.done_ms]

    def waiting_ms(self, now_ms: int) -> int:
        """Return for how long somebody has been missing; 0 when nobody is."""
        return max(0, now_ms - self.request.erased_ms) if self.missing else 0


def standings(requested: Iterable[Record], done: Iterable[Record]) -> list[Standing]:
    """Return how each request stands, the oldest first; records that cannot be read are for the dead letters."""
    found: dict[str, Standing] = {}
    for record, event in _readable(requested):
        if isinstance(event.data, ErasureRequested):
            request = request_of(event, record_ms=record.timestamp_ms)
            found.setdefault(request.request_id, Standing(request, event.id, event.source))
    for record, event in _readable(done):
        standing = found.get(event.data.request_id) if isinstance(event.data, ErasureAcknowledged) else None
        if standing is not None and event.data.service in standing.done_ms:
            standing.repeated += 1
        elif standing is not None:
            standing.done_ms[event.data.service] = record.timestamp_ms
    return sorted(found.values(), key=lambda one: one.request.erased_ms)


def as_line(one: Standing, now_ms: int) -> str:
    """Return a request as a line for people."""
    asked = one.request
    whom = asked.account if asked.is_account else f"{asked.kind} {asked.subject} of {asked.account}"
    head = f"{codec.rfc3339(asked.erased_ms)}  {whom}  asked by {asked.asked_by}, id {one.event_id}"
    if not one.missing:
        return f"{head}: forgotten everywhere after {(max(one.done_ms.values()) - asked.erased_ms) / 1000:.1f} s"
    return f"{head}: {', '.join(one.missing)} missing for {one.waiting_ms(now_ms) // 1000} s"


def as_json(one: Standing, now_ms: int) -> dict[str, Any]:
    """Return a request as what `--json` prints."""
    return {
        "request_id": one.request.request_id,
        "id": one.event_id,
        "source": one.source,
        "account": one.request.account,
        "kind": one.request.kind,
        "subject": one.request.subject,
        "asked_by": one.request.asked_by,
        "asked": codec.rfc3339(one.request.asked_ms),
        "accepted": codec.rfc3339(one.request.erased_ms),
        "acknowledged": {service: codec.rfc3339(done_ms) for service, done_ms in sorted(one.done_ms.items())},
        "missing": one.missing,
        "waiting_seconds": one.waiting_ms(now_ms) // 1000,
        "repeated": one.repeated,
    }


@click.command()
@click.option("--waiting", is_flag=True, help="Only those that some service has not acknowledged.")
@click.option(
    "--overdue-minutes",
    default=OVERDUE_MINUTES,
    show_default=True,
    type=click.IntRange(0),
    help="End with 1 when a request has waited for longer.",
)
@click.option("--json", "as_json_", is_flag=True, help="Print them as JSON.")
def erasures(waiting: bool, overdue_minutes: int, as_json_: bool) -> None:  # noqa: FBT001 - click passes by name
    """List the requests to forget, and which services have carried them out."""
    from truenorth.kafka.reader import read_topic

    bootstrap = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", BOOTSTRAP_DEFAULT)

    async def read() -> list[Standing]:
        requested = [record async for record in read_topic(bootstrap, topics.full_name(REQUESTS_TOPIC))]
        return standings(requested, [record async for record in read_topic(bootstrap, topics.full_name(DONE_TOPIC))])

    found = asyncio.run(read())
    now_ms = SystemClock().now_ms()
    shown = [one for one in found if one.missing or not waiting]
    overdue = sum(one.waiting_ms(now_ms) > overdue_minutes * MINUTE_MS for one in found)
    if as_json_:
        answer = {"requests": [as_json(one, now_ms) for one in shown], "overdue": overdue}
        click.echo(codec.encode_json(answer).decode())
    else:
        for one in shown:
            click.echo(as_line(one, now_ms))
        left = sum(bool(one.missing) for one in found)
        click.echo(f"{len(found)} requests, {left} of them waiting, {overdue} for more than {overdue_minutes} minutes")
    if overdue:
        click.get_current_context().exit(EXIT_FINDING)


def _readable(records: Iterable[Record]) -> Iterable[tuple[Record, Any]]:
    for record in records:
        try:
            yield record, codec.parse_event(record.value or b"")
        except RefusedError:
            continue
