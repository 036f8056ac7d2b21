"""What the edge refused and what waits for its account: rows made from topics that go with their time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    any_,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.types import Text
from truenorth.clock import MILLIS_PER_DAY
from truenorth.erasures import GRACE_MS, Request
from truenorth.ids import derived_id
from truenorth.postgres.engine import transaction

from truenorth_console.adapters.tables import ERASURE, LEARNED, REFUSAL, WAITING
from truenorth_console.domain.intake import LINES_MAX, Totals
from truenorth_console.domain.refusals import ALIKE_MAX, HOURS_SHOWN, REFUSALS_KEPT_MS, REFUSALS_MAX, Alike, Refusal
from truenorth_console.domain.waiting import LEARNED_KEPT_MS, WAITING_KEPT_MS, WAITING_MAX, Held, Waiting
from truenorth_console.domain.wording import HOUR_MS

_CAUSE: Final = (REFUSAL.c.code, REFUSAL.c.route, REFUSAL.c.field, REFUSAL.c.key_id)
_PLACE: Final = (REFUSAL.c.partition, REFUSAL.c.offset)
_BRIEF: Final = (
    *(column for column in REFUSAL.c if column is not REFUSAL.c.original),
    literal("", Text).label("original"),
)
_NO_WORD: Final = "[^[:alnum:]_-]"
"""What stands around an id that is a word of its own."""


class IntakeReader:
    """The queries behind the intake page; every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def causes(self, *, now_ms: int) -> list[Alike]:
        """Return the refusals by cause, the one that happened last first, without their originals."""
        kept = REFUSAL.c.recorded_ms > now_ms - REFUSALS_KEPT_MS
        last = func.max(REFUSAL.c.recorded_ms)
        counts = select(*_CAUSE, func.count().label("events")).where(kept).group_by(*_CAUSE)
        counts = counts.order_by(last.desc(), *_CAUSE).limit(LINES_MAX)
        hour = REFUSAL.c.recorded_ms // literal_column(str(HOUR_MS))
        today = REFUSAL.c.recorded_ms > now_ms - HOURS_SHOWN * HOUR_MS
        async with transaction(self._engine) as connection:
            events = {_cause(row): row.events for row in await connection.execute(counts)}
            mine = tuple_(*_CAUSE).in_(list(events))
            newest = select(*_BRIEF).where(mine).ext(distinct_on(*_CAUSE))
            newest = newest.order_by(*_CAUSE, REFUSAL.c.recorded_ms.desc())
            heads = {_cause(row): _refusal(row) for row in await connection.execute(newest)}
            hours = select(*_CAUSE, hour.label("hour"), func.count().label("events")).where(today, mine)
            spread: dict[tuple[str, ...], dict[int, int]] = {}
            for row in await connection.execute(hours.group_by(*_CAUSE, hour)):
                spread.setdefault(_cause(row), {})[max(0, now_ms // HOUR_MS - row.hour)] = row.events
        return [Alike(heads[cause], events[cause], spread.get(cause, {})) for cause in events if cause in heads]

    async def refusal(self, partition: int, offset: int) -> tuple[Refusal, list[Refusal]] | None:
        """Return one refusal, and the newest of its cause without their originals; None when it is not kept."""
        one = select(REFUSAL).where(REFUSAL.c.partition == partition, REFUSAL.c.offset == offset)
        async with transaction(self._engine) as connection:
            row = (await connection.execute(one)).one_or_none()
            if row is None:
                return None
            same = and_(*(column == value for column, value in zip(_CAUSE, _cause(row), strict=True)))
            newest = select(*_BRIEF).where(same).order_by(REFUSAL.c.recorded_ms.desc()).limit(ALIKE_MAX)
            return _refusal(row), [_refusal(other) for other in await connection.execute(newest)]

    async def waiting(self, *, now_ms: int) -> list[Waiting]:
        """Return what waits by lookups and reason: first what still waits, the most first."""
        each = _waiting(now_ms).subquery()
        columns = (each.c.lookups, each.c.reason, each.c.learned)
        query = (
            select(
                *columns,
                func.sum(each.c.events).label("events"),
                func.min(each.c.oldest_ms).label("oldest_ms"),
                func.max(each.c.newest_ms).label("newest_ms"),
            )
            .group_by(*columns)
            .order_by(each.c.learned, func.sum(each.c.events).desc(), each.c.lookups)
            .limit(LINES_MAX)
        )
        async with transaction(self._engine) as connection:
            return [
                Waiting(tuple(row.lookups), row.reason, int(row.events), row.oldest_ms, row.newest_ms, row.learned)
                for row in await connection.execute(query)
            ]

    async def totals(self, *, now_ms: int) -> Totals:
        """Return how much was refused and how much waits."""
        today = REFUSAL.c.recorded_ms > now_ms - MILLIS_PER_DAY
        refused = select(func.count().label("all"), func.count().filter(today).label("today")).where(
            REFUSAL.c.recorded_ms > now_ms - REFUSALS_KEPT_MS
        )
        each = _waiting(now_ms).subquery()
        system = func.split_part(each.c.lookup, ":", 1).label("system")
        waits = select(
            system, each.c.reason, each.c.learned, func.sum(each.c.events).label("events"), func.min(each.c.oldest_ms)
        ).group_by(system, each.c.reason, each.c.learned)
        async with transaction(self._engine) as connection:
            counts = (await connection.execute(refused)).one()
            rows = list(await connection.execute(waits))
        return Totals(
            refused=counts[0],
            refused_today=counts[1],
            waiting={(row.system, row.reason): int(row.events) for row in rows if not row.learned},
            found=sum(int(row.events) for row in rows if row.learned),
            oldest_ms=min((row[4] for row in rows if not row.learned), default=None),
        )


async def put_refusals(connection: AsyncConnection, refusals: Sequence[Refusal]) -> None:
    """Keep refusals, but for those that speak of whoever was erased, and no more than `REFUSALS_MAX` in all."""
    if not refusals:
        return
    rows = [{column.name: getattr(one, column.name) for column in REFUSAL.c} for one in refusals]
    await connection.execute(insert(REFUSAL).values(rows).on_conflict_do_nothing())
    mine = tuple_(*_PLACE).in_([(one.partition, one.offset) for one in refusals])
    older = REFUSAL.c.recorded_ms <= ERASURE.c.erased_ms + GRACE_MS
    await connection.execute(delete(REFUSAL).where(mine, older, _speaks_of(ERASURE.c.subject)))
    await _keep_newest(connection, REFUSAL, _PLACE, REFUSAL.c.recorded_ms, REFUSALS_MAX)


async def put_held(connection: AsyncConnection, held: Sequence[Held]) -> None:
    """Count events that wait, by what they wait for, why, and the day; at most `WAITING_MAX` rows are kept."""
    rows: dict[str, dict[str, Any]] = {}
    for one in held:
        waiting_id = derived_id("waiting", one.reason, str(one.day), *one.lookups)
        row = rows.setdefault(
            waiting_id,
            {
                "waiting_id": waiting_id,
                "lookup": one.lookups[0],
                "lookups": list(one.lookups),
                "reason": one.reason,
                "events": 0,
                "oldest_ms": one.recorded_ms,
                "newest_ms": one.recorded_ms,
            },
        )
        row["events"] += 1
        row["oldest_ms"] = min(row["oldest_ms"], one.recorded_ms)
        row["newest_ms"] = max(row["newest_ms"], one.recorded_ms)
    if not rows:
        return
    statement = insert(WAITING).values([rows[waiting_id] for waiting_id in sorted(rows)])
    new = statement.excluded
    more = {
        "events": WAITING.c.events + new.events,
        "oldest_ms": func.least(WAITING.c.oldest_ms, new.oldest_ms),
        "newest_ms": func.greatest(WAITING.c.newest_ms, new.newest_ms),
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=["waiting_id"], set_=more))
    await _keep_newest(connection, WAITING, (WAITING.c.waiting_id,), WAITING.c.newest_ms, WAITING_MAX)


async def put_learned(connection: AsyncConnection, lookup: str, account: str, *, learned_ms: int) -> None:
    """Note whose a lookup is."""
    values = {"lookup": lookup, "account": account, "learned_ms": learned_ms}
    statement = insert(LEARNED).values(values)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["lookup", "account"], set_={"learned_ms": learned_ms})
    )


