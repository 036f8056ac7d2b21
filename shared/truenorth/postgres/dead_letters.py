"""Dead letters of a consumer with a database: parked through its outbox, in the batch's own transaction."""

import base64
from typing import Final, Protocol

import msgspec
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from truenorth.codec import encode_json
from truenorth.ids import derived_id
from truenorth.postgres import outbox

TOPIC: Final = "dead-letters"
VALUE_BYTES_MAX: Final = 64 * 1024


class Readable(Protocol):
    """A record as consumers see it; `truenorth.kafka`'s records are."""

    @property
    def topic(self) -> str:
        """The full topic name."""
        ...

    @property
    def partition(self) -> int:
        """The partition number."""
        ...

    @property
    def offset(self) -> int:
        """The offset inside the partition."""
        ...

    @property
    def key(self) -> bytes | None:
        """The key, or none."""
        ...

    @property
    def value(self) -> bytes | None:
        """The value, or none."""
        ...


class DeadLetter(msgspec.Struct, frozen=True):
    """The value of a dead-letter record. ``value_base64`` holds at most the first 64 KiB."""

    topic: str
    partition: int
    offset: int
    reader: str
    reason: str
    parked_ms: int
    key: str = ""
    value_base64: str = ""
    truncated: bool = False


def letter(record: Readable, *, reader: str, reason: str, now_ms: int) -> bytes:
    """Return the dead-letter record value of a record that ``reader`` cannot process."""
    value = record.value or b""
    return encode_json(
        DeadLetter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reader=reader,
            reason=reason[:1000],
            parked_ms=now_ms,
            key=(record.key or b"").decode(errors="replace"),
            value_base64=base64.b64encode(value[:VALUE_BYTES_MAX]).decode(),
            truncated=len(value) > VALUE_BYTES_MAX,
        )
    )


async def park(
    connection: AsyncConnection, table: Table, record: Readable, *, reader: str, reason: str, now_ms: int
) -> None:
    """Park a record on the dead-letter topic when the caller's transaction commits."""
    await outbox.put(
        connection,
        table,
        event_id=derived_id("dead-letter", reader, record.topic, str(record.partition), str(record.offset)),
        topic=TOPIC,
        key="",
        event_type="dead.letter",
        value=letter(record, reader=reader, reason=reason, now_ms=now_ms),
        now_ms=now_ms,
    )
