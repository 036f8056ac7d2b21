"""The outbox: what a transaction wants to say is a row of it, and one relay at a time carries rows to Kafka.

The columns are those of Debezium's outbox router (``id``, ``aggregatetype``, ``aggregateid``, ``type``,
``payload``; topic ``truenorth.<aggregatetype>.v1``), so that it can replace the relay without a migration.
A row exists exactly as long as it is unsent. Readers may see a row twice after a crash, under the same id.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Column, Identity, LargeBinary, MetaData, Table, Text, Uuid, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from truenorth import topics
from truenorth.clock import Clock
from truenorth.errors import TransientError
from truenorth.kafka.records import Outgoing
from truenorth.postgres.engine import lock_key, transient_errors

log = logging.getLogger(__name__)

ROWS_PER_BATCH: Final = 500
POLL_S: Final = 0.1
STANDBY_S: Final = 1.0
BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

Send = Callable[[Sequence[Outgoing]], Awaitable[None]]
"""`LanesProducer.send_many`: returns when all are acknowledged, or raises `TransientError`."""


def outbox_table(metadata: MetaData) -> Table:
    """Declare ``outbox``. ``position`` gives the order; ``payload`` is the record's value, byte for byte."""
    return Table(
        "outbox",
        metadata,
        Column("position", BigInteger, Identity(always=True), primary_key=True),
        Column("id", Uuid(as_uuid=False), nullable=False, unique=True),
        Column("aggregatetype", Text, nullable=False),
        Column("aggregateid", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
    )


class Pending(NamedTuple):
    """One record to say. ``event_id`` is a UUID, ``topic`` the catalogue's short name; an empty ``key`` means none.

    An empty ``value`` is a tombstone, as it is to Debezium (``route.tombstone.on.empty.payload``).
    """

    event_id: str
    topic: str
    key: str
    event_type: str
    value: bytes


async def put_all(connection: AsyncConnection, table: Table, records: Sequence[Pending], *, now_ms: int) -> None:
    """Add records, in this order, in the caller's transaction. An id that is still unsent is not added again."""
    if not records:
        return
    rows = [
        {
            "id": record.event_id,
            "aggregatetype": record.topic,
            "aggregateid": record.key,
            "type": record.event_type,
            "payload": record.value,
            "created_ms": now_ms,
        }
        for record in records
    ]
    await connection.execute(insert(table).on_conflict_do_nothing(index_elements=["id"]), rows)


async def put(
    connection: AsyncConnection,
    table: Table,
    *,
    event_id: str,
    topic: str,
    key: str,
    event_type: str,
    value: bytes,
    now_ms: int,
) -> None:
    """Add one record in the caller's transaction; see `Pending` and `put_all`."""
    await put_all(connection, table, [Pending(event_id, topic, key, event_type, value)], now_ms=now_ms)


class OutboxRelay:
    """Carries outbox rows to Kafka, in their order, while it holds the schema's advisory lock.

    Start any number: one relays, the others stand by. The lock, the reading and the deleting share one
    connection, so whoever loses its connection cannot go on believing it holds the lock.
    """

    def __init__(self, engine: AsyncEngine, table: Table, send: Send, *, schema: str, clock: Clock) -> None:
        self._engine = engine
        self._table = table
        self._send = send
        self._clock = clock
        self._lock_key = lock_key(f"{schema} outbox relay")
        self._woken = asyncio.Event()
        self._stopping = False
        self._connection: AsyncConnection | None = None
        self.sent = 0
        """Records acknowledged by the broker so far."""
        self.failures = 0
        """Attempts that failed and were retried so far."""
        self.oldest_ms: int | None = None
        """When the oldest row seen in the latest look was created; None when there was none."""

    def wake(self) -> None:
        """Look at once: a transaction with outbox rows has just committed."""
        self._woken.set()

    @property
    def is_active(self) -> bool:
        """Whether this relay holds the lock."""
        return self._connection is not None

    async def start(self) -> None:
        """Nothing to prepare: the lock is taken by `run`, which also waits for the database."""

    async def run(self) -> None:
        """Relay until `stop`; the database or the broker being away is waited out."""
        failures = 0
        try:
            while not self._stopping:
                try:
                    await self._turn()
                    failures = 0
                except TransientError as error:
                    self.failures += 1
                    log.warning("outbox waits: %s", error)
                    await self._drop_connection()
                    await self._rest(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                    failures += 1
        finally:
            await self._drop_connection()

    async def stop(self) -> None:
        """Stop after the batch in hand."""
        self._stopping = True
        self.wake()

    async def drain_once(self) -> int:
        """Relay what is there now and return how many records went; 0 also when another relay is active."""
        before = self.sent
        try:
            if await self._lock():
                while await self._batch():
                    pass
        finally:
            await self._drop_connection()
        return self.sent - before

    async def _turn(self) -> None:
        if not await self._lock():
            await self._rest(STANDBY_S)
        elif await self._batch() < ROWS_PER_BATCH:
            await self._rest(POLL_S)

    async def _lock(self) -> bool:
        if self._connection is not None:
            return True
        with transient_errors():
            connection = await self._engine.connect()
            try:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                held = await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._lock_key})
            except BaseException:
                await connection.invalidate()
                await connection.close()
                raise
            if not held:
                await connection.close()
                return False
        self._connection = connection
        log.info("outbox relay is active")
        return True

    async def _batch(self) -> int:
        assert self._connection is not None  # noqa: S101 - only called under the lock
        table = self._table
        self._woken.clear()
        with transient_errors():
            rows = (
                await self._connection.execute(select(table).order_by(table.c.position).limit(ROWS_PER_BATCH))
            ).all()
        self.oldest_ms = rows[0].created_ms if rows else None
        if not rows:
            return 0
        await self._send([outgoing(row) for row in rows])
        self.sent += len(rows)
        with transient_errors():
            await self._connection.execute(delete(table).where(table.c.position.in_([row.position for row in rows])))
        return len(rows)

    async def _drop_connection(self) -> None:
        """Close for real: a pooled connection would keep the advisory lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with transient_errors():
                await connection.invalidate()
                await connection.close()

    async def _rest(self, seconds: float) -> None:
        if self._stopping:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return


def outgoing(row: Any) -> Outgoing:
    """Return the record that an outbox row stands for."""
    return Outgoing(
        topic=topics.full_name(row.aggregatetype),
        key=row.aggregateid.encode() or None,
        value=row.payload or None,
    )
