"""The store of uploads in memory; tests/integration/test_uploads.py holds it to the real one."""

from collections.abc import Sequence
from typing import Any

import msgspec
from truenorth.errors import TransientError
from truenorth_ingest.domain.uploads import OPEN_STATES, RefusedRow, Upload
from truenorth_ingest.handlers.uploads import ARRIVING_MS_MAX


class FakeUploads:
    """See `truenorth_ingest.handlers.uploading.WorkStore`."""

    def __init__(self) -> None:
        self.known: dict[str, Upload] = {}
        self.chunks: dict[tuple[str, int], bytes] = {}
        self.refused: dict[str, list[RefusedRow]] = {}
        self.leases: dict[str, tuple[str, int]] = {}
        self.advances: list[int] = []
        self.down = False

    async def begin(self, upload: Upload) -> Upload | None:
        self._ask()
        there = self.known.get(upload.upload_id)
        if there is not None and (there.state != "receiving" or there.created >= upload.created - ARRIVING_MS_MAX):
            return there
        await self.drop(upload.upload_id)
        self.known[upload.upload_id] = upload
        return None

    async def add_chunk(self, upload_id: str, number: int, content: bytes) -> None:
        self._ask()
        self.chunks.setdefault((upload_id, number), content)

    async def received(self, upload_id: str, *, size: int) -> None:
        kept = sum(len(content) for (owner, _), content in self.chunks.items() if owner == upload_id)
        if upload_id not in self.known or kept != size:
            raise TransientError("another request took this upload over while it was arriving")
        self._change(upload_id, state="waiting", bytes=size)

    async def drop(self, upload_id: str) -> None:
        self.known.pop(upload_id, None)
        self._forget_chunks(upload_id)

    async def open_uploads(self) -> int:
        self._ask()
        return sum(upload.state in OPEN_STATES for upload in self.known.values())

    async def find(self, upload_id: str) -> Upload | None:
        self._ask()
        return self.known.get(upload_id)

    async def newest(self, *, limit: int) -> Sequence[Upload]:
        return sorted(self.known.values(), key=lambda upload: -upload.created)[:limit]

    async def refusals(self, upload_id: str, *, after: int, limit: int) -> Sequence[RefusedRow]:
        return [row for row in self.refused.get(upload_id, []) if row.row > after][:limit]

    async def end(self, upload_id: str, *, worker: str | None, state: str, problem: str, now_ms: int) -> bool:
        upload = self.known.get(upload_id)
        if upload is None or upload.state not in OPEN_STATES:
            return False
        if worker is not None and self.leases.get(upload_id, ("", 0))[0] != worker:
            return False
        self._change(upload_id, state=state, problem=problem, finished=now_ms)
        self.leases.pop(upload_id, None)
        self._forget_chunks(upload_id)
        return True

    async def claim(self, *, worker: str, now_ms: int, lease_ms: int) -> Upload | None:
        self._ask()
        for upload in sorted(self.known.values(), key=lambda upload: upload.created):
            leased_until = self.leases.get(upload.upload_id, ("", 0))[1]
            if upload.state in {"waiting", "running"} and leased_until <= now_ms:
                self.leases[upload.upload_id] = (worker, now_ms + lease_ms)
                return self._change(upload.upload_id, state="running")
        return None

    async def chunk(self, upload_id: str, number: int) -> bytes | None:
        self._ask()
        return self.chunks.get((upload_id, number))

    async def advance(
        self, upload_id: str, *, worker: str, position: int, accepted: int, refused: Sequence[RefusedRow], until_ms: int
    ) -> bool:
        self._ask()
        upload = self.known[upload_id]
        if self.leases.get(upload_id, ("", 0))[0] != worker:
            return False
        self.leases[upload_id] = (worker, until_ms)
        self.refused.setdefault(upload_id, []).extend(refused)
        self.advances.append(position)
        self._change(
            upload_id,
            position=max(upload.position, position),
            accepted=upload.accepted + accepted,
            refused=upload.refused + len(refused),
        )
        return True

    async def sweep(self, *, now_ms: int) -> None:
        self._ask()

    def _change(self, upload_id: str, **values: Any) -> Upload:
        changed = msgspec.structs.replace(self.known[upload_id], **values)
        self.known[upload_id] = changed
        return changed

    def _forget_chunks(self, upload_id: str) -> None:
        for chunk in [chunk for chunk in self.chunks if chunk[0] == upload_id]:
            del self.chunks[chunk]

    def _ask(self) -> None:
        if self.down:
            raise TransientError("the database is away")
