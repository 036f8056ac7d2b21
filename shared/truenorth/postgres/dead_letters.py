"""Dead letters of a consumer with a database: parked through its outbox, in the batch's own transaction."""

from typing import Final

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from truenorth.ids import derived_id
from truenorth.kafka.dead_letters import letter
from truenorth.kafka.records import Record
from truenorth.postgres import outbox

TOPIC: Final = "dead-letters"


async def park(
    connection: AsyncConnection, table: Table, record: Record, *, reader: str, reason: str, now_ms: int
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
