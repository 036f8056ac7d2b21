"""What an erasure deletes of what the edge has learned and of what waits."""

from sqlalchemy import delete, func, literal, or_, text
from sqlalchemy.ext.asyncio import AsyncConnection
from truenorth.codec import encode_json
from truenorth.erasures import Request
from truenorth.postgres import erasures
from truenorth.postgres.outbox import Pending, put_all

from truenorth_ingest.adapters.tables import HELD_EVENT, IDENTITY, OUTBOX
from truenorth_ingest.domain.holding import forgotten
from truenorth_ingest.domain.lookups import actor_lookup

_HELD_FOR_ACCOUNT = text("""
DELETE FROM held_event AS held
WHERE held.lookups && (SELECT array_agg(lookup) FROM identity WHERE account = :account)
  AND EXISTS (
    SELECT 1 FROM identity AS decides
    WHERE decides.account = :account AND decides.lookup = (
      SELECT asked.lookup FROM unnest(held.lookups) WITH ORDINALITY AS asked (lookup, place)
      WHERE EXISTS (SELECT 1 FROM identity AS known WHERE known.lookup = asked.lookup)
      ORDER BY asked.place LIMIT 1
    )
  )
""")
"""Held events that are the account's, or may be: it is among the accounts of the lookup that decides."""


async def forget(connection: AsyncConnection, request: Request, *, now_ms: int) -> int:
    """Delete what names the person, or is the account's; return how many held events went.

    A person's lookup goes for all accounts: what is left of it would decide events that it was ambiguous about.
    """
    if request.is_account:
        gone = await connection.execute(_HELD_FOR_ACCOUNT, {"account": request.account})
        mine = IDENTITY.c.account == request.account
        await erasures.drop_unsent(connection, OUTBOX, request.account)
    else:
        lookup = actor_lookup(request.subject)
        named = func.position(literal(encode_json(request.subject)).op("IN")(HELD_EVENT.c.record)) > 0
        gone = await connection.execute(delete(HELD_EVENT).where(or_(HELD_EVENT.c.lookups.contains([lookup]), named)))
        mine = IDENTITY.c.lookup == lookup
    pairs = await connection.execute(delete(IDENTITY).where(mine).returning(IDENTITY.c.lookup, IDENTITY.c.account))
    said = [forgotten(lookup, account, why=request.request_id) for lookup, account in pairs]
    await put_all(connection, OUTBOX, [Pending(*one) for one in said], now_ms=now_ms)
    return gone.rowcount