async def forget_learned(connection: AsyncConnection, lookup: str, account: str) -> None:
    """Delete whose a lookup was."""
    await connection.execute(delete(LEARNED).where(LEARNED.c.lookup == lookup, LEARNED.c.account == account))


async def forget(connection: AsyncConnection, request: Request) -> None:
    """Delete what speaks of an erased account or person: refusals, what waits, and what was learned."""
    if request.is_account:
        gone = LEARNED.c.account == request.account
        lookups = list((await connection.execute(select(LEARNED.c.lookup).where(gone).distinct())).scalars())
    else:
        lookups = [f"actor:{request.subject}"]
        gone = LEARNED.c.lookup.in_(lookups)
    if lookups:
        await connection.execute(delete(WAITING).where(WAITING.c.lookups.overlap(literal(lookups, ARRAY(Text)))))
    await connection.execute(delete(LEARNED).where(gone))
    await connection.execute(delete(REFUSAL).where(_speaks_of(literal(request.subject))))


async def forget_old(connection: AsyncConnection, *, now_ms: int) -> None:
    """Delete what has been kept for its time."""
    for column, kept_ms in (
        (REFUSAL.c.recorded_ms, REFUSALS_KEPT_MS),
        (WAITING.c.newest_ms, WAITING_KEPT_MS),
        (LEARNED.c.learned_ms, LEARNED_KEPT_MS),
    ):
        await connection.execute(delete(column.table).where(column < now_ms - kept_ms))


async def _keep_newest(
    connection: AsyncConnection, table: Table, key: Sequence[Any], at: ColumnElement[int], rows_max: int
) -> None:
    beyond = select(*key).order_by(at.desc()).offset(rows_max)
    await connection.execute(delete(table).where(tuple_(*key).in_(beyond)))


def _speaks_of(subject: ColumnElement[str]) -> ColumnElement[bool]:
    """Tell whether a refusal holds this id as a word of its own."""
    escaped = func.regexp_replace(subject, "([^[:alnum:]])", r"\\\1", "g")
    word = func.concat(f"(^|{_NO_WORD})", escaped, f"({_NO_WORD}|$)")
    texts = (REFUSAL.c.original, REFUSAL.c.message)
    return or_(*(and_(func.strpos(text, subject) > 0, text.op("~")(word)) for text in texts))


def _waiting(now_ms: int) -> Any:
    """Return the query of what waits, with whether an account is known for one of its lookups.

    What belonged to several accounts is only helped by what was learned since.
    """
    known = exists().where(
        LEARNED.c.lookup == any_(WAITING.c.lookups),
        or_(WAITING.c.reason != "ambiguous", LEARNED.c.learned_ms > WAITING.c.newest_ms),
    )
    return select(WAITING, known.label("learned")).where(WAITING.c.newest_ms > now_ms - WAITING_KEPT_MS)


def _cause(row: Any) -> tuple[str, ...]:
    return row.code, row.route, row.field, row.key_id


def _refusal(row: Any) -> Refusal:
    columns: Mapping[str, Any] = row._mapping  # noqa: SLF001 - sqlalchemy's public name
    return Refusal(**columns)
