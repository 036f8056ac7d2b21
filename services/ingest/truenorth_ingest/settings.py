"""The settings of the edge, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from truenorth.errors import RefusedError
from truenorth.settings import Reader

from truenorth_ingest.domain.pseudonyms import SECRET_CHARS_MIN
from truenorth_ingest.domain.webhooks.verifying import SECRETS_MAX

SCHEMA: Final = "ingest"
CONNECTOR_SECRET: Final = "TRUENORTH_CONNECTOR_SECRET_"  # noqa: S105 - how the names of settings begin


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
    upload_bytes_max: int
    failures_per_minute_max: int
    busy_status: int
    trusted_proxies: tuple[str, ...]
    public_url: str
    connector_secrets: Mapping[str, tuple[str, ...]]
    """By the name of the setting: one secret, or two while they are being changed."""

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
            # SDKs hang up after 10 s or more: they must still be there to be told when to come back.
            answer_seconds_max=read.number("TRUENORTH_INGEST_ANSWER_SECONDS_MAX", 8.0, at_least=0.1, at_most=300.0),
            waiting_bytes_max=read.integer(
                "TRUENORTH_INGEST_WAITING_BYTES_MAX", 64 * 1024 * 1024, at_least=1024 * 1024, at_most=2**40
            ),
            key_events_per_second_max=read.integer(
                "TRUENORTH_INGEST_KEY_EVENTS_PER_SECOND_MAX", 20_000, at_least=1, at_most=10_000_000
            ),
            account_events_per_second_max=read.integer(
                "TRUENORTH_INGEST_ACCOUNT_EVENTS_PER_SECOND_MAX", 1_000, at_least=1, at_most=10_000_000
            ),
            upload_bytes_max=read.integer(
                "TRUENORTH_INGEST_UPLOAD_BYTES_MAX", 64 * 1024 * 1024, at_least=1024, at_most=2**34
            ),
            failures_per_minute_max=read.integer(
                "TRUENORTH_INGEST_FAILURES_PER_MINUTE_MAX", 60, at_least=1, at_most=1_000_000
            ),
            busy_status=int(read.choice("TRUENORTH_INGEST_BUSY_STATUS", ("503", "429"), "503")),
            trusted_proxies=_networks("TRUENORTH_INGEST_TRUSTED_PROXIES", read),
            public_url=read.url("TRUENORTH_INGEST_PUBLIC_URL", ("http", "https"), "").rstrip("/"),
            connector_secrets={name: tuple(read.secret(name).split()) for name in _secret_names(env)},
        )
        read.finish()
        for name, secrets in settings.connector_secrets.items():
            if len(secrets) > SECRETS_MAX:
                raise RefusedError(
                    "setting_invalid",
                    f"{name} holds {len(secrets)} secrets; keep one, or two, a space between them, to change it",
                    field=name,
                )
        if len(settings.pseudonym_secret) < SECRET_CHARS_MIN:
            raise RefusedError(
                "setting_invalid",
                f"TRUENORTH_PSEUDONYM_SECRET has fewer than {SECRET_CHARS_MIN} characters;"
                " make a longer one and keep it.",
                field="TRUENORTH_PSEUDONYM_SECRET",
            )
        return settings


def _secret_names(env: Mapping[str, str]) -> set[str]:
    return {name.removesuffix("_FILE") for name, value in env.items() if name.startswith(CONNECTOR_SECRET) and value}


def _networks(name: str, read: Reader) -> tuple[str, ...]:
    """Return the addresses or networks that a setting lists behind commas; none when it is not set."""
    networks = tuple(part for part in (part.strip() for part in read.text(name, "").split(",")) if part)
    for network in networks:
        try:
            ip_network(network)
        except ValueError:
            raise RefusedError(
                "setting_invalid",
                f"{name} holds {network!r}; write addresses or networks (10.0.0.0/8) behind commas",
                field=name,
            ) from None
    return networks
