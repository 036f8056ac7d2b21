"""Erasures in the schema ``console``: what is deleted, what stays, and which requests wait for whom."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from truenorth.erasures import KEPT_MS, SERVICES, Request
from truenorth.events.people import ErasureAcknowledged
from truenorth.ids import derived_id
from truenorth.postgres import erasures, outbox

from truenorth_console.adapters import intake
from truenorth_console.adapters.tables import (
    ACCOUNT,
    ACCOUNT_DAYS,
    AUDIT,
    CONTACT,
    ERASURE,
    ERASURE_DONE,
    FEED_ENTRY,
    MOMENT,
    OUTBOX,
    TASK,
)

SERVICE: Final = "console"
SOURCE: Final = "truenorth/console"
_OF_ACCOUNT: Final = (ACCOUNT, ACCOUNT_DAYS, TASK, FEED_ENTRY, CONTACT, MOMENT, AUDIT)
_PAYLOADS: Final = (
    (ACCOUNT, "snapshot", ACCOUNT.c.account),
    (TASK, "payload", TASK.c.account),
    (FEED_ENTRY, "payload", FEED_ENTRY.c.account),
    (MOMENT, "payload", MOMENT.c.account),
    (AUDIT, "payload", AUDIT.c.account),
    (OUTBOX, "payload", OUTBOX.c.aggregateid),
)
_WAITING: Final = text(
    """
    SELECT service, min(erased_ms) AS erased_ms
    FROM erasure CROSS JOIN unnest(CAST(:services AS text[])) AS each (service)
    WHERE NOT EXISTS (
        SELECT FROM erasure_done AS done WHERE done.request_id = erasure.request_id AND done.service = each.service
    )
    GROUP BY service
    """
)


async def carry_out(connection: AsyncConnection, request: Request, *, now_ms: int) -> bool:
    """Forget what is asked and say so; False, and nothing happens, when that was done before.

    The console is the one that knows an account's contacts: it writes their tombstones.
    """
    revision = await connection.scalar(select(ACCOUNT.c.revision).where(ACCOUNT.c.account == request.account))
    if not await erasures.note(connection, ERASURE, request, now_ms=now_ms, revision=revision or 0):
        return False
    if request.is_account:
        of_account = select(CONTACT.c.contact_id).where(CONTACT.c.account == request.account)
        contacts = list((await connection.execute(of_account.order_by(CONTACT.c.contact_id))).scalars())
        for table in _OF_ACCOUNT:
            await connection.execute(delete(table).where(table.c.account == request.account))
        await erasures.drop_unsent(connection, OUTBOX, request.account)
        await bury_contacts(connection, contacts, now_ms=now_ms)
    else:
        await connection.execute(delete(CONTACT).where(CONTACT.c.contact_id == request.subject))
        for table, column, account in _PAYLOADS:
            await erasures.redact(connection, table, column, account == request.account, request.subject)
    await intake.forget(connection, request)
    await erasures.acknowledge(connection, OUTBOX, request, service=SERVICE, source=SOURCE, now_ms=now_ms)
    return True


async def bury_contacts(connection: AsyncConnection, contacts: Sequence[str], *, now_ms: int) -> None:
    """Put a tombstone on `contacts` for each of these into the outbox."""
    tombstones = [
        outbox.Pending(derived_id("contact erased", contact, str(now_ms)), "contacts", contact, "contact.erased", b"")
        for contact in contacts
    ]
    await outbox.put_all(connection, OUTBOX, tombstones, now_ms=now_ms)


async def note_done(connection: AsyncConnection, done: ErasureAcknowledged, *, done_ms: int) -> None:
    """Note a service's word that it carried out a request."""
    row = {"request_id": done.request_id, "service": done.service, "done_ms": done_ms}
    await connection.execute(insert(ERASURE_DONE).values(row).on_conflict_do_nothing())


async def oldest_waiting_ms(connection: AsyncConnection) -> dict[str, int]:
    """Return per service when (epoch ms) the oldest request was appended that it has not acknowledged."""
    rows = await connection.execute(_WAITING, {"services": list(SERVICES)})
    return {row.service: row.erased_ms for row in rows}


async def forget_old(connection: AsyncConnection, *, now_ms: int) -> None:
    """Delete the gravestones that nothing can still be on its way to, and the words about them."""
    await erasures.forget_old(connection, ERASURE, now_ms=now_ms)
    known = select(ERASURE.c.request_id)
    old = ERASURE_DONE.c.done_ms < now_ms - KEPT_MS
    await connection.execute(delete(ERASURE_DONE).where(old, ERASURE_DONE.c.request_id.not_in(known)))
