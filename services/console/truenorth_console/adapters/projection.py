"""Writing read models: one unit is one transaction that also holds the reader's place."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from truenorth.codec import encode_json
from truenorth.erasures import Request
from truenorth.events.health import HealthDay, HealthUpdated
from truenorth.events.inputs import ContactUpdated
from truenorth.events.people import ErasureAcknowledged
from truenorth.events.work import AlertFeedChanged, TaskUpdated
from truenorth.kafka import Record
from truenorth.postgres import dead_letters, erasures, offsets

from truenorth_console.adapters import erasing, intake
from truenorth_console.adapters.tables import (
    ACCOUNT,
    ACCOUNT_DAYS,
    CONSUMER_OFFSET,
    CONTACT,
    ERASURE,
    FEED_ENTRY,
    MOMENT,
    OUTBOX,
    SCHEMA,
    TASK,
)
from truenorth_console.domain.book import is_watermelon, money_fact, renews_on, text_fact
from truenorth_console.domain.days import decode_days, encode_days, number_of, with_points
from truenorth_console.domain.refusals import Refusal
from truenorth_console.domain.waiting import Held
from truenorth_console.ports import Moment

CONSUMER: Final = "console"


class PostgresProjection:
    """See `truenorth_console.ports.Projection`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def fresh(self, records: Sequence[Record]) -> list[Record]:
        """See the port."""
        return await offsets.advance(self._connection, CONSUMER_OFFSET, CONSUMER, records)

    async def put_account(self, snapshot: HealthUpdated) -> bool:
        """See the port."""
        facts = snapshot.facts
        values = {
            "account": snapshot.account,
            "revision": snapshot.revision,
            "name": text_fact(facts, "name") or snapshot.account,
            "owner_id": text_fact(facts, "owner_id") or "",
            "band": snapshot.band,
            "attention": snapshot.attention,
            "arr": money_fact(facts, "arr") or 0,
            "renews_on": renews_on(snapshot),
            "phase": snapshot.phase,
            "watermelon": is_watermelon(snapshot),
            "churned": snapshot.churned,
            "computed_ms": snapshot.computed_ms,
            "snapshot": encode_json(snapshot),
        }
        statement = insert(ACCOUNT).values(values)
        statement = statement.on_conflict_do_update(
            index_elements=["account"], set_=values, where=ACCOUNT.c.revision < snapshot.revision
        )
        return (await self._connection.execute(statement)).rowcount == 1

    async def hold(self, *, alone: bool) -> None:
        """See the port."""
        await erasures.hold(self._connection, SCHEMA, alone=alone)

    async def graves(self, accounts: Collection[str], persons: Collection[str]) -> dict[str, int]:
        """See the port."""
        return await erasures.graves(self._connection, ERASURE, accounts, persons)

    async def erase(self, request: Request, *, now_ms: int) -> bool:
        """See the port."""
        return await erasing.carry_out(self._connection, request, now_ms=now_ms)

    async def note_done(self, done: ErasureAcknowledged, *, done_ms: int) -> None:
        """See the port."""
        await erasing.note_done(self._connection, done, done_ms=done_ms)

    async def forget_account(self, account: str) -> None:
        """See the port."""
        await self._connection.execute(delete(ACCOUNT).where(ACCOUNT.c.account == account))

    async def bury_contact(self, contact_id: str, *, now_ms: int) -> None:
        """See the port."""
        await erasing.bury_contacts(self._connection, [contact_id], now_ms=now_ms)

    async def put_days(self, points: Mapping[str, Sequence[HealthDay]]) -> None:
        """See the port."""
        known = {
            row.account: row.days
            for row in await self._connection.execute(
                select(ACCOUNT_DAYS).where(ACCOUNT_DAYS.c.account.in_(sorted(points))).with_for_update()
            )
        }
        rows = []
        for account in sorted(points):
            numbered = [(number_of(point), point) for point in points[account]]
            rows.append(
                {"account": account, "days": encode_days(with_points(decode_days(known.get(account)), numbered))}
            )
        if rows:
            statement = insert(ACCOUNT_DAYS).values(rows)
            await self._connection.execute(
                statement.on_conflict_do_update(index_elements=["account"], set_={"days": statement.excluded.days})
            )

    async def put_task(self, task: TaskUpdated) -> None:
        """See the port."""
        values = {
            "task_id": task.task_id,
            "account": task.account,
            "revision": task.revision,
            "is_open": task.status in {"open", "overdue"},
            "opened_ms": task.opened_ms,
            "payload": encode_json(task),
        }
        statement = insert(TASK).values(values)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["task_id"], set_=values, where=TASK.c.revision < task.revision
            )
        )

    async def put_feed(self, entry: AlertFeedChanged) -> None:
        """See the port."""
        values = {
            "alert_id": entry.alert.alert_id,
            "recipient": entry.recipient,
            "account": entry.alert.account,
            "revision": entry.revision,
            "state": entry.state,
            "raised_ms": entry.alert.raised_ms,
            "changed_ms": entry.changed_ms,
            "payload": encode_json(entry),
        }
        statement = insert(FEED_ENTRY).values(values)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["alert_id", "recipient"], set_=values, where=FEED_ENTRY.c.revision < entry.revision
            )
        )

    async def put_contact(self, contact: ContactUpdated) -> None:
        """See the port."""
        values = {
            "contact_id": contact.contact_id,
            "account": contact.account_id,
            "payload": encode_json(contact),
        }
        statement = insert(CONTACT).values(values)
        await self._connection.execute(statement.on_conflict_do_update(index_elements=["contact_id"], set_=values))

    async def forget_contact(self, contact_id: str) -> None:
        """See the port."""
        await self._connection.execute(delete(CONTACT).where(CONTACT.c.contact_id == contact_id))

    async def put_moment(self, moment: Moment) -> None:
        """See the port."""
        values = {
            "moment_id": moment.moment_id,
            "account": moment.account,
            "at_ms": moment.past.at_ms,
            "type": moment.event_type,
            "rank": moment.past.rank,
            "payload": encode_json(moment.past.said),
        }
        statement = insert(MOMENT).values(values)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["moment_id"], set_=values, where=MOMENT.c.rank <= moment.past.rank
            )
        )

    async def put_refusals(self, refusals: Sequence[Refusal]) -> None:
        """See the port."""
        await intake.put_refusals(self._connection, refusals)

    async def put_held(self, held: Sequence[Held]) -> None:
        """See the port."""
        await intake.put_held(self._connection, held)

    async def put_learned(self, lookup: str, account: str, *, learned_ms: int) -> None:
        """See the port."""
        await intake.put_learned(self._connection, lookup, account, learned_ms=learned_ms)

    async def forget_learned(self, lookup: str, account: str) -> None:
        """See the port."""
        await intake.forget_learned(self._connection, lookup, account)

    async def park(self, record: Record, *, reason: str, now_ms: int) -> None:
        """See the port."""
        await dead_letters.park(self._connection, OUTBOX, record, reader=CONSUMER, reason=reason, now_ms=now_ms)
