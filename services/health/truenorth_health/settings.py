"""Settings of health, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from truenorth.settings import Reader


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything health can be told. Durations carry their unit."""

    bootstrap: str
    host: str
    telemetry_port: int
    log_level: str
    group: str
    group_instance_id: str
    flush_after_ms: int
    queued_events_max: int
    dead_letters_in_row_max: int
    seen_bytes_max: int
    silence_check_s: float
    stuck_s_max: float

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Build the settings.

        Raises:
            RefusedError: names every setting that is wrong.
        """
        read = Reader(env)
        settings = cls(
            bootstrap=read.bootstrap(),
            host=read.host(),
            telemetry_port=read.port("TRUENORTH_TELEMETRY_PORT", 8492),
            log_level=read.log_level(),
            group=read.text("TRUENORTH_HEALTH_GROUP", "truenorth-health"),
            group_instance_id=read.text("TRUENORTH_HEALTH_INSTANCE", ""),
            flush_after_ms=read.integer("TRUENORTH_HEALTH_FLUSH_MS", 200, at_least=1, at_most=5_000),
            queued_events_max=read.integer("TRUENORTH_HEALTH_QUEUED_EVENTS_MAX", 50_000, at_least=1_000),
            dead_letters_in_row_max=read.integer("TRUENORTH_HEALTH_DEAD_LETTERS_IN_ROW_MAX", 200, at_least=1),
            seen_bytes_max=read.integer("TRUENORTH_HEALTH_SEEN_IDS_BYTES_MAX", 384 * 1024 * 1024, at_least=1024 * 1024),
            silence_check_s=read.number("TRUENORTH_HEALTH_SILENCE_CHECK_SECONDS", 30, at_least=1, at_most=3600),
            stuck_s_max=read.number("TRUENORTH_STUCK_SECONDS", 60, at_least=10, at_most=3600),
        )
        read.finish()
        return settings
