"""Files that come in: received chunk by chunk, looked at, listed, called off."""

import zlib
from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from truenorth.clock import Clock
from truenorth.errors import RefusedError, TransientError

from truenorth_ingest.domain.columns import check_header
from truenorth_ingest.domain.inflating import ENCODINGS
from truenorth_ingest.domain.uploads import RefusedRow, Upload, reader_of

CHUNK_BYTES: Final = 512 * 1024
OPEN_UPLOADS_MAX: Final = 100
ARRIVING_MS_MAX: Final = 120_000
"""A repeat takes over an upload that began so long ago and is still not whole."""
GZIP_MEMBERS_MAX: Final = 10_000
"""Parallel packers begin a member for every 64 KiB or more."""
_GZIP_WINDOW: Final = 31


class UploadStore(Protocol):
    """Where uploads are kept until they are done; every method may raise `TransientError`."""

    async def begin(self, upload: Upload) -> Upload | None:
        """Keep a new upload; return the one that already has its id, if there is one.

        One that is still arriving after `ARRIVING_MS_MAX` was given up by its sender, and goes.
        """
        ...

    async def add_chunk(self, upload_id: str, number: int, content: bytes) -> None:
        """Keep the ``number``-th chunk, from 0."""
        ...

    async def received(self, upload_id: str, *, size: int) -> None:
        """Let the work begin, on a content of ``size`` bytes."""
        ...

    async def drop(self, upload_id: str) -> None:
        """Forget an upload that was not received whole."""
        ...

    async def open_uploads(self) -> int:
        """Return how many are not over."""
        ...

    async def find(self, upload_id: str) -> Upload | None:
        """Return one."""
        ...

    async def newest(self, *, limit: int) -> Sequence[Upload]:
        """Return the newest ones first."""
        ...

    async def refusals(self, upload_id: str, *, after: int, limit: int) -> Sequence[RefusedRow]:
        """Return the refused rows after this one, in their order."""
        ...

    async def end(self, upload_id: str, *, worker: str | None, state: str, problem: str, now_ms: int) -> bool:
        """End an open upload and forget its content; ``worker`` only while it has the lease. Tells whether it did."""
        ...


class Uploads:
    """What the API does with uploads."""

    def __init__(self, store: UploadStore, *, clock: Clock, bytes_max: int) -> None:
        self.store = store
        self._clock = clock
        self._bytes_max = bytes_max

    async def receive(self, upload: Upload, body: AsyncIterator[bytes], *, encoding: str) -> Upload:
        """Keep a file and return its upload, which waits for the worker; one that is there already is returned as is.

        Raises:
            RefusedError: it is empty, too large, in no encoding or format that is read; nothing of it is kept.
            TransientError: it could not be kept.
        """
        if await self.store.open_uploads() >= OPEN_UPLOADS_MAX:
            raise RefusedError("too_many_uploads", f"{OPEN_UPLOADS_MAX} uploads are not done; wait for them")
        there = await self.store.begin(upload)
        if there is not None and there.state == "receiving":
            raise TransientError("an upload with this key is still arriving")
        if there is not None:
            return there
        try:
            size = await self._kept(upload, _plain(body, encoding))
            await self.store.received(upload.upload_id, size=size)
        except BaseException:  # whatever it was, also a cancelled request: half a file must not wait for ever
            await self.store.drop(upload.upload_id)
            raise
        return await self.found(upload.upload_id)

    async def found(self, upload_id: str) -> Upload:
        """Return an upload.

        Raises:
            RefusedError: ``not_found``.
        """
        upload = await self.store.find(upload_id) if upload_id.isprintable() else None
        if upload is None:
            raise RefusedError("not_found", "no upload has this id; GET /v1/uploads lists them", field="upload_id")
        return upload

    async def cancel(self, upload_id: str) -> Upload:
        """Call an upload off; the rows that were taken stay taken.

        Raises:
            RefusedError: ``not_found``, or ``upload_over`` when there is nothing left to call off.
        """
        upload = await self.found(upload_id)
        now_ms = self._clock.now_ms()
        if not await self.store.end(upload_id, worker=None, state="cancelled", problem="", now_ms=now_ms):
            raise RefusedError("upload_over", f"this upload is {upload.state}; nothing is left to cancel")
        return await self.found(upload_id)

    async def _kept(self, upload: Upload, content: AsyncIterator[bytes]) -> int:
        size = number = 0
        waiting = bytearray()
        async for part in content:
            size += len(part)
            if size > self._bytes_max:
                raise RefusedError("body_too_large", f"a file may have {self._bytes_max} bytes; send it in parts")
            waiting += part
            while len(waiting) >= CHUNK_BYTES:
                await self._keep_chunk(upload, number, bytes(waiting[:CHUNK_BYTES]))
                del waiting[:CHUNK_BYTES]
                number += 1
        if not size:
            raise RefusedError("body_invalid", "the file is empty")
        if waiting:
            await self._keep_chunk(upload, number, bytes(waiting))
        return size

    async def _keep_chunk(self, upload: Upload, number: int, content: bytes) -> None:
        if number == 0:
            _look_at_header(upload, content)
        await self.store.add_chunk(upload.upload_id, number, content)


def _look_at_header(upload: Upload, content: bytes) -> None:
    """Refuse a file whose columns are wrong while its sender still listens."""
    if upload.format == "csv":
        reader = reader_of("csv")
        row = next(reader.feed(content), None) or next(reader.end(), None)
        if row is not None:
            if row.error is not None:
                raise row.error
            check_header(row.cells, kind=upload.kind)


async def _plain(body: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Return the parts of a body without their ``Content-Encoding``, in small pieces whatever they inflate to."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        async for part in body:
            yield part
        return
    if encoding not in ENCODINGS:
        raise RefusedError("encoding_unsupported", f"Content-Encoding {encoding[:40]!r}: send gzip or none")
    async for part in _inflated(body):
        yield part


async def _inflated(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return what all members of a gzip body hold, one behind the other."""
    stream, members = zlib.decompressobj(_GZIP_WINDOW), 1
    async for part in body:
        rest = part
        while rest:
            if stream.eof:  # files that were put one behind the other, or packed in parallel
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                members += 1
                if members > GZIP_MEMBERS_MAX:
                    raise RefusedError("body_invalid", f"one file has at most {GZIP_MEMBERS_MAX} gzip members")
                stream = zlib.decompressobj(_GZIP_WINDOW)
            try:
                yield stream.decompress(rest, CHUNK_BYTES)
            except zlib.error:
                raise RefusedError("body_invalid", "Content-Encoding says gzip and the body is not gzip") from None
            rest = stream.unused_data if stream.eof else stream.unconsumed_tail
    if not stream.eof:
        raise RefusedError("body_invalid", "the gzip body ends too early; send it whole")
