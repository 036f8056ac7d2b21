"""What was learned and what waits, in PostgreSQL: one unit of work is one transaction, and there is one at a time."""

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row, any_, delete, func, literal, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.types import Text
from truenorth.codec import encode_json
from truenorth.erasures import KEPT_MS, Request
from truenorth.events.identity import EventHeld
from truenorth.kafka import Record
from truenorth.postgres import erasures, offsets
from truenorth.postgres.dead_letters import park
from truenorth.postgres.engine import transaction
from truenorth.postgres.outbox import Pending, put_all

from truenorth_ingest.adapters.forgetting import forget
from truenorth_ingest.adapters.tables import (
    AWAKENED,
    CONSUMER_OFFSET,
    ERASURE,
    ERASURE_ASKED,
    ERASURE_DONE,
    HELD_EVENT,
    IDENTITY,
    OUTBOX,
)
from truenorth_ingest.domain.graves import Graves
from truenorth_ingest.domain.holding import Kept, Said, Waiting
from truenorth_ingest.settings import SCHEMA

CONSUMER: Final = "truenorth-ingest"
SERVICE: Final = "ingest"
SOURCE: Final = "truenorth/ingest"
LOOKUPS_PER_ROUND_MAX: Final = 100
EXPIRED_PER_ROUND_MAX: Final = 1000

_AWAKEN = text("""
INSERT INTO awakened (lookup, since, after_partition, after_offset)
SELECT told.lookup, CAST(:now_ms AS bigint), -1, -1 FROM unnest(CAST(:lookups AS text[])) AS told (lookup)
WHERE EXISTS (SELECT 1 FROM held_event WHERE lookups @> ARRAY[told.lookup])
ON CONFLICT (lookup) DO UPDATE SET after_partition = -1, after_offset = -1
""")
_AWOKEN = text("""
SELECT awake.lookup, held.partition, held."offset", held.record, held.held FROM (
  SELECT * FROM awakened WHERE lookup = ANY(CAST(:lookups AS text[]))
) AS awake
CROSS JOIN LATERAL (
  SELECT * FROM held_event AS one
  WHERE one.lookups @> ARRAY[awake.lookup]
    AND (one.partition, one."offset") > (awake.after_partition, awake.after_offset)
  ORDER BY one.partition, one."offset" LIMIT :limit_events
) AS held
ORDER BY awake.since, awake.lookup, held.partition, held."offset" LIMIT :limit_events
""")
"""Held events of these lookups behind the place that each was looked at up to, lookup by lookup."""

_held = msgspec.json.Decoder(EventHeld)


