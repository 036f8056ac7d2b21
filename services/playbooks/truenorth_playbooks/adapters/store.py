"""`truenorth_playbooks.ports.store` on PostgreSQL."""

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Table, any_, delete, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from truenorth.codec import encode, encode_json
from truenorth.definitions.model import Playbook
from truenorth.erasures import Request
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.work import TaskUpdated
from truenorth.kafka.records import Record
from truenorth.postgres import dead_letters, erasures, leases, offsets, outbox
from truenorth.postgres.engine import transaction

from truenorth_playbooks.adapters import tables
from truenorth_playbooks.adapters.erasing import forget, forget_old
from truenorth_playbooks.domain.actions import overdue_at_ms
from truenorth_playbooks.domain.book import Alert, Book, Run, Said

CONSUMER: Final = "playbooks"
SOURCE: Final = "truenorth/playbooks"
LEASE_MS: Final = 60_000


LOCKED_ACCOUNTS: Final = text(
    """
    INSERT INTO account (account_id, changes_number, milestones_number, churned, churn_number)
    SELECT account_id, 0, 0, false, 0 FROM unnest(CAST(:accounts AS text[])) AS new (account_id)
    ON CONFLICT (account_id) DO UPDATE SET churned = account.churned
    RETURNING account_id, changes_number, milestones_number, churned, churn_number
    """
)
OPEN_AND_NAMED: Final = text(
    """
    SELECT 'run', account_id, convert_to(row_to_json(latest)::text, 'UTF8') FROM (
        SELECT DISTINCT ON (account_id, playbook, dedupe) *, account_id AS account FROM run
        WHERE account_id = ANY (CAST(:accounts AS text[]))
        ORDER BY account_id, playbook, dedupe, trigger_number DESC
    ) AS latest
    UNION ALL
    SELECT 'task', account_id, body FROM task
    WHERE account_id = ANY (CAST(:accounts AS text[]))
      AND (status IN ('open', 'overdue') OR task_id = ANY (CAST(:tasks AS text[])))
    UNION ALL
    SELECT 'alert', account_id, convert_to(row_to_json(known)::text, 'UTF8') FROM (
        SELECT *, account_id AS account FROM alert
        WHERE account_id = ANY (CAST(:accounts AS text[]))
          AND (resolved_ms IS NULL OR alert_id = ANY (CAST(:alerts AS text[])))
    ) AS known
    UNION ALL
    SELECT 'grave', account, convert_to(max(erased_ms)::text, 'UTF8') FROM erasure
    WHERE account = ANY (CAST(:accounts AS text[])) AND kind = 'account' GROUP BY account
    """
)
"""All an account has open, what was named, and when it was erased, in one round trip: an alert has no time for more."""


