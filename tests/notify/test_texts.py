import json

from truenorth.events.health import Sentence
from truenorth_notify.domain.texts import WEBHOOK_BYTES_MAX, account_url, mail_of, one_line, webhook_body

from tests.notify.builders import NOW_MS, alert

CONSOLE = "http://127.0.0.1:8480/"


def test_a_mail_says_what_why_what_is_at_stake_and_where() -> None:
    mail = mail_of(alert(), CONSOLE)
    assert mail.subject == "Halden Freight turned red: 31"
    for text in (mail.text, mail.html):
        assert "Usage down 38 % on its own baseline; P1 open 9 days" in text
        assert "Score 31 (red) · ARR $212k · renews on 2026-02-01" in text
        assert "http://127.0.0.1:8480/accounts/halden" in text
    assert "<strong>Usage down 38 %" in mail.html


def test_text_from_outside_can_neither_end_a_header_nor_become_markup() -> None:
    mail = mail_of(alert(title="One\r\nBcc: x@example.com", account_name="<script>"), CONSOLE)
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    assert "<script>" not in mail.html
    assert account_url(CONSOLE, "a/b?c") == "http://127.0.0.1:8480/accounts/a%2Fb%3Fc"


def test_a_score_nobody_knows_is_a_dash() -> None:
    assert "Score – (unknown)" in mail_of(alert(score=None, band="unknown", arr=None, renews_on=None), CONSOLE).text


def test_a_webhook_is_thin_and_says_what_happened_when() -> None:
    body = json.loads(webhook_body(alert(), about="raised", console_url=CONSOLE, happened_ms=NOW_MS))
    assert body["type"] == "alert.raised"
    assert body["timestamp"] == "2025-10-09T08:53:20.000Z"
    assert body["data"]["alert_id"] == "alert-1"
    assert body["data"]["url"].endswith("/accounts/halden")
    assert webhook_body(alert(), about="resolved", console_url=CONSOLE, happened_ms=1).startswith(b'{"type":"alert.res')


def test_the_largest_alert_stays_below_the_limit_of_a_webhook() -> None:
    huge = Sentence(runs=[("ä" * 100_000, True)])
    body = webhook_body(
        alert(title="\N{GRINNING FACE}" * 5000, sentence=huge), about="raised", console_url=CONSOLE, happened_ms=NOW_MS
    )
    assert len(body) < WEBHOOK_BYTES_MAX


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert one_line("  a \n b ", 5) == "a b"
    assert one_line("abcdef", 4) == "abc…"
