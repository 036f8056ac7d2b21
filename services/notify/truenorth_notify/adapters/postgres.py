"""Alerts, deliveries, attempts and the feed in PostgreSQL: one unit of work is one transaction."""

import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, Table, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from truenorth.codec import encode, encode_json
from truenorth.erasures import Request
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.work import AlertRaised
from truenorth.kafka import Record
from truenorth.postgres import erasures, leases, offsets
from truenorth.postgres.dead_letters import park
from truenorth.postgres.engine import transaction

from truenorth_notify.adapters.erasing import forget
from truenorth_notify.adapters.rows import delivery_of, entry_of, stored_of
from truenorth_notify.adapters.tables import (
    ALERT,
    ATTEMPT,
    CONSUMER_OFFSET,
    DELIVERY,
    DISABLED_ENDPOINT,
    ERASURE,
    FEED_ENTRY,
    OUTBOX,
    SCHEMA,
)
from truenorth_notify.domain.deliveries import Delivery, Verdict
from truenorth_notify.domain.feed import FeedEntry
from truenorth_notify.domain.routing import Channel
from truenorth_notify.ports import Attempt, Claimed, Outbound, StoredAlert

CONSUMER: Final = "notify"
SOURCE: Final = "truenorth/notify"
LEASE_MS: Final = 60_000

_FEED_INSERT: Final = insert(FEED_ENTRY)
_ADDING: Final = {
    DELIVERY: insert(DELIVERY).on_conflict_do_nothing(),
    ATTEMPT: insert(ATTEMPT),
    DISABLED_ENDPOINT: insert(DISABLED_ENDPOINT).on_conflict_do_nothing(),
    OUTBOX: insert(OUTBOX).on_conflict_do_nothing(index_elements=["id"]),
    FEED_ENTRY: _FEED_INSERT.on_conflict_do_update(
        index_elements=["alert_id", "recipient"],
        set_={column.name: column for column in _FEED_INSERT.excluded if not column.primary_key},
    ),
}
"""How a row of each table is added. The outbox ignores an id that still waits, as `truenorth.postgres.outbox.put`."""


