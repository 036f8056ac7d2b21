"""Webhooks through a real edge: signed, taken once, on their topic; known and heard in its database."""

import asyncio
import hashlib
import hmac
import json
import subprocess
import sys

import httpx
import pytest
from truenorth.clock import SystemClock
from truenorth.ids import random_id
from truenorth.kafka.reader import read_topic
from truenorth_local.stack import LocalStack

from tests.ingest.running import running_ingest

pytestmark = pytest.mark.integration

SECRET = "a-stripe-secret"
LISTED_WITHIN_S = 60


async def test_a_webhook_is_taken_once_and_its_connector_is_heard(
    stack: LocalStack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = random_id()
    folder = tmp_path_factory.mktemp("webhooks")
    with running_ingest(stack, folder, TRUENORTH_CONNECTOR_SECRET_STRIPE=SECRET) as ingest:
        body = json.dumps(
            {
                "id": f"evt_{run}",
                "object": "event",
                "type": "invoice.payment_failed",
                "created": SystemClock().now_ms() // 1000,
                "data": {
                    "object": {
                        "id": f"in_{run}",
                        "object": "invoice",
                        "customer": f"cus_{run}",
                        "amount_due": 1200,
                        "amount_remaining": 1200,
                        "attempt_count": 1,
                        "metadata": {"account_id": f"acct-{run}"},
                    }
                },
            }
        ).encode()
        answers = [await asyncio.to_thread(_send, ingest.url, body) for _ in range(2)]
        assert [answer.json()["accepted"] for answer in answers] == [1, 0]
        wrong = await asyncio.to_thread(_send, ingest.url, body, "another")
        assert (wrong.status_code, wrong.json()["code"]) == (401, "signature_wrong")
        found = [
            record
            async for record in read_topic(stack.bootstrap, "truenorth.billing.v1")
            if run.encode() in (record.value or b"")
        ]
        assert [record.key for record in found] == [f"acct-{run}".encode()]
        assert json.loads(found[0].value or b"")["type"] == "payment.failed"
        await asyncio.to_thread(_wait_until_heard, ingest.environment)


def _send(url: str, body: bytes, secret: str = SECRET) -> httpx.Response:
    at = str(SystemClock().now_ms() // 1000)
    signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"stripe-signature": f"t={at},v1={signature}"}
    return httpx.post(f"{url}/v1/webhooks/stripe", content=body, headers=headers, timeout=30)


def _wait_until_heard(environment: dict[str, str]) -> None:
    clock = SystemClock()
    until = clock.monotonic() + LISTED_WITHIN_S
    line = ""
    while "heard 2" not in line:
        assert clock.monotonic() < until, line
        listed = subprocess.run(
            [sys.executable, "-c", "from truenorth_ingest.commands_connector import connector; connector()", "list"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert listed.returncode == 0, listed.stderr
        line = next(text for text in listed.stdout.splitlines() if text.startswith("stripe"))
        assert " on " in line
