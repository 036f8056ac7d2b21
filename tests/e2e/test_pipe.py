"""The story, end to end: events in at the edge, and the CSM has a task, a mail, a webhook and a row."""

import email
import email.policy
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook
from truenorth import words
from truenorth.events.work import AlertRaised

from tests.e2e.platform import Platform, event, eventually
from tests.e2e.receiver import Received

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

OWNER = "dana.reyes"
RESCUE = "red-account-rescue"


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
    """What turns a healthy account red: old P1s, an unpaid invoice, failing cards, a bad survey, idle seats."""
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
    grown = event("subscription.changed", account, f"{account}-g", {"subscription_id": f"{account}-s", "seats": 400})
    return [*tickets, *rated, *failed, overdue, survey, grown]


def test_a_crossing_reaches_the_owner_on_every_road(platform: Platform) -> None:
    account = "halden-freight"
    assert platform.post(healthy_past(account, "Halden Freight"))["rejected"] == []
    eventually(lambda: latest(platform, account) and latest(platform, account).band == "green", what="green")
    assert platform.of_account("alerts", account) == []

    assert platform.post(trouble(account))["rejected"] == []
    eventually(lambda: latest(platform, account).band == "red", what="red")

    alert = eventually(lambda: rescue_alert(platform, account), what="the alert")
    assert (alert.owner_id, alert.account_name, alert.severity) == (OWNER, "Halden Freight", "high")
    task = eventually(lambda: rescue_task(platform, account), what="the task")
    assert (task.owner_id, task.status, task.alert_id) == (OWNER, "open", alert.alert_id)
    mail = eventually(lambda: mail_titled(platform, alert.title), what="the mail")
    assert mail["To"] == "dana.reyes@example.com"
    why = words.plain(alert.sentence).replace("\N{NO-BREAK SPACE}", " ")  # text mail has plain spaces
    assert why in mail.get_body(("plain",)).get_content()
    hook = eventually(lambda: webhook_about(platform, alert.alert_id), what="the webhook")
    Webhook(platform.webhook_secret).verify(hook.body, dict(hook.headers))
    row = eventually(lambda: red_row(platform, account), what="the console row")
    assert row["sentence"]
    inbox = httpx.get(f"{platform.console_url}/api/inbox", params={"person": OWNER}).text
    assert alert.alert_id in inbox


def test_done_in_the_console_closes_the_task(platform: Platform) -> None:
    account = "halden-freight"
    task = rescue_task(platform, account)
    with httpx.Client(base_url=platform.console_url, follow_redirects=True) as person:
        person.get("/who")
        token = person.cookies["truenorth_csrf"]
        person.post("/who", data={"person": OWNER, "csrf": token}).raise_for_status()
        form = {"csrf": token, "account": account, "alert": task.alert_id, "do": "done"}
        person.post("/inbox/act", data=form).raise_for_status()
    done = eventually(lambda: closed_task(platform, account, task.task_id), what="the closed task")
    assert done.closed_by == OWNER


def latest(platform: Platform, account: str) -> Any:
    snapshots = platform.of_account("health", account)
    return max(snapshots, key=lambda snapshot: snapshot.revision) if snapshots else None


def rescue_alert(platform: Platform, account: str) -> Any:
    alerts = platform.of_account("alerts", account)
    return next((alert for alert in alerts if isinstance(alert, AlertRaised) and alert.playbook == RESCUE), None)


def rescue_task(platform: Platform, account: str) -> Any:
    return next((task for task in platform.of_account("tasks", account) if task.playbook == RESCUE), None)


def closed_task(platform: Platform, account: str, task_id: str) -> Any:
    tasks = [task for task in platform.of_account("tasks", account) if task.task_id == task_id]
    return next((task for task in tasks if task.status == "done"), None)


def mail_titled(platform: Platform, title: str) -> Any:
    for path in platform.stack.mail_dir.glob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if message["Subject"] == title:
            return message
    return None


def webhook_about(platform: Platform, alert_id: str) -> Received | None:
    return next((hook for hook in platform.receiver.received if alert_id in hook.body.decode()), None)


def red_row(platform: Platform, account: str) -> Any:
    rows = httpx.get(f"{platform.console_url}/api/accounts", params={"owner": OWNER}).json()["accounts"]
    return next((row for row in rows if row["account"] == account and row["band"] == "red"), None)
