"""What is told of uploads."""

import msgspec
from truenorth.codec import rfc3339

from truenorth_ingest.domain.columns import Kind
from truenorth_ingest.domain.uploads import Format, RefusedRow, State, Upload


class Progress(msgspec.Struct, frozen=True):
    """How far an upload is. ``line`` is the last line whose row is accepted or refused for good."""

    id: str
    kind: Kind
    format: Format
    backfill: bool
    state: State
    problem: str
    bytes: int
    rows: int
    accepted: int
    refused: int
    line: int
    created: str
    finished: str | None


class UploadList(msgspec.Struct, frozen=True):
    """The newest uploads first."""

    uploads: list[Progress]


class RefusalPage(msgspec.Struct, frozen=True):
    """Refused rows in the order of the file; ``next`` goes into ``after`` for the page behind this one."""

    refusals: list[RefusedRow]
    next: int | None


def progress(upload: Upload) -> Progress:
    """Return what is told of an upload."""
    return Progress(
        id=upload.upload_id,
        kind=upload.kind,
        format=upload.format,
        backfill=upload.backfill,
        state=upload.state,
        problem=upload.problem,
        bytes=upload.bytes,
        rows=upload.accepted + upload.refused,
        accepted=upload.accepted,
        refused=upload.refused,
        line=upload.position,
        created=rfc3339(upload.created),
        finished=None if upload.finished is None else rfc3339(upload.finished),
    )