class PostgresUnit:
    """See `truenorth_notify.ports.UnitOfWork`.

    Rows that are only added wait until something is read or the unit ends, and then go table by table: a batch of
    a hundred alerts is a few round trips, not a thousand.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._waiting: dict[Table, list[dict[str, object]]] = {}

    async def flush(self) -> None:
        """Write the rows that wait; their order inside a table is kept."""
        waiting, self._waiting = self._waiting, {}
        for table, rows in waiting.items():
            await self._connection.execute(_ADDING[table], rows)

    def _add(self, table: Table, row: dict[str, object]) -> None:
        self._waiting.setdefault(table, []).append(row)

    async def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        await self.flush()
        return list(await self._connection.execute(query))

    async def add_alert(self, alert: AlertRaised, *, read_ms: int) -> bool:
        """See the port."""
        values = {
            "alert_id": alert.alert_id,
            "account": alert.account,
            "task_id": alert.task_id,
            "payload": encode_json(alert),
            "read_ms": read_ms,
        }
        result = await self._connection.execute(insert(ALERT).values(values).on_conflict_do_nothing())
        return result.rowcount == 1

    async def lock_alert(self, alert_id: str) -> StoredAlert | None:
        """See the port."""
        rows = await self._rows(select(ALERT).where(ALERT.c.alert_id == alert_id).with_for_update())
        return stored_of(rows[0]) if rows else None

    async def lock_alerts_of_task(self, task_id: str) -> Sequence[StoredAlert]:
        """See the port."""
        query = select(ALERT).where(ALERT.c.task_id == task_id).order_by(ALERT.c.alert_id).with_for_update()
        return [stored_of(row) for row in await self._rows(query)]

    async def set_resolved(self, alert_id: str, resolved_ms: int) -> None:
        """See the port."""
        await self._connection.execute(
            update(ALERT).where(ALERT.c.alert_id == alert_id).values(resolved_ms=resolved_ms)
        )

    async def add_delivery(self, delivery: Delivery, *, now_ms: int) -> None:
        """See the port."""
        row = {
            "delivery_id": delivery.delivery_id,
            "alert_id": delivery.alert_id,
            "account": delivery.account,
            "channel": delivery.channel,
            "recipient": delivery.recipient,
            "address": delivery.address,
            "about": delivery.about,
            "status": delivery.status,
            "reason": delivery.reason,
            "created_ms": now_ms,
            "changed_ms": now_ms,
            "due_ms": delivery.next_attempt_ms,
            "attempts": delivery.attempts,
        }
        self._add(DELIVERY, row)

    async def deliveries_of(self, alert_id: str) -> Sequence[Delivery]:
        """See the port."""
        query = select(DELIVERY).where(DELIVERY.c.alert_id == alert_id).order_by(DELIVERY.c.delivery_id)
        return [delivery_of(row) for row in await self._rows(query)]

    async def withdraw(self, delivery_id: str, *, reason: str, now_ms: int) -> bool:
        """See the port."""
        result = await self._connection.execute(
            update(DELIVERY)
            .where(
                DELIVERY.c.delivery_id == delivery_id,
                DELIVERY.c.status == "pending",
                DELIVERY.c.lease_until_ms <= now_ms,
            )
            .values(status="not_sent", reason=reason, changed_ms=now_ms, due_ms=None, lease_by="", lease_until_ms=0)
        )
        return result.rowcount == 1

    async def settle(self, claimed: Claimed, verdict: Verdict, *, now_ms: int) -> bool:
        """See the port."""
        return await leases.finish(
            self._connection,
            DELIVERY,
            claimed.delivery.delivery_id,
            worker=claimed.lease,
            due_ms=verdict.next_attempt_ms,
            status=verdict.status,
            reason=verdict.reason,
            attempts=verdict.attempts,
            address=claimed.delivery.address,
            changed_ms=now_ms,
        )

    async def add_attempt(self, attempt: Attempt) -> None:
        """See the port."""
        row = {
            "delivery_id": attempt.delivery_id,
            "number": attempt.number,
            "started_ms": attempt.started_ms,
            "took_ms": attempt.took_ms,
            "outcome": attempt.outcome,
            "error": attempt.error,
        }
        self._add(ATTEMPT, row)

    async def feed_entries(self, alert_id: str) -> Sequence[FeedEntry]:
        """See the port."""
        query = select(FEED_ENTRY).where(FEED_ENTRY.c.alert_id == alert_id).order_by(FEED_ENTRY.c.recipient)
        return [entry_of(row) for row in await self._rows(query.with_for_update())]

    async def put_feed_entry(self, entry: FeedEntry, *, account: str) -> None:
        """See the port."""
        row = {
            "alert_id": entry.alert_id,
            "recipient": entry.recipient,
            "account": account,
            "state": entry.state,
            "revision": entry.revision,
            "changed_ms": entry.changed_ms,
            "by": entry.by,
            "until_ms": entry.until_ms,
            "not_useful": entry.not_useful,
        }
        self._add(FEED_ENTRY, row)

    async def snoozed_until(self, now_ms: int, *, limit_entries: int) -> Sequence[FeedEntry]:
        """See the port; the alerts are held too, as every other writer of an entry holds them."""
        held = (
            select(FEED_ENTRY)
            .join(ALERT, ALERT.c.alert_id == FEED_ENTRY.c.alert_id)
            .where(FEED_ENTRY.c.until_ms <= now_ms, FEED_ENTRY.c.state == "snoozed")
            .limit(limit_entries)
            .with_for_update(skip_locked=True)
        )
        return [entry_of(row) for row in await self._rows(held)]

    async def disable_endpoint(self, webhook_id: str, url: str, *, now_ms: int) -> None:
        """See the port."""
        self._add(DISABLED_ENDPOINT, {"webhook_id": webhook_id, "url": url, "disabled_ms": now_ms})

    async def publish(self, outbound: Outbound) -> None:
        """See the port."""
        value = encode(
            outbound.payload,
            event_id=outbound.event_id,
            source=SOURCE,
            account=outbound.account,
            time_ms=outbound.time_ms,
        )
        row = {
            "id": outbound.event_id,
            "aggregatetype": outbound.topic,
            "aggregateid": outbound.account,
            "type": TYPE_OF_PAYLOAD[type(outbound.payload)],
            "payload": value,
            "created_ms": outbound.time_ms,
        }
        self._add(OUTBOX, row)

    async def fresh(self, records: Sequence[Record]) -> list[Record]:
        """Move the consumer's place past these records and return those not applied before."""
        return await offsets.advance(self._connection, CONSUMER_OFFSET, CONSUMER, records)

    async def hold(self, *, alone: bool) -> None:
        """Let other batches run beside this one, or none."""
        await erasures.hold(self._connection, SCHEMA, alone=alone)

    async def graves(self, accounts: Collection[str]) -> dict[str, int]:
        """Return when (epoch ms) those of these accounts that were erased were erased last."""
        return await erasures.graves(self._connection, ERASURE, accounts)

    async def erase(self, request: Request, *, now_ms: int) -> bool:
        """Forget what is asked, and say so; False, and nothing happens, when that was done before."""
        await self.flush()
        if not await erasures.note(self._connection, ERASURE, request, now_ms=now_ms):
            return False
        await forget(self._connection, request)
        await erasures.acknowledge(self._connection, OUTBOX, request, service=CONSUMER, source=SOURCE, now_ms=now_ms)
        return True

    async def park(self, record: Record, *, reason: str, now_ms: int) -> None:
        """Put a record that cannot be processed on the dead-letter topic, with its reason."""
        await park(self._connection, OUTBOX, record, reader=CONSUMER, reason=reason, now_ms=now_ms)