class PostgresHoldingUnit:
    """See `truenorth_ingest.ports.HoldingUnit`, and `truenorth_ingest.worker.BatchUnit` for the rest."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def fresh(self, records: Sequence[Record]) -> list[Record]:
        """Move the consumer's place past these records and return those not applied before."""
        return await offsets.advance(self._connection, CONSUMER_OFFSET, CONSUMER, records)

    async def learn(self, pairs: Mapping[tuple[str, str], int]) -> set[str]:
        """See the port."""
        if not pairs:
            return set()
        rows = [{"lookup": pair[0], "account": pair[1], "learned": at_ms} for pair, at_ms in sorted(pairs.items())]
        noted = insert(IDENTITY).values(rows).on_conflict_do_nothing().returning(IDENTITY.c.lookup)
        return set(await self._connection.scalars(noted))

    async def unlearn(self, pairs: Sequence[tuple[str, str]]) -> set[str]:
        """See the port."""
        if not pairs:
            return set()
        named = tuple_(IDENTITY.c.lookup, IDENTITY.c.account).in_(pairs)
        return set(await self._connection.scalars(delete(IDENTITY).where(named).returning(IDENTITY.c.lookup)))

    async def accounts_of(self, lookups: Collection[str]) -> Mapping[str, Sequence[str]]:
        """See the port."""
        asked = select(IDENTITY.c.lookup, IDENTITY.c.account).where(IDENTITY.c.lookup == _any_of(lookups))
        found: dict[str, list[str]] = {}
        for lookup, account in await self._connection.execute(asked.order_by(IDENTITY.c.account)):
            found.setdefault(lookup, []).append(account)
        return found

    async def graves(self, accounts: Collection[str], people: Collection[str]) -> Graves:
        """See the port."""
        whole = (ERASURE.c.kind == "account") & (ERASURE.c.subject == _any_of(accounts))
        one = (ERASURE.c.kind != "account") & (ERASURE.c.subject == _any_of(people))
        rows = await self._connection.execute(
            select(ERASURE.c.kind, ERASURE.c.subject, ERASURE.c.account, ERASURE.c.erased_ms)
            .where(or_(whole, one))
            .order_by(ERASURE.c.erased_ms)
        )
        of_accounts: dict[str, int] = {}
        of_people: dict[str, dict[str, int]] = {}
        for row in rows:
            if row.kind == "account":
                of_accounts[row.subject] = row.erased_ms
            else:
                of_people.setdefault(row.subject, {})[row.account] = row.erased_ms
        return Graves(of_accounts, of_people)

    async def awaken(self, lookups: Collection[str], *, now_ms: int) -> None:
        """See the port."""
        if lookups:
            await self._connection.execute(_AWAKEN, {"lookups": sorted(lookups), "now_ms": now_ms})

    async def awoken(self, limit_events: int) -> Sequence[Waiting]:
        """See the port."""
        oldest = select(AWAKENED.c.lookup).order_by(AWAKENED.c.since, AWAKENED.c.lookup).limit(LOOKUPS_PER_ROUND_MAX)
        lookups = list(await self._connection.scalars(oldest))
        if not lookups:
            return []
        found = await self._connection.execute(_AWOKEN, {"lookups": lookups, "limit_events": limit_events})
        rows = list(found)
        unfinished = rows[-1] if len(rows) == limit_events else None
        over = lookups if unfinished is None else lookups[: lookups.index(unfinished.lookup)]
        await self._connection.execute(delete(AWAKENED).where(AWAKENED.c.lookup == _any_of(over)))
        if unfinished is not None:
            seen = {"after_partition": unfinished.partition, "after_offset": unfinished.offset}
            await self._connection.execute(AWAKENED.update().where(AWAKENED.c.lookup == unfinished.lookup).values(seen))
        return list({(row.partition, row.offset): _waiting(row) for row in rows}.values())

    async def keep(self, events: Sequence[Kept]) -> None:
        """See the port."""
        if not events:
            return
        adding = insert(HELD_EVENT)
        changed = {name: adding.excluded[name] for name in ("record", "reason")}
        adding = adding.on_conflict_do_update(index_elements=["partition", "offset"], set_=changed)
        await self._connection.execute(adding, [_row(one) for one in events])

    async def drop(self, places: Sequence[tuple[int, int]]) -> None:
        """See the port."""
        if places:
            named = tuple_(HELD_EVENT.c.partition, HELD_EVENT.c.offset).in_(places)
            await self._connection.execute(delete(HELD_EVENT).where(named))

    async def say(self, records: Sequence[Said], *, now_ms: int) -> None:
        """See the port."""
        await put_all(self._connection, OUTBOX, [Pending(*record) for record in records], now_ms=now_ms)

    async def erase(self, request: Request, *, now_ms: int) -> int | None:
        """Forget what is asked, and say so; return how many held events went, None when it was done before."""
        if not await erasures.note(self._connection, ERASURE, request, now_ms=now_ms):
            return None
        gone = await forget(self._connection, request, now_ms=now_ms)
        await erasures.acknowledge(self._connection, OUTBOX, request, service=SERVICE, source=SOURCE, now_ms=now_ms)
        return gone

    async def note_done(self, request_id: str, service: str, *, done_ms: int) -> None:
        """Note a service's word that it has carried out a request."""
        row = {"request_id": request_id, "service": service, "done_ms": done_ms}
        await self._connection.execute(insert(ERASURE_DONE).values(row).on_conflict_do_nothing())

    async def expire(self, *, before_ms: int) -> Sequence[str]:
        """Delete some of the events that were taken before this time; return why each of them waited."""
        old = (
            select(HELD_EVENT.c.partition, HELD_EVENT.c.offset)
            .where(HELD_EVENT.c.held < before_ms)
            .order_by(HELD_EVENT.c.held)
            .limit(EXPIRED_PER_ROUND_MAX)
        )
        named = tuple_(HELD_EVENT.c.partition, HELD_EVENT.c.offset).in_(old)
        return list(await self._connection.scalars(delete(HELD_EVENT).where(named).returning(HELD_EVENT.c.reason)))

    async def park(self, record: Record, *, reason: str, now_ms: int) -> None:
        """Put a record that cannot be processed on the dead-letter topic, with its reason."""
        await park(self._connection, OUTBOX, record, reader=CONSUMER, reason=reason, now_ms=now_ms)


class HeldEvents:
    """Makes units of work, tells the consumer's place, and how much waits."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @contextlib.asynccontextmanager
    async def unit(self) -> AsyncIterator[PostgresHoldingUnit]:
        """Begin a unit of work once no other is under way; committed when the block ends, else rolled back."""
        async with transaction(self._engine) as connection:
            await erasures.hold(connection, SCHEMA, alone=True)
            yield PostgresHoldingUnit(connection)

    async def position(self, partitions: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Return the next offset of each partition that has been read before."""
        async with transaction(self._engine) as connection:
            return await offsets.load(connection, CONSUMER_OFFSET, CONSUMER, partitions)

    async def is_awake(self) -> bool:
        """Tell whether there are events to look at again."""
        async with transaction(self._engine) as connection:
            return await connection.scalar(select(AWAKENED.c.lookup).limit(1)) is not None

    async def waiting(self) -> Mapping[str, tuple[int, int]]:
        """Return per reason how many events wait, and when (epoch ms) the oldest of them was taken."""
        query = select(HELD_EVENT.c.reason, func.count(), func.min(HELD_EVENT.c.held)).group_by(HELD_EVENT.c.reason)
        async with transaction(self._engine) as connection:
            return {reason: (count, oldest_ms) for reason, count, oldest_ms in await connection.execute(query)}

    async def forget_erasures(self, *, now_ms: int) -> None:
        """Forget the requests that no kept record can be older than."""
        async with transaction(self._engine) as connection:
            await erasures.forget_old(connection, ERASURE, now_ms=now_ms)
            for table, column in ((ERASURE_ASKED, "asked_ms"), (ERASURE_DONE, "done_ms")):
                await connection.execute(delete(table).where(table.c[column] < now_ms - KEPT_MS))


def _any_of(texts: Collection[str]) -> Any:
    return any_(literal(sorted(texts), ARRAY(Text)))


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(row.partition, row.offset, _held.decode(row.record), row.held)


def _row(kept: Kept) -> dict[str, object]:
    one = kept.waiting
    return {
        "partition": one.partition,
        "offset": one.offset,
        "lookups": one.event.lookups,
        "record": encode_json(msgspec.structs.replace(one.event, reason=kept.reason)),
        "reason": kept.reason,
        "held": one.held_ms,
    }
