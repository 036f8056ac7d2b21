"""A real SMTP server that keeps every mail it is given: ``python -m truenorth_local.mail FOLDER PORT``."""

import asyncio
import sys
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Final

from aiosmtpd.smtp import SMTP

HOST: Final = "127.0.0.1"
MAIL_BYTES_MAX: Final = 10_000_000
MAILS_KEPT_MAX: Final = 10_000


class Keeper:
    """Writes each mail as ``<number>.eml``, with envelope sender and recipients as ``X-MailFrom`` and ``X-RcptTo``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._last = max((int(path.stem) for path in folder.glob("*.eml")), default=0)

    async def handle_DATA(self, _server: object, _session: object, envelope: "_Envelope") -> str:  # noqa: N802
        """Keep one mail; the answer is given only after it is on disk."""
        self._last += 1
        envelope_lines = f"X-MailFrom: {envelope.mail_from}\r\nX-RcptTo: {', '.join(envelope.rcpt_tos)}\r\n"
        path = self._folder / f"{self._last:08d}.eml"
        draft = path.with_suffix(".draft")
        draft.write_bytes(envelope_lines.encode() + envelope.content)
        draft.replace(path)
        (self._folder / f"{self._last - MAILS_KEPT_MAX:08d}.eml").unlink(missing_ok=True)
        return f"250 kept as {path.name}"


class _Envelope:
    """What aiosmtpd hands over."""

    mail_from: str
    rcpt_tos: list[str]
    content: bytes


def read_mails(folder: Path) -> list[EmailMessage]:
    """Return every mail kept in this folder, oldest first."""
    parser = BytesParser(EmailMessage, policy=policy.default)
    return [parser.parsebytes(path.read_bytes()) for path in sorted(folder.glob("*.eml"))]


async def serve(folder: Path, port: int) -> None:
    """Take mail until cancelled."""
    keeper = Keeper(folder)

    def session() -> SMTP:
        return SMTP(keeper, data_size_limit=MAIL_BYTES_MAX, enable_SMTPUTF8=True)

    server = await asyncio.get_running_loop().create_server(session, HOST, port)
    async with server:
        await server.serve_forever()


def main(arguments: list[str]) -> None:
    """Serve the folder and port of the command line."""
    folder, port = arguments
    asyncio.run(serve(Path(folder), int(port)))


if __name__ == "__main__":
    main(sys.argv[1:])
