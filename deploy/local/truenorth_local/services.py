"""What each service is given in its environment when it runs on this machine."""

import base64
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from truenorth.ids import random_secret

from truenorth_local.places import HOST, Ports

WITH_DATABASE: Final = ("ingest", "playbooks", "notify", "console")
CONNECTORS: Final = ("stripe", "zendesk", "academy")
"""Connectors that are on; each has its secret in the state directory."""
MAIL_FROM: Final = "truenorth@truenorth.example"


def kept_secret(path: Path, make: Callable[[], str] = random_secret) -> str:
    """Return the secret in this file, made on the first call and readable by the owner alone."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(make())
    return path.read_text("utf-8").strip()


def _signing_secret() -> str:
    """Return a fresh secret in the form webhooks are signed with."""
    return "whsec_" + base64.b64encode(bytes.fromhex(random_secret(24))).decode()


def kept_secrets(root: Path) -> dict[str, str]:
    """Return the services' secrets by setting, made once per state directory."""
    return {
        "TRUENORTH_WEBHOOK_SECRET": kept_secret(root / "webhook-secret", _signing_secret),
        "TRUENORTH_PSEUDONYM_SECRET": kept_secret(root / "pseudonym-secret"),
    } | {
        f"TRUENORTH_CONNECTOR_SECRET_{name.upper()}": kept_secret(root / f"connector-{name}-secret", _signing_secret)
        for name in CONNECTORS
    }


def service_settings(
    name: str,
    environment: Mapping[str, str],
    *,
    ports: Ports,
    bootstrap: str,
    database_url: str,
    secrets: Mapping[str, str],
) -> dict[str, str]:
    """Return a service's environment: the user's, with the stack's addresses over it.

    ``secrets`` are given where the user sets neither them nor their ``_FILE``. Webhooks may go to this very machine.
    """
    kept = {"TRUENORTH_MAIL_FROM": MAIL_FROM, "TRUENORTH_WEBHOOK_ALLOW_PRIVATE": "true"} | dict(environment)
    for setting, secret in secrets.items():
        if f"{setting}_FILE" not in kept:
            kept.setdefault(setting, secret)
    return kept | {
        "PYTHONUNBUFFERED": "1",
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "DATABASE_URL": database_url,
        "TRUENORTH_HOST": HOST,
        "TRUENORTH_INGEST_PORT": str(ports.ingest),
        "TRUENORTH_CONSOLE_PORT": str(ports.console),
        "TRUENORTH_TELEMETRY_PORT": str(ports.telemetry[name]),
        "TRUENORTH_SMTP_URL": f"smtp://{HOST}:{ports.smtp}",
        "TRUENORTH_INGEST_URL": f"http://{HOST}:{ports.ingest}",
        "TRUENORTH_CONSOLE_URL": f"http://{HOST}:{ports.console}",
    }


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would point a stack of one's own at someone else's parts."""
    foreign = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")
    return {
        name: value for name, value in os.environ.items() if name not in foreign and not name.startswith("TRUENORTH_")
    }
