"""Where the local stack keeps its things, and which addresses it takes."""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from truenorth.errors import MissingError, RefusedError
from truenorth.ids import random_secret

HOST: Final = "127.0.0.1"
SERVICES: Final = ("ingest", "health", "playbooks", "notify", "console")
BACKING: Final = ("kafka", "postgres", "mail", "webhooks")
MARKER: Final = "made-by-truenorth"
_NAMES: Final = ("kafka", "kafka_controller", "postgres", "smtp", "webhooks", "ingest", "console")
FREE_PORT_FIRST: Final = 20_000
FREE_PORT_COUNT: Final = 12_000


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of every part on loopback; ``telemetry`` is by service name."""

    kafka: int
    kafka_controller: int
    postgres: int
    smtp: int
    webhooks: int
    ingest: int
    console: int
    telemetry: Mapping[str, int]

    @classmethod
    def usual(cls) -> "Ports":
        """Return the documented ports."""
        telemetry = {name: 8491 + number for number, name in enumerate(SERVICES)}
        return cls(19092, 19093, 15432, 1025, 8499, 8400, 8480, telemetry)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Ports":
        """Return the usual ports with those that ``TRUENORTH_*_PORT`` settings replace."""
        usual = cls.usual()
        chosen = {name: _port(environment, f"TRUENORTH_{name.upper()}_PORT", getattr(usual, name)) for name in _NAMES}
        telemetry = {
            name: _port(environment, f"TRUENORTH_{name.upper()}_TELEMETRY_PORT", port)
            for name, port in usual.telemetry.items()
        }
        return replace(usual, **chosen, telemetry=telemetry)

    @classmethod
    def free(cls) -> "Ports":
        """Return ports nobody listens on now, so that a stack can run beside another."""
        first = free_ports(len(_NAMES) + len(SERVICES))
        telemetry = dict(zip(SERVICES, first[len(_NAMES) :], strict=True))
        return cls(**dict(zip(_NAMES, first, strict=False)), telemetry=telemetry)

    def setting_of(self, port: int) -> str:
        """Return the name of the environment variable that moves the part on this port."""
        for name in _NAMES:
            if getattr(self, name) == port:
                return f"TRUENORTH_{name.upper()}_PORT"
        service = next(name for name, taken in self.telemetry.items() if taken == port)
        return f"TRUENORTH_{service.upper()}_TELEMETRY_PORT"

    def of_parts(self) -> dict[str, int]:
        """Return the port each part must be able to take, by a name a person knows."""
        named = {"kafka": self.kafka, "kafka's controller": self.kafka_controller, "postgres": self.postgres}
        named |= {"mail": self.smtp, "webhooks": self.webhooks, "ingest": self.ingest, "console": self.console}
        return named | {f"telemetry of {name}": port for name, port in self.telemetry.items()}


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise MissingError(f"{name} is {text!r}; it must be a port number from 1 to 65535.")
    return int(text)


def free_ports(count: int) -> list[int]:
    """Return ``count`` different ports of loopback that were free a moment ago.

    They lie below the range from which systems give ports to outgoing connections: one from within it is often
    taken by some client before its listener comes up.
    """
    chosen: list[int] = []
    while len(chosen) < count:
        port = FREE_PORT_FIRST + int(random_secret(4), 16) % FREE_PORT_COUNT
        if port not in chosen and port_is_free(port):
            chosen.append(port)
    return chosen


def port_is_free(port: int) -> bool:
    """Say whether something could listen on this port of loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Places:
    """The folders and files under one state directory."""

    root: Path

    @property
    def state_file(self) -> Path:
        """What runs now; written by the supervisor."""
        return self.root / "stack.json"

    @property
    def logs(self) -> Path:
        """One log per part, and ``stack.log`` with all of them prefixed."""
        return self.root / "logs"

    @property
    def kafka(self) -> Path:
        """The broker's data."""
        return self.root / "kafka"

    @property
    def postgres(self) -> Path:
        """The database's data."""
        return self.root / "postgres"

    @property
    def mail(self) -> Path:
        """Every mail that was sent, as ``.eml``."""
        return self.root / "mail"

    @property
    def webhooks(self) -> Path:
        """Every webhook that was received, as JSON."""
        return self.root / "webhooks"

    @property
    def write_key(self) -> Path:
        """The key local tools post events with."""
        return self.root / "write-key"

    @property
    def is_made(self) -> bool:
        """Whether this folder is a stack's."""
        return (self.root / MARKER).exists()

    @property
    def database_url(self) -> Path:
        """The database's URL with its password, for tools; readable by the owner alone."""
        return self.root / "database-url"

    @property
    def wants_traffic(self) -> Path:
        """Its presence makes the supervisor send the demo's live traffic."""
        return self.root / "demo-traffic"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this folder."""
        return self.root / "supervisor.lock"

    def make(self) -> None:
        """Create the folders.

        `MissingError` when that is impossible, `RefusedError` when the folder holds something else: `reset` empties it.
        """
        if self.root.is_dir() and any(self.root.iterdir()) and not self.is_made:
            raise RefusedError("state.foreign", f"{self.root} holds other things; give --data a new or empty folder.")
        try:
            for folder in (self.root, self.logs, self.mail):
                folder.mkdir(parents=True, exist_ok=True)
            (self.root / MARKER).touch()
        except OSError as error:
            raise MissingError(
                f"The folder {self.root} cannot be written ({error.strerror}); choose another with --data DIR."
            ) from error


def checkout() -> Path:
    """Return the root of the checkout this is installed from, or the working directory otherwise."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "deploy" / "local").is_dir() else Path.cwd()


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Return the folder outside the checkout where downloads are kept, by the platform's custom."""
    if environment.get("XDG_CACHE_HOME"):
        return Path(environment["XDG_CACHE_HOME"]) / "truenorth"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "truenorth"
    return Path.home() / ".cache" / "truenorth"


def let_pass(path: Path) -> None:
    """Let every user pass through the folders above ``path``.

    Only root calls this: PostgreSQL refuses to run as root, and the user it runs as must reach its files.
    """
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if mode & 0o011 != 0o011 and os.geteuid() == 0:
            folder.chmod(mode | 0o011)
