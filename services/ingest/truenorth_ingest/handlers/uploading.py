"""The worker of uploads: takes files row by row, goes on where it was after a crash, and never faster than it may."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError

from truenorth_ingest.domain.accepting import Acceptor
from truenorth_ingest.domain.ceilings import OverRateError
from truenorth_ingest.domain.drafts import Cut, Draft, Refused
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.rows import Row
from truenorth_ingest.domain.uploads import Judge, RefusedRow, Upload, reader_of
from truenorth_ingest.handlers.intake import Intake
from truenorth_ingest.handlers.uploads import UploadStore

BATCH_ROWS: Final = 500
LEASE_MS: Final = 15_000
LOOK_EVERY_SECONDS: Final = 1.0
WAIT_SECONDS_MAX: Final = 5.0
"""Shorter than the lease, which is kept up while an upload waits."""
SWEEP_EVERY_SECONDS: Final = 600.0

log = logging.getLogger(__name__)


class WorkStore(UploadStore, Protocol):
    """Uploads as their worker needs them; every method may raise `TransientError`."""

    async def claim(self, *, worker: str, now_ms: int, lease_ms: int) -> Upload | None:
        """Take the oldest upload that waits, or whose worker has gone, for ``lease_ms``."""
        ...

    async def chunk(self, upload_id: str, number: int) -> bytes | None:
        """Return the ``number``-th chunk; None behind the last."""
        ...

    async def advance(
        self, upload_id: str, *, worker: str, position: int, accepted: int, refused: Sequence[RefusedRow], until_ms: int
    ) -> bool:
        """Note what was done since the last time and keep the lease; False when it is not ours any more."""
        ...

    async def sweep(self, *, now_ms: int) -> None:
        """Forget uploads that nobody asks for any more."""
        ...


class LostUploadError(Exception):
    """The upload was cancelled, or is another worker's."""


@dataclass(slots=True)
class _Batch:
    """Rows that are judged and not yet taken; ``last`` is the last line of them."""

    drafts: list[Draft] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    rows: list[RefusedRow] = field(default_factory=list)
    last: int = 0

    @property
    def items(self) -> int:
        return len(self.drafts) + len(self.refused)


class UploadWorker:
    """A part of the service; see `truenorth.lifecycle.Part`. Several replicas share the work by leases."""

    def __init__(
        self,
        store: WorkStore,
        intake: Intake,
        *,
        acceptor: Acceptor,
        limits: Limits,
        clock: Clock,
        name: str,
    ) -> None:
        self._store = store
        self._intake = intake
        self._acceptor = acceptor
        self._limits = limits
        self._clock = clock
        self._name = name
        self._swept_s = -SWEEP_EVERY_SECONDS

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                busy = await self.work()
            except TransientError as error:
                log.warning("uploads cannot be worked on now", extra={"reason": str(error)})
                busy = False
            if not busy:
                await self._clock.sleep(LOOK_EVERY_SECONDS)

    async def work(self) -> bool:
        """Take one upload as far as it goes; tell whether there was one.

        Raises:
            TransientError: the store is away; the lease brings the upload back.
        """
        if self._clock.monotonic() - self._swept_s >= SWEEP_EVERY_SECONDS:
            self._swept_s = self._clock.monotonic()
            await self._store.sweep(now_ms=self._clock.now_ms())
        upload = await self._store.claim(worker=self._name, now_ms=self._clock.now_ms(), lease_ms=LEASE_MS)
        if upload is None:
            return False
        log.info("upload taken up", extra={"upload": upload.upload_id, "behind_line": upload.position})
        state, problem = "done", ""
        try:
            await self._through(upload)
        except LostUploadError:
            log.info("upload is not ours any more", extra={"upload": upload.upload_id})
            return True
        except RefusedError as refusal:
            state, problem = "failed", refusal.message
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 - one file must not end the edge, replica after replica
            where = _where(error)
            log.error("an upload failed", extra={"upload": upload.upload_id, **where})  # noqa: TRY400 - quotes rows
            state, problem = "failed", "this is our mistake; it was logged"
        await self._store.end(
            upload.upload_id, worker=self._name, state=state, problem=problem, now_ms=self._clock.now_ms()
        )
        log.info("upload over", extra={"upload": upload.upload_id, "state": state})
        return True

    async def _through(self, upload: Upload) -> None:
        judge = Judge(upload, acceptor=self._acceptor, limits=self._limits)
        batch = _Batch()
        skipped = 0
        async for row in self._rows(upload):
            if judge.is_header(row):
                continue
            if row.number <= upload.position:  # taken before a crash: read again for what it says about the past
                if upload.backfill:
                    _judge(judge, row, _Batch())
                skipped += 1
                if skipped % BATCH_ROWS == 0:
                    await self._advance(upload, _Batch(last=upload.position))
                continue
            _judge(judge, row, batch)
            if batch.items >= BATCH_ROWS:
                await self._take(upload, batch)
                batch = _Batch()
        if batch.items:
            await self._take(upload, batch)
        await self._tell_histories(upload, judge)

    async def _tell_histories(self, upload: Upload, judge: Judge) -> None:
        told: list[Draft] = []
        for draft in judge.histories():
            told.append(draft)
            if len(told) == BATCH_ROWS:
                await self._written(upload, Cut(0, told))
                told = []
        if told:
            await self._written(upload, Cut(0, told))

    async def _rows(self, upload: Upload) -> AsyncIterator[Row]:
        reader = reader_of(upload.format)
        number = 0
        while (content := await self._store.chunk(upload.upload_id, number)) is not None:
            for row in reader.feed(content):
                yield row
            number += 1
            await asyncio.sleep(0)
        for row in reader.end():
            yield row

    async def _take(self, upload: Upload, batch: _Batch) -> None:
        await self._written(upload, Cut(batch.items, batch.drafts, batch.refused))
        await self._advance(upload, batch)

    async def _written(self, upload: Upload, cut: Cut) -> None:
        """Append a batch, however long the broker or an account's ceiling makes it wait."""
        wait_s = 0.5
        while True:
            try:
                await self._intake.take(cut, upload.sender, route="uploads", now_ms=self._clock.now_ms())
            except OverRateError as over:
                wait_s = over.retry_after_seconds
            except TransientError as error:
                log.warning("upload waits", extra={"upload": upload.upload_id, "reason": str(error)})
                wait_s = min(wait_s * 2, WAIT_SECONDS_MAX)
            else:
                return
            await self._clock.sleep(min(wait_s, WAIT_SECONDS_MAX))
            await self._advance(upload, _Batch(last=upload.position))

    async def _advance(self, upload: Upload, batch: _Batch) -> None:
        kept = await self._store.advance(
            upload.upload_id,
            worker=self._name,
            position=batch.last,
            accepted=len(batch.drafts),
            refused=batch.rows,
            until_ms=self._clock.now_ms() + LEASE_MS,
        )
        if not kept:
            raise LostUploadError


def _judge(judge: Judge, row: Row, batch: _Batch) -> None:
    index = batch.items
    try:
        batch.drafts.append(judge.draft(row, index))
    except RefusedError as refusal:
        batch.refused.append(Refused(index, None, row.raw, refusal))
        batch.rows.append(RefusedRow(row.number, refusal.code, refusal.field, refusal.message))
    batch.last = row.last


def _where(error: Exception) -> dict[str, str]:
    """Return for a log what went wrong and where, without what the error quotes: a row may be about somebody."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return {"error": type(error).__name__, "at": f"{last.filename.rpartition('/')[2]}:{last.lineno} {last.name}"}
