"""Connections and units of work. Every error that may pass by itself comes out as `TransientError`."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import sqlalchemy.exc
from asyncpg.exceptions._base import InterfaceError, PostgresError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from truenorth.errors import TransientError
from truenorth.ids import short_hash

POOL_CONNECTIONS: Final = 5
STATEMENT_TIMEOUT_MS: Final = 15_000
IDLE_IN_TRANSACTION_TIMEOUT_MS: Final = 60_000
CONNECT_TIMEOUT_S: Final = 10
POOL_WAIT_S: Final = 10

_TRANSIENT_CLASSES: Final = ("08", "40", "53", "57", "58")
"""SQLSTATE classes: connection, rollback (deadlock, serialization), resources, operator, system."""
_PASSING_STATES: Final = frozenset({"55P03", "25006"})
"""A lock that is taken; a server that only reads, as the one that answers in the middle of a failover does."""


def make_engine(
    database_url: str,
    *,
    schema: str,
    pool_connections: int = POOL_CONNECTIONS,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
) -> AsyncEngine:
    """Return an engine whose connections see ``schema`` alone.

    ``database_url`` is a libpq-style ``postgresql://`` URL (``sslmode`` is understood). Nothing connects yet.
    """
    return create_async_engine(
        _driver_url(database_url),
        pool_size=pool_connections,
        max_overflow=pool_connections,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=False,  # a round trip per unit of work; a dead connection is a TransientError, which is retried
        pool_recycle=1800,
        hide_parameters=True,  # an error's text is logged, and parameters are payloads, people and hashes of keys
        connect_args={
            "timeout": CONNECT_TIMEOUT_S,
            "server_settings": {
                "search_path": schema,
                "application_name": f"truenorth-{schema}",
                "statement_timeout": str(statement_timeout_ms),
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
                "timezone": "UTC",
                "jit": "off",  # compiling costs more than any of our queries
            },
        },
    )


@contextlib.asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One unit of work: commits when the block ends, rolls back when it raises.

    Raises:
        TransientError: when the database is away, busy, or chose this transaction as a deadlock's victim.
    """
    with transient_errors():
        async with engine.begin() as connection:
            yield connection


@contextlib.contextmanager
def transient_errors() -> Iterator[None]:
    """Turn errors of the database that may pass by themselves into `TransientError`."""
    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, PostgresError, InterfaceError, OSError) as error:
        if not is_transient(error):
            raise
        raise TransientError(f"the database did not answer as hoped ({_short(error)})") from error


def is_transient(error: BaseException) -> bool:
    """Tell whether an error of the database may pass when tried again."""
    if isinstance(error, OSError | sqlalchemy.exc.TimeoutError | InterfaceError):
        return True
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        if error.connection_invalidated or isinstance(error, sqlalchemy.exc.InterfaceError):
            return True
        return _is_transient_state(error.orig)
    return _is_transient_state(error)


async def is_reachable(engine: AsyncEngine) -> bool:
    """Tell whether the database answers a trivial query now."""
    try:
        async with transaction(engine) as connection:
            await connection.exec_driver_sql("SELECT 1")
    except TransientError:
        return False
    return True


def lock_key(name: str) -> int:
    """Return the signed 64-bit advisory lock number of a name."""
    return short_hash(f"truenorth {name}") - 2**63


def _driver_url(database_url: str) -> URL:
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    mode = url.query.get("sslmode")
    if mode is None:
        return url
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def _is_transient_state(error: Any) -> bool:
    state = getattr(error, "sqlstate", None) or ""
    return state in _PASSING_STATES or state[:2] in _TRANSIENT_CLASSES


def _short(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {cause}".splitlines()[0][:200]
