"""Ask a part, in its own protocol, whether it serves now. Every question has a deadline and never raises."""

import socket
import struct
from contextlib import closing
from typing import Final
from urllib.parse import urlsplit

import httpx

ASK_SECONDS: Final = 2.0


def _connect(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), timeout=ASK_SECONDS)


def kafka_answers(bootstrap: str) -> bool:
    """Say whether the first broker of ``host:port[,...]`` answers an ApiVersions request."""
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    client = b"truenorth"
    body = struct.pack(">hhih", 18, 0, 1, len(client)) + client
    try:
        with closing(_connect(host, int(port))) as link:
            link.sendall(struct.pack(">i", len(body)) + body)
            answer = link.recv(10)
    except (OSError, ValueError):
        return False
    return len(answer) == 10 and struct.unpack(">iih", answer)[1:] == (1, 0)


def postgres_answers(database_url: str) -> bool:
    """Say whether PostgreSQL asks this URL's user to authenticate: it does so only once it takes connections."""
    parts = urlsplit(database_url)
    user = (parts.username or "postgres").encode()
    body = struct.pack(">i", 196608) + b"user\0" + user + b"\0database\0postgres\0\0"
    try:
        with closing(_connect(parts.hostname or "127.0.0.1", parts.port or 5432)) as link:
            link.sendall(struct.pack(">i", len(body) + 4) + body)
            return link.recv(1) == b"R"
    except (OSError, ValueError):
        return False


def smtp_answers(host: str, port: int) -> bool:
    """Say whether a mail server greets there."""
    try:
        with closing(_connect(host, port)) as link:
            return link.recv(3) == b"220"
    except OSError:
        return False


def port_answers(host: str, port: int) -> bool:
    """Say whether something takes connections there."""
    try:
        with closing(_connect(host, port)):
            return True
    except OSError:
        return False


def why_not_ready(telemetry_url: str) -> str:
    """Return the empty string when ``/readyz`` says ready, else its sentence or why there is none."""
    try:
        answer = httpx.get(f"{telemetry_url}/readyz", timeout=ASK_SECONDS)
    except httpx.HTTPError as error:
        return f"its telemetry port does not answer ({type(error).__name__})"
    return "" if answer.status_code == 200 else answer.text.strip()[:200] or f"it answers {answer.status_code}"
