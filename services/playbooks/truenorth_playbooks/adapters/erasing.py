"""What an erasure deletes in the schema ``playbooks``, and what stays of an erased account."""

from typing import Final

from sqlalchemy import delete, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from truenorth.erasures import KEPT_MS, Request
from truenorth.postgres import erasures

from truenorth_playbooks.adapters import tables

_OF_ACCOUNT: Final = (tables.TIMER, tables.ALERT, tables.TASK, tables.RUN)
_FORGET_GRAVES: Final = text(
    """
    DELETE FROM account USING erasure
    WHERE account.account_id = erasure.account AND erasure.kind = 'account' AND erasure.erased_ms < :before_ms
      AND greatest(account.changes_number, account.milestones_number) <= erasure.revision
    """
)
"""Accounts that were erased so long ago that nothing older is kept anywhere, and that nobody founded anew."""


async def forget(connection: AsyncConnection, request: Request) -> None:
    """Delete all rows of an account, or a person's pseudonym from the rows of theirs."""
    if request.is_account:
        await _bury(connection, request.account)
        return
    for table, column, mine in (
        (tables.TASK, "body", tables.TASK.c.account_id == request.account),
        (tables.OUTBOX, "payload", tables.OUTBOX.c.aggregateid == request.account),
    ):
        await erasures.redact(connection, table, column, mine, request.subject)


async def forget_old(connection: AsyncConnection, now_ms: int) -> None:
    """Delete the gravestones that nothing can still be on its way to."""
    await connection.execute(_FORGET_GRAVES, {"before_ms": now_ms - KEPT_MS})
    await erasures.forget_old(connection, tables.ERASURE, now_ms=now_ms)


async def _bury(connection: AsyncConnection, account: str) -> None:
    """Delete all but the row of transition numbers, which stand as the account's gravestone."""
    for table in _OF_ACCOUNT:
        await connection.execute(delete(table).where(table.c.account_id == account))
    mine = tables.ACCOUNT.c.account_id == account
    await connection.execute(update(tables.ACCOUNT).where(mine).values(churned=False, churn_number=0))
    await erasures.drop_unsent(connection, tables.OUTBOX, account)
