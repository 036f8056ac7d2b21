"""The words of a mail and the body of a webhook, made from the alert alone."""

import html
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec
from truenorth.codec import encode_json, rfc3339
from truenorth.events.work import AlertRaised
from truenorth.words import money, plain, shown_or_dash

from truenorth_notify.domain.deliveries import About

SUBJECT_CHARS_MAX: Final = 200
SENTENCE_CHARS_MAX: Final = 2_000
WEBHOOK_BYTES_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail without its addresses; it names no times of day, for nobody knows when it is read."""

    subject: str
    text: str
    html: str


class WebhookData(msgspec.Struct, frozen=True):
    """What a webhook says of an alert; more is behind ``url``. ``score`` is exact, or null."""

    alert_id: str
    account: str
    account_name: str
    owner_id: str
    title: str
    sentence: str
    severity: str
    band: str
    score: float | None
    playbook: str
    run_id: str
    task_id: str
    url: str


class WebhookBody(msgspec.Struct, frozen=True):
    """The body of Standard Webhooks: ``timestamp`` is when it happened (RFC 3339), not when it was sent."""

    type: str
    timestamp: str
    data: WebhookData


def account_url(console_url: str, account: str) -> str:
    """Return the address of the account's page."""
    return f"{console_url.rstrip('/')}/accounts/{quote(account, safe='')}"


def one_line(text: str, chars_max: int) -> str:
    """Return text on one line and at most so long; what came from outside must not end a mail header."""
    line = " ".join(text.split())
    return line if len(line) <= chars_max else line[: chars_max - 1] + "…"


def mail_of(alert: AlertRaised, console_url: str) -> Mail:
    """Return the mail for an alert: the title, why in bold, what is at stake, and one link."""
    url = account_url(console_url, alert.account)
    subject = one_line(alert.title, SUBJECT_CHARS_MAX)
    why = one_line(plain(alert.sentence), SENTENCE_CHARS_MAX)
    stake = _stake(alert)
    text = "\n\n".join(part for part in (subject, why, stake, url, _footer(alert)) if part) + "\n"
    paragraphs = [f"<p>{html.escape(subject)}</p>"]
    if why:
        paragraphs.append(f"<p><strong>{html.escape(why)}</strong></p>")
    paragraphs += [
        f"<p>{html.escape(stake)}</p>",
        f'<p><a href="{html.escape(url)}">Open {html.escape(one_line(alert.account_name, 120))}</a></p>',
        f'<p style="color:#667">{html.escape(_footer(alert))}</p>',
    ]
    body = "\n".join(paragraphs)
    style = "font:15px/1.5 system-ui,sans-serif"
    return Mail(subject, text, f'<!doctype html>\n<html><body style="{style}">\n{body}\n</body></html>\n')


def webhook_body(alert: AlertRaised, *, about: About, console_url: str, happened_ms: int) -> bytes:
    """Return the signed body: ``{type, timestamp, data}``, thin, always below 20 kB."""
    data = WebhookData(
        alert_id=alert.alert_id,
        account=alert.account,
        account_name=one_line(alert.account_name, SUBJECT_CHARS_MAX),
        owner_id=alert.owner_id,
        title=one_line(alert.title, SUBJECT_CHARS_MAX),
        sentence=one_line(plain(alert.sentence), SENTENCE_CHARS_MAX),
        severity=alert.severity,
        band=alert.band,
        score=alert.score,
        playbook=alert.playbook,
        run_id=alert.run_id,
        task_id=alert.task_id,
        url=account_url(console_url, alert.account),
    )
    return encode_json(WebhookBody(f"alert.{about}", rfc3339(happened_ms), data))


def _stake(alert: AlertRaised) -> str:
    parts = [f"Score {shown_or_dash(alert.score)} ({alert.band})"]
    if alert.arr is not None:
        parts.append(f"ARR {money(alert.arr)}")
    if alert.renews_on:
        parts.append(f"renews on {alert.renews_on}")
    return " · ".join(parts)


def _footer(alert: AlertRaised) -> str:
    return f"truenorth · playbook “{one_line(alert.playbook_name or alert.playbook, 120)}”"
