"""Everything notify can be told, read from the environment once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from truenorth.settings import Reader

SECRET_PREFIX: Final = "TRUENORTH_WEBHOOK_SECRET"  # noqa: S105 - the name of a setting
"""Definitions name the setting that holds an endpoint's secret; only settings that begin so are read."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process. ``smtp_url`` empty: mail is off, and its deliveries say so.

    ``webhook_secrets``: setting name -> ``whsec_`` secret, of all settings that begin with `SECRET_PREFIX`.
    ``stuck_s_max``: no step for so long, with something to read, fails the liveness probe.
    """

    bootstrap: str
    database_url: str
    host: str
    telemetry_port: int
    log_level: str
    console_url: str
    smtp_url: str
    mail_from: str
    webhook_secrets: Mapping[str, str]
    webhook_allow_private: bool
    stuck_s_max: float

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read them all.

        Raises:
            RefusedError: ``setting_invalid``, naming everything that is wrong.
        """
        read = Reader(env)
        settings = cls(
            bootstrap=read.bootstrap(),
            database_url=read.database_url(),
            host=read.host(),
            telemetry_port=read.port("TRUENORTH_TELEMETRY_PORT", 8494),
            log_level=read.log_level(),
            console_url=read.url("TRUENORTH_CONSOLE_URL", ("http", "https"), "http://127.0.0.1:8480"),
            smtp_url=read.secret("TRUENORTH_SMTP_URL", ""),
            mail_from=read.text("TRUENORTH_MAIL_FROM", "truenorth@localhost"),
            webhook_secrets={name: read.secret(name) for name in _secret_names(env)},
            webhook_allow_private=read.flag("TRUENORTH_WEBHOOK_ALLOW_PRIVATE", default=False),
            stuck_s_max=read.number("TRUENORTH_STUCK_SECONDS", 120, at_least=10, at_most=3600),
        )
        read.finish()
        return settings

    def webhook_secret(self, name: str) -> str:
        """Return the secret that a setting holds; empty when there is none."""
        return self.webhook_secrets.get(name, "")


def _secret_names(env: Mapping[str, str]) -> set[str]:
    return {name.removesuffix("_FILE") for name, value in env.items() if name.startswith(SECRET_PREFIX) and value}
