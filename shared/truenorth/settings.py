"""Settings: read once from the environment, checked together, and told in one sentence when they are wrong.

A service declares a frozen dataclass and builds it from a `Reader`::

    read = Reader(os.environ)
    settings = Settings(kafka=read.bootstrap(), port=read.port("TRUENORTH_TELEMETRY_PORT", 8493))
    read.finish()

Nothing is read at import. Every getter returns a usable value even when the setting is wrong, so that one
`Reader.finish` can name all mistakes at once. A secret ``X`` may come from the file that ``X_FILE`` names.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from truenorth.errors import RefusedError

PORT_MAX: Final = 65_535
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


class Reader:
    """Typed getters over an environment mapping; mistakes gather until `finish`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._problems: list[tuple[str, str]] = []

    def text(self, name: str, default: str | None = None) -> str:
        """Return the setting's text; without a default it must be there and not empty."""
        value = self._env.get(name, "").strip()
        if value:
            return value
        if default is None:
            self._refuse(name, "is not set")
            return ""
        return default

    def secret(self, name: str, default: str | None = None) -> str:
        """Return a secret from ``name``, or from the file that ``name_FILE`` names; never both."""
        path = self._env.get(f"{name}_FILE", "").strip()
        if not path:
            return self.text(name, default)
        if self._env.get(name, "").strip():
            self._refuse(name, f"is set twice; keep either {name} or {name}_FILE")
            return ""
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self._refuse(f"{name}_FILE", f"names {path!r}, which cannot be read ({error}); name a readable text file")
            return ""
        if not value:
            self._refuse(f"{name}_FILE", f"names {path!r}, which is empty; put the secret in it")
        return value

    def integer(self, name: str, default: int | None = None, *, at_least: int = 0, at_most: int = 2**31 - 1) -> int:
        """Return a whole number within ``at_least``..``at_most``."""
        raw = self.text(name, None if default is None else str(default))
        fallback = at_least if default is None else default
        if not raw:
            return fallback
        try:
            value = int(raw)
        except ValueError:
            value = at_least - 1
        if not at_least <= value <= at_most:
            self._refuse(name, f"is {raw!r}; write a whole number from {at_least} to {at_most}")
            return fallback
        return value

    def number(self, name: str, default: float | None = None, *, at_least: float = 0.0, at_most: float = 1e9) -> float:
        """Return a number (for example seconds) within ``at_least``..``at_most``."""
        raw = self.text(name, None if default is None else str(default))
        fallback = at_least if default is None else default
        if not raw:
            return fallback
        try:
            value = float(raw)
        except ValueError:
            value = float("nan")
        if not at_least <= value <= at_most:
            self._refuse(name, f"is {raw!r}; write a number from {at_least:g} to {at_most:g}")
            return fallback
        return value

    def port(self, name: str, default: int | None = None) -> int:
        """Return a TCP port; 0 lets the system choose."""
        return self.integer(name, default, at_least=0, at_most=PORT_MAX)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a yes or no."""
        raw = self.text(name, "yes" if default else "no").lower()
        if raw not in _TRUE | _FALSE:
            self._refuse(name, f"is {raw!r}; write yes or no")
            return default
        return raw in _TRUE

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """Return one of ``choices``."""
        raw = self.text(name, default)
        if raw and raw not in choices:
            self._refuse(name, f"is {raw!r}; write one of {', '.join(choices)}")
            return choices[0]
        return raw

    def url(self, name: str, schemes: Sequence[str], default: str | None = None) -> str:
        """Return a URL of one of these schemes; an empty default makes it optional."""
        return self._checked_url(name, self.text(name, default), schemes)

    def bootstrap(self) -> str:
        """Return ``KAFKA_BOOTSTRAP_SERVERS``: ``host:port``, more behind commas."""
        name = "KAFKA_BOOTSTRAP_SERVERS"
        raw = self.text(name, "127.0.0.1:19092")
        for server in raw.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) <= PORT_MAX:
                self._refuse(name, f"has {server.strip()!r}; write host:port, more behind commas")
        return raw

    def database_url(self) -> str:
        """Return ``DATABASE_URL`` (or the text of the file ``DATABASE_URL_FILE``), a postgresql:// URL."""
        return self._checked_url("DATABASE_URL", self.secret("DATABASE_URL"), ("postgresql", "postgres"))

    def log_level(self) -> str:
        """Return ``TRUENORTH_LOG_LEVEL``, by default INFO."""
        return self.choice("TRUENORTH_LOG_LEVEL", LEVELS, "INFO")

    def host(self) -> str:
        """Return ``TRUENORTH_HOST``, the address to listen on; loopback unless told otherwise."""
        return self.text("TRUENORTH_HOST", "127.0.0.1")

    def finish(self) -> None:
        """Say everything that was wrong.

        Raises:
            RefusedError: ``setting_invalid``; ``field`` is the first setting, the message names all of them.
        """
        if self._problems:
            sentence = "; ".join(f"{name} {what}" for name, what in self._problems).rstrip(".")
            raise RefusedError("setting_invalid", f"{sentence}.", field=self._problems[0][0])

    def _checked_url(self, name: str, raw: str, schemes: Sequence[str]) -> str:
        if not raw:
            return raw
        try:
            parts = urlsplit(raw)
            good = parts.scheme in schemes and (parts.netloc != "" or parts.query != "")
        except ValueError:
            good = False
        if not good:  # the value may hold a password: it is not repeated
            self._refuse(name, f"is not such a URL; write {' or '.join(f'{scheme}://...' for scheme in schemes)}")
        return raw

    def _refuse(self, name: str, what: str) -> None:
        self._problems.append((name, what))
