"""Mail: one message per delivery, one thread per run, by SMTP."""

import re
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from truenorth.clock import Clock, from_millis
from truenorth.errors import RefusedError
from truenorth.events.work import AlertRaised

from truenorth_notify.domain.deliveries import Outcome
from truenorth_notify.domain.texts import mail_of
from truenorth_notify.ports import Claimed

MAIL_TIMEOUT_S: Final = 15.0
PERMANENT_FROM: Final = 500
ID_DOMAIN: Final = "truenorth"
ERROR_CHARS_MAX: Final = 300
PLAIN_ADDRESS: Final = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@[^\s@<>()\[\]\\,;:\"]+")
"""The library's own parser stumbles over some that are none."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes. ``tls`` from the first byte (smtps), or ``starttls`` demanded, else taken if offered."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    tls: bool = False
    starttls: bool = False

    @classmethod
    def parse(cls, url: str) -> "MailServer":
        """Read ``smtp://user:password@host:port?starttls=1`` or ``smtps://...``.

        Raises:
            RefusedError: ``smtp_url_invalid``.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _not_a_server() from None
        if parts.scheme not in {"smtp", "smtps"} or not host:
            raise _not_a_server()
        tls = parts.scheme == "smtps"
        return cls(
            host=host,
            port=port or (465 if tls else 25),
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=tls,
            starttls=parse_qs(parts.query).get("starttls") == ["1"],
        )


class EmailSender:
    """Sends one alert to one person. The Message-ID is the delivery's own, so a repeat can be recognised."""

    def __init__(self, server: MailServer, *, sender: str, console_url: str, clock: Clock) -> None:
        self._server = server
        self._sender = sender
        self._console_url = console_url
        self._clock = clock

    async def send(self, claimed: Claimed) -> Outcome:
        """See `Sender.send`."""
        try:
            message = self.message(claimed.alert, claimed.delivery.delivery_id, claimed.delivery.address)
        except (ValueError, MessageError) as error:
            return Outcome("refused", f"address_invalid: {error}"[:ERROR_CHARS_MAX])
        server = self._server
        try:
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                username=server.username or None,
                password=server.password or None,
                use_tls=server.tls,
                start_tls=True if server.starttls else None,
                timeout=MAIL_TIMEOUT_S,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            return _outcome_of(error)
        except ValueError as error:  # an address that cannot be written on the wire
            return Outcome("refused", f"address_invalid: {error}"[:ERROR_CHARS_MAX])
        return Outcome("delivered")

    def message(self, alert: AlertRaised, delivery_id: str, address: str) -> EmailMessage:
        """Return the mail.

        Raises:
            ValueError: when an address cannot be one; so does MessageError.
        """
        if not PLAIN_ADDRESS.fullmatch(address):
            raise ValueError(f"{address[:80]!r} is not a mail address")
        mail = mail_of(alert, self._console_url)
        thread = f"<run-{alert.run_id or alert.alert_id}@{ID_DOMAIN}>"
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = Address(addr_spec=address)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(from_millis(self._clock.now_ms()))
        message["Message-ID"] = f"<{delivery_id}@{ID_DOMAIN}>"
        message["References"] = thread
        message["In-Reply-To"] = thread
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message


def _not_a_server() -> RefusedError:
    """The URL may hold a password: it is not repeated."""
    return RefusedError(
        "smtp_url_invalid",
        "TRUENORTH_SMTP_URL is not such a URL; write smtp://host:port or smtps://user:password@host:port.",
        field="TRUENORTH_SMTP_URL",
    )


def _outcome_of(error: aiosmtplib.SMTPException | OSError) -> Outcome:
    """A mailbox that is refused for good is refused; a server that is away, or our own set-up, may be mended."""
    text = f"{type(error).__name__}: {error}"[:ERROR_CHARS_MAX]
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [refused.code for refused in error.recipients]
    elif isinstance(error, aiosmtplib.SMTPDataError):
        codes = [error.code]
    else:
        return Outcome("retry", text)
    return Outcome("refused" if codes and min(codes) >= PERMANENT_FROM else "retry", text)
