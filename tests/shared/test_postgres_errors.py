"""Which errors of the database pass by themselves, and which URLs are understood."""

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError
from truenorth.errors import TransientError
from truenorth.postgres.engine import is_transient, lock_key, make_engine, transient_errors


class DriverError(Exception):
    """A driver error with its SQLSTATE."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "passes"),
    [
        *[(state, True) for state in ("40P01", "40001", "57P01", "53300", "55P03", "08006", "25006")],
        *[(state, False) for state in ("23505", "42P01", "22003")],
    ],
)
def test_an_error_passes_by_its_sqlstate(sqlstate: str, passes: bool) -> None:
    assert is_transient(DBAPIError("SELECT 1", None, DriverError(sqlstate))) is passes


def test_a_lost_connection_passes_and_a_broken_promise_does_not() -> None:
    assert is_transient(ConnectionRefusedError())
    assert is_transient(InterfaceError("SELECT 1", None, DriverError("")))
    assert not is_transient(IntegrityError("INSERT", None, DriverError("23505")))
    assert not is_transient(ValueError())


def test_only_errors_that_pass_change_their_type() -> None:
    with pytest.raises(TransientError, match="the database did not answer as hoped"), transient_errors():
        raise ConnectionRefusedError("nobody there")
    with pytest.raises(IntegrityError), transient_errors():
        raise IntegrityError("INSERT", None, DriverError("23505"))


async def test_a_libpq_url_is_understood() -> None:
    engine = make_engine("postgresql://me:secret@db:5432/truenorth?sslmode=require", schema="playbooks")
    assert engine.url.drivername == "postgresql+asyncpg"
    assert dict(engine.url.query) == {"ssl": "require"}
    await engine.dispose()


def test_lock_keys_are_stable_and_fit_a_bigint() -> None:
    assert lock_key("a") == lock_key("a") != lock_key("b")
    assert all(-(2**63) <= lock_key(str(number)) < 2**63 for number in range(200))


def test_errors_do_not_quote_what_was_written() -> None:
    assert make_engine("postgresql://localhost/x", schema="s").sync_engine.hide_parameters
