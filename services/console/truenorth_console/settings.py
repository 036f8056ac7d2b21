"""Everything the console can be told, read from the environment once."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from truenorth.errors import RefusedError
from truenorth.settings import Reader


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process. ``stuck_s_max``: so long without a step fails the liveness probe.

    ``ingest_url`` is where the command lines that pages show lead to.
    """

    bootstrap: str
    database_url: str
    host: str
    port: int
    telemetry_port: int
    log_level: str
    stuck_s_max: float
    ingest_url: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read them all.

        Raises:
            RefusedError: ``setting_invalid``, naming everything that is wrong, or ``not_loopback``.
        """
        read = Reader(env)
        settings = cls(
            bootstrap=read.bootstrap(),
            database_url=read.database_url(),
            host=read.host(),
            port=read.port("TRUENORTH_CONSOLE_PORT", 8480),
            telemetry_port=read.port("TRUENORTH_TELEMETRY_PORT", 8495),
            log_level=read.log_level(),
            stuck_s_max=read.number("TRUENORTH_STUCK_SECONDS", 120, at_least=10, at_most=3600),
            ingest_url=read.url("TRUENORTH_INGEST_URL", ("http", "https"), "http://127.0.0.1:8400"),
        )
        read.finish()
        require_loopback(settings.host)
        return settings


def require_loopback(host: str) -> None:
    """Refuse any address that others could reach: whoever opens the console chooses who they are.

    Raises:
        RefusedError: ``not_loopback``.
    """
    try:
        inside = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise RefusedError(
            "not_loopback",
            f"TRUENORTH_HOST is {host!r}, but the console has no authentication yet and serves this machine alone; "
            "set it to 127.0.0.1 and reach it through a tunnel.",
            field="TRUENORTH_HOST",
        )
