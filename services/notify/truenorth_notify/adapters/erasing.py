"""What an erasure deletes in the schema ``notify``."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection
from truenorth.erasures import Request
from truenorth.postgres import erasures

from truenorth_notify.adapters.tables import ALERT, ATTEMPT, DELIVERY, FEED_ENTRY, OUTBOX


async def forget(connection: AsyncConnection, request: Request) -> None:
    """Delete all rows of an account, or a person's pseudonym from the rows of theirs.

    A try that is under way finds its delivery gone when it is to be settled, and leaves nothing.
    """
    if not request.is_account:
        for table, column, mine in (
            (ALERT, "payload", ALERT.c.account == request.account),
            (OUTBOX, "payload", OUTBOX.c.aggregateid == request.account),
        ):
            await erasures.redact(connection, table, column, mine, request.subject)
        return
    mine = ALERT.c.account == request.account
    await connection.execute(select(ALERT.c.alert_id).where(mine).order_by(ALERT.c.alert_id).with_for_update())
    deliveries = select(DELIVERY.c.delivery_id).where(DELIVERY.c.account == request.account)
    await connection.execute(delete(ATTEMPT).where(ATTEMPT.c.delivery_id.in_(deliveries)))
    for table in (DELIVERY, FEED_ENTRY, ALERT):
        await connection.execute(delete(table).where(table.c.account == request.account))
    await erasures.drop_unsent(connection, OUTBOX, request.account)
