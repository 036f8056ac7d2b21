"""notify as a process: how it starts, what its probes say, how it ends."""

import os
import subprocess
import sys

import httpx
import pytest
from truenorth_local.stack import LocalStack

pytestmark = pytest.mark.integration


def notify(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "truenorth_notify", *arguments],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_migrates_serves_its_probes_and_ends_when_asked(stack: LocalStack) -> None:
    settings = {"DATABASE_URL": stack.new_database(), "KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap}
    assert notify("migrate", **settings).returncode == 0
    assert notify("migrate", **settings).returncode == 0
    stack.start_service("notify", settings)
    telemetry = stack.telemetry_url("notify")
    assert httpx.get(f"{telemetry}/livez").status_code == 200
    assert httpx.get(f"{telemetry}/readyz").text == "ok\n"
    assert "truenorth_notify_lag_records" in httpx.get(f"{telemetry}/metrics").text
    assert stack.stop_service("notify") == 0


def test_without_its_schema_it_says_which_command_is_missing(stack: LocalStack) -> None:
    ended = notify(
        DATABASE_URL=stack.new_database(), KAFKA_BOOTSTRAP_SERVERS=stack.bootstrap, TRUENORTH_TELEMETRY_PORT="0"
    )
    assert ended.returncode != 0
    assert "python -m truenorth_notify migrate" in ended.stderr


def test_wrong_settings_and_wrong_words_are_told_in_a_sentence(stack: LocalStack) -> None:
    wrong = notify(DATABASE_URL="mysql://x", TRUENORTH_WEBHOOK_ALLOW_PRIVATE="perhaps")
    assert wrong.returncode == 2
    assert "DATABASE_URL" in wrong.stderr
    assert "TRUENORTH_WEBHOOK_ALLOW_PRIVATE is 'perhaps'; write yes or no" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert notify("serve").returncode == 2
