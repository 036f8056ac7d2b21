"""The PostgreSQL parts against a real server: units of work, places, leases, migrations."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, Text, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from truenorth.errors import MissingError, TransientError
from truenorth.ids import random_id
from truenorth.postgres import leases, migrations, offsets
from truenorth.postgres.engine import is_reachable, make_engine, transaction

pytestmark = pytest.mark.integration

METADATA = MetaData()
OFFSETS = offsets.consumer_offset_table(METADATA)
JOBS = Table("job", METADATA, Column("id", Text, primary_key=True), *leases.lease_columns())

FIRST = """
revision = "0001"
down_revision = None

from alembic import op
import sqlalchemy as sa

def upgrade() -> None:
    op.create_table("thing", sa.Column("id", sa.Text, primary_key=True))
"""
SECOND = """
revision = "0002"
down_revision = "0001"

from alembic import op
import sqlalchemy as sa

def upgrade() -> None:
    op.add_column("thing", sa.Column("name", sa.Text, server_default=""))
"""


@dataclass(frozen=True)
class Placed:
    topic: str
    partition: int
    offset: int


@pytest.fixture
async def schema(stack: Any) -> AsyncIterator[str]:
    name = f"test_{random_id()[:8]}"
    engine = make_engine(stack.database_url, schema=name)
    async with transaction(engine) as connection:
        await connection.execute(text(f'CREATE SCHEMA "{name}"'))
    yield name
    async with transaction(engine) as connection:
        await connection.execute(text(f'DROP SCHEMA "{name}" CASCADE'))
    await engine.dispose()


@pytest.fixture
async def engine(stack: Any, schema: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(stack.database_url, schema=schema)
    async with transaction(engine) as connection:
        await connection.run_sync(METADATA.create_all)
    yield engine
    await engine.dispose()


async def test_a_unit_of_work_is_all_or_nothing(engine: AsyncEngine) -> None:
    with pytest.raises(ValueError, match="no"):
        async with transaction(engine) as connection:
            await connection.execute(JOBS.insert().values(id="a"))
            raise ValueError("no")
    async with transaction(engine) as connection:
        assert (await connection.execute(select(JOBS))).all() == []


async def test_a_database_that_is_away_is_a_transient_error() -> None:
    engine = make_engine("postgresql://me@127.0.0.1:1/none", schema="x")
    with pytest.raises(TransientError):
        async with transaction(engine):
            pass
    assert not await is_reachable(engine)
    await engine.dispose()


async def test_a_connection_cut_by_the_server_is_a_transient_error(engine: AsyncEngine) -> None:
    with pytest.raises(TransientError):
        async with transaction(engine) as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            await connection.execute(text("SELECT 1"))
    assert await is_reachable(engine)


async def test_records_below_the_kept_place_are_not_applied_again(engine: AsyncEngine) -> None:
    batch = [Placed("t", 0, 4), Placed("t", 1, 9), Placed("t", 0, 5)]
    async with transaction(engine) as connection:
        assert await offsets.advance(connection, OFFSETS, "me", batch) == batch
    again = [*batch, Placed("t", 0, 7)]
    async with transaction(engine) as connection:
        assert await offsets.advance(connection, OFFSETS, "me", again) == [Placed("t", 0, 7)]
        places = await offsets.load(connection, OFFSETS, "me", {("t", 0), ("t", 1), ("t", 2)})
    assert places == {("t", 0): 8, ("t", 1): 10}


async def test_the_loser_of_a_rebalance_finds_nothing_to_apply(engine: AsyncEngine) -> None:
    batch = [Placed("t", 0, offset) for offset in range(10)]

    async def apply(hold_s: float) -> int:
        async with transaction(engine) as connection:
            fresh = await offsets.advance(connection, OFFSETS, "me", batch)
            await asyncio.sleep(hold_s)
            return len(fresh)

    assert sorted(await asyncio.gather(apply(0.05), apply(0.05))) == [0, 10]


async def test_a_claimed_row_is_nobody_elses_until_its_lease_ends(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        await connection.execute(JOBS.insert(), [{"id": name, "due_ms": due} for name, due in [("b", 2), ("a", 1)]])
        await connection.execute(JOBS.insert().values(id="never", due_ms=None))
    async with transaction(engine) as connection:
        taken = await leases.claim(connection, JOBS, worker="one", now_ms=10, lease_ms=60)
        assert [row.id for row in taken] == ["a", "b"]
        assert [row.attempts for row in taken] == [1, 1]
    async with transaction(engine) as connection:
        assert await leases.claim(connection, JOBS, worker="two", now_ms=69, lease_ms=60) == []
        late = await leases.claim(connection, JOBS, worker="two", now_ms=70, lease_ms=60, limit=1)
        assert [(row.id, row.attempts) for row in late] == [("a", 2)]
        assert not await leases.finish(connection, JOBS, "a", worker="one", due_ms=None)
        assert await leases.finish(connection, JOBS, "a", worker="two", due_ms=None)
        assert await leases.finish(connection, JOBS, "b", worker="one", due_ms=100)
        assert [row.id for row in await leases.claim(connection, JOBS, worker="x", now_ms=200, lease_ms=1)] == ["b"]


async def test_claims_at_the_same_time_share_the_rows(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        await connection.execute(JOBS.insert(), [{"id": str(n), "due_ms": n} for n in range(40)])

    async def worker(name: str) -> list[str]:
        async with transaction(engine) as connection:
            rows = await leases.claim(connection, JOBS, worker=name, now_ms=100, lease_ms=60, limit=20)
            await asyncio.sleep(0.05)
            return [row.id for row in rows]

    one, two = await asyncio.gather(worker("one"), worker("two"))
    assert len(one) + len(two) == 40
    assert not set(one) & set(two)


async def test_migrations_run_once_and_only_what_is_pending(stack: Any, schema: str, tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "0001_first.py").write_text(FIRST)
    both = [migrations.migrate(stack.database_url, schema, tmp_path) for _ in range(2)]
    assert await asyncio.gather(*both) == ["0001", "0001"]
    engine = make_engine(stack.database_url, schema=schema)
    await migrations.require_current(engine, schema, tmp_path, command="x migrate")
    (versions / "0002_second.py").write_text(SECOND)
    with pytest.raises(MissingError, match="is at revision 0001, this release needs 0002; run x migrate"):
        await migrations.require_current(engine, schema, tmp_path, command="x migrate")
    assert await migrations.migrate(stack.database_url, schema, tmp_path) == "0002"
    async with transaction(engine) as connection:
        assert (await connection.execute(text("SELECT id, name FROM thing"))).all() == []
    await engine.dispose()


async def test_a_schema_never_migrated_is_named_with_the_remedy(stack: Any, tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001_first.py").write_text(FIRST)
    engine = make_engine(stack.database_url, schema="nobody_made_this")
    with pytest.raises(MissingError, match="is at revision none"):
        await migrations.require_current(engine, "nobody_made_this", tmp_path, command="x migrate")
    await engine.dispose()
