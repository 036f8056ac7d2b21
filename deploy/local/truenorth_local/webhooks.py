"""A webhook receiver that keeps what it is sent: ``python -m truenorth_local.webhooks FOLDER PORT``."""

import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import msgspec

HOST: Final = "127.0.0.1"
BODY_BYTES_MAX: Final = 1_000_000
KEPT_MAX: Final = 10_000


class Keeper:
    """Writes each request as ``<number>.json`` with its path, headers and body, and forgets the oldest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._last = max((int(path.stem) for path in folder.glob("*.json")), default=0)
        self._lock = threading.Lock()

    def keep(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Keep one request; returns once it is on disk."""
        kept = msgspec.json.encode({"path": path, "headers": headers, "body": body.decode("utf-8", "replace")})
        with self._lock:
            self._last += 1
            draft = self._folder / f"{self._last:08d}.draft"
            draft.write_bytes(msgspec.json.format(kept))
            draft.replace(draft.with_suffix(".json"))
            (self._folder / f"{self._last - KEPT_MAX:08d}.json").unlink(missing_ok=True)


def receiver(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server, not yet serving, that keeps every POST under ``folder``."""
    keeper = Keeper(folder)

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            size = int(self.headers.get("content-length", "0"))
            if size > BODY_BYTES_MAX:
                self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return
            keeper.keep(self.path, dict(self.headers.items()), self.rfile.read(size))
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: what came is in the folder."""

    return ThreadingHTTPServer((HOST, port), Handler)


def main(arguments: list[str]) -> None:
    """Serve the folder and port of the command line."""
    folder, port = arguments
    with receiver(Path(folder), int(port)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