class PostgresStore:
    """Opens units of work. ``worker`` is this process's own id, for its leases."""

    def __init__(self, engine: AsyncEngine, *, worker: str) -> None:
        self._engine = engine
        self._worker = worker

    @contextlib.asynccontextmanager
    async def unit(self) -> "AsyncIterator[PostgresUnit]":
        """See `Store.unit`."""
        async with transaction(self._engine) as connection:
            yield PostgresUnit(connection)

    async def places(self, partitions: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Return the next offsets to read: the consumer seeks to them."""
        async with transaction(self._engine) as connection:
            return await offsets.load(connection, tables.CONSUMER_OFFSET, CONSUMER, partitions)

    async def due_tasks(self, now_ms: int, limit: int) -> list[tuple[str, str]]:
        """See `Store.due_tasks`."""
        async with transaction(self._engine) as connection:
            rows = await leases.claim(
                connection, tables.TIMER, worker=self._worker, now_ms=now_ms, lease_ms=LEASE_MS, limit=limit
            )
            return [(row.task_id, row.account_id) for row in rows]

    async def forget_actions(self, before_ms: int) -> None:
        """See `Store.forget_actions`."""
        async with transaction(self._engine) as connection:
            table = tables.APPLIED_ACTION
            await connection.execute(delete(table).where(table.c.applied_ms < before_ms))

    async def forget_erasures(self, now_ms: int) -> None:
        """See `Store.forget_erasures`."""
        async with transaction(self._engine) as connection:
            await forget_old(connection, now_ms)


class PostgresUnit:
    """One transaction. Accounts are locked in one order, so two units never wait for each other in a circle."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def fresh(self, records: Sequence[Record]) -> list[Record]:
        """See `Unit.fresh`."""
        return await offsets.advance(self._connection, tables.CONSUMER_OFFSET, CONSUMER, records)

    async def books(
        self, accounts: Collection[str], *, tasks: Collection[str] = (), alerts: Collection[str] = ()
    ) -> dict[str, Book]:
        """See `Unit.books`."""
        names = sorted(set(accounts))
        if not names:
            return {}
        books = await self._locked(names)
        found = await self._connection.execute(
            OPEN_AND_NAMED, {"accounts": names, "tasks": sorted(tasks), "alerts": sorted(alerts)}
        )
        for kind, account, body in found:
            _keep(books[account], kind, body)
        return books

    async def erase(self, request: Request, now_ms: int) -> bool:
        """See `Unit.erase`."""
        if await erasures.is_noted(self._connection, tables.ERASURE, request):
            return False
        revision = 0
        if request.is_account:
            book = (await self._locked([request.account]))[request.account]  # whoever works on it now comes first
            revision = max(book.changes_number, book.milestones_number)
        if not await erasures.note(self._connection, tables.ERASURE, request, now_ms=now_ms, revision=revision):
            return False
        await forget(self._connection, request)
        await erasures.acknowledge(
            self._connection, tables.OUTBOX, request, service=CONSUMER, source=SOURCE, now_ms=now_ms
        )
        return True

    async def playbooks(self, versions: Collection[str]) -> dict[str, Playbook]:
        """See `Unit.playbooks`."""
        table = tables.PLAYBOOK_VERSION
        rows = await self._rows(select(table.c.version, table.c.body).where(_among(table.c.version, versions)))
        return {row.version: msgspec.json.decode(row.body, type=Playbook) for row in rows}

    async def first_time(self, action_ids: Sequence[str], now_ms: int) -> set[str]:
        """See `Unit.first_time`."""
        if not action_ids:
            return set()
        table = tables.APPLIED_ACTION
        rows = [{"action_id": action_id, "applied_ms": now_ms} for action_id in sorted(set(action_ids))]
        added = await self._connection.execute(
            insert(table).values(rows).on_conflict_do_nothing().returning(table.c.action_id)
        )
        return set(added.scalars())

    async def save(self, books: Collection[Book], playbooks: Mapping[str, Playbook], now_ms: int) -> int:
        """See `Unit.save`."""
        versions = [
            {"version": version, "playbook": playbook.id, "body": encode_json(playbook), "first_used_ms": now_ms}
            for version, playbook in playbooks.items()
        ]
        if versions:
            table = tables.PLAYBOOK_VERSION
            await self._connection.execute(insert(table).values(versions).on_conflict_do_nothing())
        await self._upsert(tables.ACCOUNT, [_account_row(book) for book in books if book.changed_account])
        runs = [book.runs[run_id] for book in books for run_id in book.changed_runs]
        runs.sort(key=lambda run: run.state == "open")  # an end frees the place that an opening takes
        await self._upsert(tables.RUN, [_run_row(run) for run in runs])
        tasks = [book.tasks[task_id] for book in books for task_id in book.changed_tasks]
        await self._upsert(tables.TASK, [_task_row(task) for task in tasks])
        await self._upsert(
            tables.ALERT, [_alert_row(book.alerts[alert_id]) for book in books for alert_id in book.changed_alerts]
        )
        for book in books:
            await self.retime([book], book.changed_tasks)
        said = [_pending(book.account, said) for book in books for said in book.said]
        await outbox.put_all(self._connection, tables.OUTBOX, said, now_ms=now_ms)
        return len(said)

    async def retime(self, books: Collection[Book], task_ids: Collection[str]) -> None:
        """See `Unit.retime`."""
        if not task_ids:
            return
        tasks = [book.tasks[task_id] for book in books for task_id in task_ids if task_id in book.tasks]
        due = {task.task_id: (task.account, at_ms) for task in tasks if (at_ms := overdue_at_ms(task)) is not None}
        rows = [
            {"task_id": task_id, "account_id": account, "due_ms": at_ms, "lease_until_ms": 0, "lease_by": ""}
            for task_id, (account, at_ms) in due.items()
        ]
        await self._upsert(tables.TIMER, rows)
        over = [task_id for task_id in task_ids if task_id not in due]
        if over:
            await self._connection.execute(delete(tables.TIMER).where(_among(tables.TIMER.c.task_id, over)))

    async def park(self, record: Record, reason: str, now_ms: int) -> None:
        """See `Unit.park`."""
        await dead_letters.park(self._connection, tables.OUTBOX, record, reader=CONSUMER, reason=reason, now_ms=now_ms)

    async def _locked(self, names: Sequence[str]) -> dict[str, Book]:
        rows = await self._connection.execute(LOCKED_ACCOUNTS, {"accounts": names})
        return {
            row.account_id: Book(
                row.account_id, row.changes_number, row.milestones_number, row.churned, row.churn_number
            )
            for row in rows
        }

    async def _rows(self, statement: Any) -> Sequence[Any]:
        return (await self._connection.execute(statement)).all()

    async def _upsert(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        statement = insert(table)
        keys = [column.name for column in table.primary_key.columns]
        values = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        await self._connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values), list(rows))


def _among(column: Any, values: Collection[str]) -> Any:
    """One statement text for any number of values, so that the server plans it once."""
    return column == any_(literal(sorted(values), ARRAY(TEXT)))


def _keep(book: Book, kind: str, body: bytes) -> None:
    if kind == "run":
        run = msgspec.json.decode(body, type=Run)
        book.runs[run.run_id] = run
    elif kind == "grave":
        book.erased_ms = int(body)
    elif kind == "task":
        task = msgspec.json.decode(body, type=TaskUpdated)
        book.tasks[task.task_id] = task
    else:
        alert = msgspec.json.decode(body, type=Alert)
        book.alerts[alert.alert_id] = alert


def _account_row(book: Book) -> dict[str, Any]:
    return {
        "account_id": book.account,
        "changes_number": book.changes_number,
        "milestones_number": book.milestones_number,
        "churned": book.churned,
        "churn_number": book.churn_number,
    }


def _run_row(run: Run) -> dict[str, Any]:
    values = msgspec.structs.asdict(run)
    return {"account_id": values.pop("account"), **values}


def _task_row(task: TaskUpdated) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "account_id": task.account,
        "run_id": task.run_id,
        "status": task.status,
        "revision": task.revision,
        "body": encode_json(task),
    }


def _alert_row(alert: Alert) -> dict[str, Any]:
    values = msgspec.structs.asdict(alert)
    return {"account_id": values.pop("account"), **values}


def _pending(account: str, said: Said) -> outbox.Pending:
    return outbox.Pending(
        event_id=said.event_id,
        topic=said.topic,
        key=account,
        event_type=TYPE_OF_PAYLOAD[type(said.payload)],
        value=encode(said.payload, event_id=said.event_id, source=SOURCE, account=account, time_ms=said.time_ms),
    )
