"""The settings of playbooks."""

from collections.abc import Mapping
from dataclasses import dataclass

from truenorth.settings import Reader


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, checked."""

    bootstrap: str
    database_url: str
    host: str
    telemetry_port: int
    log_level: str
    stuck_s_max: float
    """``TRUENORTH_STUCK_SECONDS``: no step for so long, with something to read, fails the liveness probe."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read them.

        Raises:
            RefusedError: naming every setting that is wrong, and what would be right.
        """
        read = Reader(env)
        settings = cls(
            bootstrap=read.bootstrap(),
            database_url=read.database_url(),
            host=read.host(),
            telemetry_port=read.port("TRUENORTH_TELEMETRY_PORT", 8493),
            log_level=read.log_level(),
            stuck_s_max=read.number("TRUENORTH_STUCK_SECONDS", 120, at_least=10, at_most=3600),
        )
        read.finish()
        return settings
