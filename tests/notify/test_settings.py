from pathlib import Path

import pytest
from truenorth.errors import RefusedError
from truenorth_notify.adapters.email import MailServer
from truenorth_notify.settings import Settings

ENOUGH = {"DATABASE_URL": "postgresql://127.0.0.1/truenorth"}


def test_little_has_to_be_said() -> None:
    settings = Settings.from_env(ENOUGH)
    assert (settings.telemetry_port, settings.smtp_url, settings.webhook_allow_private) == (8494, "", False)


def test_secrets_of_endpoints_come_from_settings_that_begin_alike(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_b\n")
    settings = Settings.from_env(
        ENOUGH
        | {
            "TRUENORTH_WEBHOOK_SECRET": "whsec_a",
            "TRUENORTH_WEBHOOK_SECRET_CRM_FILE": str(tmp_path / "secret"),
            "OTHER": "x",
        }
    )
    assert settings.webhook_secret("TRUENORTH_WEBHOOK_SECRET") == "whsec_a"
    assert settings.webhook_secret("TRUENORTH_WEBHOOK_SECRET_CRM") == "whsec_b"
    assert settings.webhook_secret("OTHER") == ""


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(RefusedError) as caught:
        Settings.from_env({"TRUENORTH_TELEMETRY_PORT": "x"})
    assert "DATABASE_URL" in caught.value.message
    assert "TRUENORTH_TELEMETRY_PORT" in caught.value.message


def test_a_mail_server_is_one_url() -> None:
    assert MailServer.parse("smtp://127.0.0.1:1025") == MailServer("127.0.0.1", 1025)
    assert MailServer.parse("smtps://a%40b:p%2Fw@mail.example.com") == MailServer(
        "mail.example.com", 465, "a@b", "p/w", tls=True
    )
    assert MailServer.parse("smtp://mail.example.com:587?starttls=1").starttls
    with pytest.raises(RefusedError):
        MailServer.parse("http://mail.example.com")


@pytest.mark.parametrize("url", ["smtp://u:hunter2@mail.example.com:99999", "smtp://u:hunter2@[mail", "smtp://"])
def test_a_mail_server_nobody_can_reach_is_told_by_its_setting_and_without_its_password(url: str) -> None:
    with pytest.raises(RefusedError, match="TRUENORTH_SMTP_URL") as caught:
        MailServer.parse(url)
    assert "hunter2" not in str(caught.value)
