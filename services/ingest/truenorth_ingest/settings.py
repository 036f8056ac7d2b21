"""The settings of the edge, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from truenorth.errors import RefusedError
from truenorth.settings import Reader

from truenorth_ingest.domain.pseudonyms import SECRET_CHARS_MIN

SCHEMA: Final = "ingest"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Secrets may also come from files (``X_FILE``)."""

    bootstrap: str
    database_url: str
    pseudonym_secret: str
    host: str
    port: int
    telemetry_port: int
    log_level: str
    answer_seconds_max: float
    waiting_bytes_max: int
    key_events_per_second_max: int
    account_events_per_second_max: int

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Return the settings.

        Raises:
            RefusedError: naming every setting that is missing or wrong, and what would be right.
        """
        read = Reader(env)
        settings = cls(
            bootstrap=read.bootstrap(),
            database_url=read.database_url(),
            pseudonym_secret=read.secret("TRUENORTH_PSEUDONYM_SECRET"),
            host=read.host(),
            port=read.port("TRUENORTH_INGEST_PORT", 8400),
            telemetry_port=read.port("TRUENORTH_TELEMETRY_PORT", 8491),
            log_level=read.log_level(),
            answer_seconds_max=read.number("TRUENORTH_INGEST_ANSWER_SECONDS_MAX", 10.0, at_least=0.1, at_most=300.0),
            waiting_bytes_max=read.integer(
                "TRUENORTH_INGEST_WAITING_BYTES_MAX", 64 * 1024 * 1024, at_least=1024 * 1024, at_most=2**40
            ),
            key_events_per_second_max=read.integer(
                "TRUENORTH_INGEST_KEY_EVENTS_PER_SECOND_MAX", 20_000, at_least=1, at_most=10_000_000
            ),
            account_events_per_second_max=read.integer(
                "TRUENORTH_INGEST_ACCOUNT_EVENTS_PER_SECOND_MAX", 1_000, at_least=1, at_most=10_000_000
            ),
        )
        read.finish()
        if len(settings.pseudonym_secret) < SECRET_CHARS_MIN:
            raise RefusedError(
                "setting_invalid",
                f"TRUENORTH_PSEUDONYM_SECRET has fewer than {SECRET_CHARS_MIN} characters;"
                " make a longer one and keep it.",
                field="TRUENORTH_PSEUDONYM_SECRET",
            )
        return settings
