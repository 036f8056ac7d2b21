"""Reading the read models, and writing what people do: the audit row and the outbox row in one transaction."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.codec import encode, encode_json
from truenorth.erasures import is_buried
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE, TYPE_OF_PAYLOAD
from truenorth.events.health import HealthUpdated
from truenorth.events.inputs import ContactUpdated
from truenorth.events.work import AlertFeedChanged, TaskUpdated
from truenorth.postgres import erasures, offsets, outbox
from truenorth.postgres.engine import transaction

from truenorth_console.adapters import erasing, intake
from truenorth_console.adapters.erasing import SOURCE
from truenorth_console.adapters.intake import IntakeReader
from truenorth_console.adapters.projection import CONSUMER, PostgresProjection
from truenorth_console.adapters.tables import (
    ACCOUNT,
    ACCOUNT_DAYS,
    AUDIT,
    CONSUMER_OFFSET,
    CONTACT,
    ERASURE,
    FEED_ENTRY,
    MOMENT,
    OUTBOX,
    SCHEMA,
    TASK,
)
from truenorth_console.domain.book import FILTERS, RENEWING_DAYS, Counts, Filter, Held
from truenorth_console.domain.days import decode_days
from truenorth_console.domain.inbox import STATES, Tab, TabCounts
from truenorth_console.domain.timeline import MOMENTS_SHOWN, Past
from truenorth_console.ports import Action, Stored

TOPIC: Final = "actions"
INBOX_LINES_MAX: Final = 200
DONE_DAYS: Final = 30
DAY_MS: Final = 86_400_000

_snapshots = msgspec.json.Decoder(HealthUpdated)
_tasks = msgspec.json.Decoder(TaskUpdated)
_feeds = msgspec.json.Decoder(AlertFeedChanged)
_contacts = msgspec.json.Decoder(ContactUpdated)
_moments = {name: msgspec.json.Decoder(payload) for name, payload in CATALOGUE.items()}


class Database:
    """The queries behind the pages; every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.intake = IntakeReader(engine)

    @contextlib.asynccontextmanager
    async def projection(self) -> AsyncIterator[PostgresProjection]:
        """Return a unit of work for the projection loop."""
        async with transaction(self._engine) as connection:
            yield PostgresProjection(connection)

    async def position(self, places: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Return where the projection goes on; a partition never read is left out."""
        async with transaction(self._engine) as connection:
            return await offsets.load(connection, CONSUMER_OFFSET, CONSUMER, places)

    async def book(
        self, owners: Sequence[str], which: Filter, *, search: str, today: date, limit: int, offset: int = 0
    ) -> list[Held]:
        """Return one book's accounts, worst first."""
        tasks = select(func.count()).where(and_(TASK.c.account == ACCOUNT.c.account, TASK.c.is_open)).scalar_subquery()
        query = (
            select(ACCOUNT.c.snapshot, ACCOUNT_DAYS.c.days, tasks.label("tasks"))
            .outerjoin(ACCOUNT_DAYS, ACCOUNT_DAYS.c.account == ACCOUNT.c.account)
            .where(*_in_book(owners), *_filter(which, today))
            .order_by(ACCOUNT.c.attention.desc(), ACCOUNT.c.account)
            .limit(limit)
            .offset(offset)
        )
        if search:
            query = query.where(ACCOUNT.c.name.icontains(search, autoescape=True))
        async with transaction(self._engine) as connection:
            return [_held(row) for row in await connection.execute(query)]

    async def counts(self, owners: Sequence[str], today: date) -> Counts:
        """Return how many accounts each filter of a book holds."""
        columns: list[ColumnElement[Any]] = [func.max(ACCOUNT.c.computed_ms).label("scored_ms")]
        for which in FILTERS:
            held = and_(*_filter(which, today))
            columns += [
                func.count().filter(held).label(f"n_{which}"),
                func.coalesce(func.sum(ACCOUNT.c.arr).filter(held), 0).label(f"arr_{which}"),
            ]
        async with transaction(self._engine) as connection:
            row = (await connection.execute(select(*columns).where(*_in_book(owners)))).one()._mapping  # noqa: SLF001 - sqlalchemy's public name
        return Counts(
            of={which: row[f"n_{which}"] for which in FILTERS},
            arr={which: int(row[f"arr_{which}"]) for which in FILTERS},
            scored_ms=row["scored_ms"],
        )

    async def owners(self) -> dict[str, tuple[int, int]]:
        """Return accounts and yearly revenue (minor units) per owner, of accounts that have not left."""
        query = (
            select(ACCOUNT.c.owner_id, func.count(), func.coalesce(func.sum(ACCOUNT.c.arr), 0))
            .where(~ACCOUNT.c.churned)
            .group_by(ACCOUNT.c.owner_id)
        )
        async with transaction(self._engine) as connection:
            return {row[0]: (row[1], int(row[2])) for row in await connection.execute(query)}

    async def account(self, account: str) -> Held | None:
        """Return one account; None when it is not known."""
        query = (
            select(ACCOUNT.c.snapshot, ACCOUNT_DAYS.c.days, literal(0).label("tasks"))
            .outerjoin(ACCOUNT_DAYS, ACCOUNT_DAYS.c.account == ACCOUNT.c.account)
            .where(ACCOUNT.c.account == account)
        )
        async with transaction(self._engine) as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _held(row)

    async def about(self, account: str) -> Stored:
        """Return the tasks, contacts and past of an account."""
        async with transaction(self._engine) as connection:
            tasks = [
                _tasks.decode(row.payload)
                for row in await connection.execute(
                    select(TASK.c.payload)
                    .where(TASK.c.account == account)
                    .order_by(TASK.c.opened_ms.desc())
                    .limit(MOMENTS_SHOWN)
                )
            ]
            contacts = [
                _contacts.decode(row.payload)
                for row in await connection.execute(
                    select(CONTACT.c.payload).where(CONTACT.c.account == account).limit(MOMENTS_SHOWN)
                )
            ]
            past = [
                Past(row.at_ms, row.rank, _moments[row.type].decode(row.payload))
                for row in await connection.execute(
                    select(MOMENT)
                    .where(MOMENT.c.account == account)
                    .order_by(MOMENT.c.at_ms.desc(), MOMENT.c.rank.desc())
                    .limit(2 * MOMENTS_SHOWN)
                )
            ]
        return Stored(tasks, contacts, past)

    async def inbox(self, tab: Tab, viewer: str, team: Sequence[str], *, now_ms: int) -> list[AlertFeedChanged]:
        """Return a tab's entries, the newest first."""
        async with transaction(self._engine) as connection:
            rows = await connection.execute(_tab(tab, viewer, team, now_ms))
            return [_feeds.decode(row.payload) for row in rows]

    async def tab_counts(self, viewer: str, team: Sequence[str], *, now_ms: int) -> TabCounts:
        """Return how many entries each tab holds."""
        mine = FEED_ENTRY.c.recipient == viewer
        live = FEED_ENTRY.c.state.in_(STATES["mine"])
        recent = and_(FEED_ENTRY.c.state.in_(STATES["done"]), FEED_ENTRY.c.changed_ms > now_ms - DONE_DAYS * DAY_MS)
        query = select(
            func.count().filter(mine & live).label("mine"),
            func.count().filter(mine & (FEED_ENTRY.c.state == "open")).label("unread"),
            func.count().filter(~mine & live).label("team"),
            func.count().filter(mine & (FEED_ENTRY.c.state == "snoozed")).label("snoozed"),
            func.count().filter(mine & recent).label("done"),
        ).where(FEED_ENTRY.c.recipient.in_([viewer, *team]))
        async with transaction(self._engine) as connection:
            row = (await connection.execute(query)).one()
            snoozed = await connection.execute(_tab("snoozed", viewer, team, now_ms)) if row.snoozed else ()
            wakes = [_feeds.decode(one.payload).until_ms for one in snoozed]
        first = min((wake for wake in wakes if wake is not None), default=None)
        return TabCounts(row.mine, row.unread, row.team, row.snoozed, row.done, first)

    async def feed_of(self, alert_id: str) -> list[AlertFeedChanged]:
        """Return how an alert stands with each recipient."""
        async with transaction(self._engine) as connection:
            rows = await connection.execute(select(FEED_ENTRY.c.payload).where(FEED_ENTRY.c.alert_id == alert_id))
            return [_feeds.decode(row.payload) for row in rows]

    async def task(self, task_id: str) -> TaskUpdated | None:
        """Return a task; None when it is not known."""
        async with transaction(self._engine) as connection:
            payload = await connection.scalar(select(TASK.c.payload).where(TASK.c.task_id == task_id))
        return None if payload is None else _tasks.decode(payload)

    async def has_moment(self, moment_id: str) -> bool:
        """Tell whether something is on a timeline already."""
        async with transaction(self._engine) as connection:
            return bool(await connection.scalar(select(func.count()).where(MOMENT.c.moment_id == moment_id)))

    async def record(self, action: Action) -> None:
        """Write down what a person did, and hand it to the outbox, in one transaction.

        Raises:
            RefusedError: ``account_erased``; the page it was done on is older than the erasure.
        """
        event_type = TYPE_OF_PAYLOAD[type(action.payload)]
        value = encode(
            action.payload, event_id=action.action_id, source=SOURCE, account=action.account, time_ms=action.at_ms
        )
        async with transaction(self._engine) as connection:
            await erasures.hold(connection, SCHEMA, alone=False)
            grave = (await erasures.graves(connection, ERASURE, [action.account])).get(action.account)
            if is_buried(grave, record_ms=action.at_ms, time_ms=action.at_ms):
                raise RefusedError("account_erased", f"The account {action.account} was erased: nothing is kept of it.")
            await connection.execute(insert(AUDIT).values(_audit(action, event_type)))
            await outbox.put(
                connection,
                OUTBOX,
                event_id=action.action_id,
                topic=TOPIC,
                key=action.account,
                event_type=event_type,
                value=value,
                now_ms=action.at_ms,
            )

    async def oldest_waiting_ms(self) -> dict[str, int]:
        """Return per service since when (epoch ms) the oldest erasure waits for its word; left out when none does."""
        async with transaction(self._engine) as connection:
            return await erasing.oldest_waiting_ms(connection)

    async def forget_old(self, now_ms: int) -> None:
        """Forget what has been kept for its time, and the gravestones that nothing can still be on its way to."""
        async with transaction(self._engine) as connection:
            await erasing.forget_old(connection, now_ms=now_ms)
            await intake.forget_old(connection, now_ms=now_ms)


def _audit(action: Action, event_type: str) -> Mapping[str, object]:
    return {
        "action_id": action.action_id,
        "at_ms": action.at_ms,
        "by": action.by,
        "account": action.account,
        "type": event_type,
        "payload": encode_json(action.payload),
    }


def _in_book(owners: Sequence[str]) -> list[ColumnElement[bool]]:
    return [ACCOUNT.c.owner_id.in_(owners), ~ACCOUNT.c.churned]


def _filter(which: Filter, today: date) -> list[ColumnElement[bool]]:
    if which == "renewing":
        return [ACCOUNT.c.renews_on.between(today, today + timedelta(days=RENEWING_DAYS))]
    if which == "watermelon":
        return [ACCOUNT.c.watermelon]
    if which == "onboarding":
        return [ACCOUNT.c.phase == "onboarding"]
    return [ACCOUNT.c.account.is_not(None)] if which == "all" else [ACCOUNT.c.band == which]


def _tab(tab: Tab, viewer: str, team: Sequence[str], now_ms: int) -> Select[tuple[bytes]]:
    whose = list(team) if tab == "team" else [viewer]
    query = (
        select(FEED_ENTRY.c.payload)
        .where(FEED_ENTRY.c.recipient.in_(whose), FEED_ENTRY.c.state.in_(STATES[tab]))
        .limit(INBOX_LINES_MAX)
    )
    if tab == "done":
        recent = FEED_ENTRY.c.changed_ms > now_ms - DONE_DAYS * DAY_MS
        return query.where(recent).order_by(FEED_ENTRY.c.changed_ms.desc(), FEED_ENTRY.c.alert_id)
    return query.order_by(FEED_ENTRY.c.raised_ms.desc(), FEED_ENTRY.c.alert_id)


def _held(row: Any) -> Held:
    return Held(_snapshots.decode(row.snapshot), decode_days(row.days), row.tasks)
