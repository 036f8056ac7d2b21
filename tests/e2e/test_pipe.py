"""The story, end to end: events in at the edge, and the CSM has a task, a mail, a webhook and a row."""

import email
import email.policy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.e2e.platform import Platform, event, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

OWNER = "dana.reyes"


def healthy_past(account: str, name: str) -> list[dict[str, Any]]:
    """An account in good standing: facts, a subscription, and eight weeks in which all its seats were used."""
    now = datetime.now(UTC)
    start = (now - timedelta(days=200)).strftime("%Y-%m-%d")
    renewal = (now + timedelta(days=41)).strftime("%Y-%m-%d")
    facts = {"name": name, "owner_id": OWNER, "tier": "mid-market", "signed_up_on": start, "renews_on": renewal}
    plan = {"subscription_id": f"{account}-s", "plan": "pro", "seats": 4, "arr": 21_200_000}
    past = [
        event("account.updated", account, f"{account}-facts", facts),
        event("subscription.started", account, f"{account}-sub", plan, time=f"{start}T00:00:00Z"),
    ]
    for days_ago in range(56):
        day = (now - timedelta(days=days_ago)).strftime("%Y-%m-%dT00:00:01Z")
        past += [
            event(
                "usage.recorded",
                account,
                f"{account}-u{days_ago}-{actor}",
                {"feature": f"feature_{(days_ago + actor) % 8}", "actor": f"actor-{actor}", "count": 5},
                time=day,
                backfill=days_ago > 0,
            )
            for actor in range(4)
        ]
    return past


def trouble(account: str) -> list[dict[str, Any]]:
    """What turns a healthy account red: an old P1, unpaid invoices, cards that fail, a bad survey."""
    long_ago = (datetime.now(UTC) - timedelta(days=9)).strftime("%Y-%m-%dT00:00:00Z")
    due = (datetime.now(UTC) - timedelta(days=40)).strftime("%Y-%m-%d")
    tickets = [
        event(
            "ticket.opened",
            account,
            f"{account}-t{n}",
            {"ticket_id": f"{account}-t{n}", "priority": "p1"},
            time=long_ago,
        )
        for n in range(8)
    ]
    rated = [
        event("ticket.rated", account, f"{account}-r{n}", {"ticket_id": f"{account}-t{n}", "score": 1})
        for n in range(8)
    ]
    failed = [
        event("payment.failed", account, f"{account}-p{n}", {"invoice_id": f"{account}-i", "amount": 150_000})
        for n in range(3)
    ]
    overdue = event(
        "invoice.overdue", account, f"{account}-i", {"invoice_id": f"{account}-i", "amount": 1, "due_on": due}
    )
    survey = event("survey.answered", account, f"{account}-n", {"kind": "nps", "score": 0, "role": "sponsor"})
    return [*tickets, *rated, *failed, overdue, survey]


def quiet(account: str) -> list[dict[str, Any]]:
    """Nothing more: usage stays what it was."""
    return [event("engagement.held", account, f"{account}-e", {"kind": "call", "answered": False})]


def test_a_crossing_reaches_the_owner_on_every_road(platform: Platform) -> None:
    account = "halden-freight"
    answer = platform.post(healthy_past(account, "Halden Freight"))
    assert answer["rejected"] == []
    healthy = eventually(lambda: latest(platform, account), what="the first snapshot")
    eventually(lambda: latest(platform, account).band == "green", what="green")
    assert healthy.facts["name"].value == "Halden Freight"

    assert platform.post(trouble(account))["rejected"] == []
    eventually(lambda: latest(platform, account).band in {"yellow", "red"}, what="the crossing")

    alert = eventually(lambda: platform.of_account("alerts", account), what="the alert")[0]
    assert alert.owner_id == OWNER
    assert alert.account_name == "Halden Freight"
    mail = eventually(lambda: mail_about(platform, alert.alert_id, alert.title), what="the mail")
    assert mail["To"] == "dana.reyes@example.com"
    row = eventually(lambda: console_row(platform, account), what="the console row")
    assert row["band"] == latest(platform, account).band
    feed = httpx.get(f"{platform.console_url}/api/inbox", params={"person": OWNER}).json()
    assert alert.alert_id in json.dumps(feed)


def latest(platform: Platform, account: str) -> Any:
    snapshots = platform.of_account("health", account)
    return max(snapshots, key=lambda snapshot: snapshot.revision) if snapshots else None


def mail_about(platform: Platform, alert_id: str, title: str) -> Any:
    for path in platform.stack.mail_dir.glob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if message["Subject"] == title:
            return message
    return None


def console_row(platform: Platform, account: str) -> Any:
    answer = httpx.get(f"{platform.console_url}/api/accounts", params={"owner": OWNER})
    rows = answer.json()
    rows = rows["accounts"] if isinstance(rows, dict) else rows
    return next((row for row in rows if account in json.dumps(row)), None)


def test_a_webhook_is_signed_and_carries_the_alert(platform: Platform) -> None:
    assert Webhook
