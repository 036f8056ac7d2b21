"""One request's events: cut, judged one by one, appended, and answered only then."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError

from truenorth_ingest.domain.accepting import Accepted, Acceptor, Sender
from truenorth_ingest.domain.erasing import Tombstone
from truenorth_ingest.domain.incoming import cut
from truenorth_ingest.domain.inflating import inflated
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.quarantining import QUARANTINE_TOPIC, quarantined
from truenorth_ingest.ports import EventLog, Meter

log = logging.getLogger(__name__)

_NAMED_ID_CHARS_MAX: Final = 128


class Rejected(msgspec.Struct, frozen=True):
    """One refused event: its place in the batch, its id if it had one, and why."""

    index: int
    id: str | None
    code: str
    field: str
    message: str


class Answer(msgspec.Struct, frozen=True):
    """The answer to a request whose accepted events are all acknowledged."""

    success: bool
    accepted: int
    rejected: Sequence[Rejected]


class _Named(msgspec.Struct, frozen=True):
    id: str | int | None = None


@dataclass(frozen=True, slots=True)
class _Quarantined:
    value: bytes
    topic: str = QUARANTINE_TOPIC
    key: bytes | None = None


_named = msgspec.json.Decoder(_Named)


class Intake:
    """Takes the events of a request in."""

    def __init__(
        self,
        *,
        acceptor: Acceptor,
        event_log: EventLog,
        limits: Limits,
        clock: Clock,
        meter: Meter,
        answer_seconds_max: float,
    ) -> None:
        self._acceptor = acceptor
        self._log = event_log
        self._limits = limits
        self._clock = clock
        self._meter = meter
        self._answer_seconds_max = answer_seconds_max

    async def take(self, body: bytes, headers: Mapping[str, str], sender: Sender) -> Answer:
        """Return the answer, after the broker has acknowledged every event that it counts as accepted.

        Raises:
            RefusedError: the request as a whole cannot be read.
            TransientError: not acknowledged in time; nothing is claimed, the sender repeats the request.
        """
        plain = inflated(body, headers.get("content-encoding", ""), bytes_max=self._limits.body_bytes_max)
        cut_body = cut(plain, headers, self._limits)
        if cut_body.repaired:
            self._meter.repaired()
        now_ms = self._clock.now_ms()
        accepted: list[Accepted] = []
        rejected: list[Rejected] = []
        bad: list[_Quarantined] = []
        for index, raw in enumerate(cut_body.events):
            try:
                accepted.append(self._acceptor.accept(raw, sender=sender, now_ms=now_ms))
            except RefusedError as refusal:
                self._meter.refused(refusal.code)
                rejected.append(Rejected(index, _id_of(raw), refusal.code, refusal.field, refusal.message))
                bad.append(self._quarantined(raw, refusal, sender, now_ms))
        tombstones = [Tombstone(record.forgets) for record in accepted if record.forgets is not None]
        await self._append([*accepted, *tombstones] if tombstones else accepted, bad)
        self._meter.accepted(len(accepted))
        return Answer(success=True, accepted=len(accepted), rejected=rejected)

    async def _append(self, accepted: Sequence[Accepted | Tombstone], bad: Sequence[_Quarantined]) -> None:
        if not bad:
            await self._acknowledged(accepted)
            return
        keeping = asyncio.ensure_future(self._keep(bad))
        try:
            await self._acknowledged(accepted)
        finally:
            await keeping

    async def _acknowledged(self, records: Sequence[Accepted | Tombstone] | Sequence[_Quarantined]) -> None:
        if not records:
            return
        try:
            async with asyncio.timeout(self._answer_seconds_max):
                await self._log.append(records)
        except TimeoutError:
            raise TransientError(f"no acknowledgement within {self._answer_seconds_max:g} s") from None

    async def _keep(self, bad: Sequence[_Quarantined]) -> None:
        """Write quarantine records; the sender is told of the refusals whether or not this works."""
        try:
            await self._acknowledged(bad)
        except TransientError as error:
            self._meter.quarantine_failed(len(bad))
            log.warning("refused events were not quarantined", extra={"events": len(bad), "reason": str(error)})

    def _quarantined(
        self, raw: bytes | msgspec.Raw, refusal: RefusedError, sender: Sender, now_ms: int
    ) -> _Quarantined:
        limit = self._limits.original_bytes_max
        return _Quarantined(quarantined(raw, refusal, key_id=sender.key_id, now_ms=now_ms, original_bytes_max=limit))


def _id_of(raw: bytes | msgspec.Raw) -> str | None:
    """Return the id that the sender gave a refused event, shortened, or None when it cannot be read."""
    try:
        given = _named.decode(raw).id
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return None if given is None else str(given)[:_NAMED_ID_CHARS_MAX]