class Database:
    """Makes units of work, tells the consumer's place, and claims what is due."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @contextlib.asynccontextmanager
    async def unit(self) -> AsyncIterator[PostgresUnit]:
        """Begin a unit of work: committed when the block ends, rolled back when it raises."""
        async with transaction(self._engine) as connection:
            unit = PostgresUnit(connection)
            yield unit
            await unit.flush()

    async def position(self, partitions: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Return the next offset of each partition that has been read before."""
        async with transaction(self._engine) as connection:
            return await offsets.load(connection, CONSUMER_OFFSET, CONSUMER, partitions)

    async def claim(self, channel: Channel, *, worker: str, now_ms: int, limit_rows: int) -> list[Claimed]:
        """Take due deliveries of a channel for a minute, the longest due first."""
        async with transaction(self._engine) as connection:
            rows = await leases.claim(
                connection,
                DELIVERY,
                worker=worker,
                now_ms=now_ms,
                lease_ms=LEASE_MS,
                limit=limit_rows,
                where=DELIVERY.c.channel == channel,
            )
            if not rows:
                return []
            alerts = await _alerts_of(connection, [row.alert_id for row in rows])
            tried = await _tries_of(connection, [row.delivery_id for row in rows])
            disabled = await _disabled(connection) if channel == "webhook" else frozenset()
        return [
            Claimed(
                delivery=delivery_of(row),
                alert=alerts[row.alert_id].alert,
                resolved_ms=alerts[row.alert_id].resolved_ms,
                lease=worker,
                disabled=disabled,
                repeat=row.attempts - 1 > tried.get(row.delivery_id, 0),
            )
            for row in rows
        ]

    async def forget_erasures(self, now_ms: int) -> None:
        """Forget the gravestones that nothing can still be on its way to."""
        async with transaction(self._engine) as connection:
            await erasures.forget_old(connection, ERASURE, now_ms=now_ms)

    async def waiting(self) -> dict[str, tuple[int, int]]:
        """Return per channel how many deliveries are pending, and the earliest due time (epoch ms)."""
        query = (
            select(DELIVERY.c.channel, func.count(), func.min(DELIVERY.c.due_ms))
            .where(DELIVERY.c.due_ms.is_not(None))
            .group_by(DELIVERY.c.channel)
        )
        async with transaction(self._engine) as connection:
            return {channel: (count, due_ms) for channel, count, due_ms in await connection.execute(query)}


async def _disabled(connection: AsyncConnection) -> frozenset[tuple[str, str]]:
    rows = await connection.execute(select(DISABLED_ENDPOINT.c.webhook_id, DISABLED_ENDPOINT.c.url))
    return frozenset((row.webhook_id, row.url) for row in rows)


async def _alerts_of(connection: AsyncConnection, alert_ids: list[str]) -> dict[str, StoredAlert]:
    rows = await connection.execute(select(ALERT).where(ALERT.c.alert_id.in_(alert_ids)))
    return {row.alert_id: stored_of(row) for row in rows}


async def _tries_of(connection: AsyncConnection, delivery_ids: list[str]) -> dict[str, int]:
    query = (
        select(ATTEMPT.c.delivery_id, func.max(ATTEMPT.c.number))
        .where(ATTEMPT.c.delivery_id.in_(delivery_ids))
        .group_by(ATTEMPT.c.delivery_id)
    )
    return {row[0]: row[1] for row in await connection.execute(query)}
