"""Each service is killed with SIGKILL in turn during traffic: nothing is lost, and nothing has a second id."""

import itertools
import json
import threading
from collections import Counter
from typing import Any, Self

import pytest

from tests.e2e.platform import SERVICES, Platform, event, eventually
from tests.e2e.test_pipe import healthy_past, latest, trouble

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ACCOUNTS = tuple(f"kill-{number:02}" for number in range(10))


class Traffic:
    """Posts usage for all accounts, batch after batch, until it is told to stop; counts what was accepted."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.accepted: Counter[str] = Counter()
        self.failed: list[BaseException] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        try:
            for number in itertools.count():
                if self._stop.wait(0.1):
                    return
                batch = [
                    event(
                        "usage.recorded", account, f"{account}-live-{number}", {"feature": "export", "actor": "actor-1"}
                    )
                    for account in ACCOUNTS
                ]
                answer = self._platform.post(batch, seconds=60)
                assert answer["rejected"] == []
                self.accepted.update(ACCOUNTS)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            self.failed.append(error)


def test_killing_each_service_in_turn_loses_nothing_and_doubles_nothing(platform: Platform) -> None:
    for account in ACCOUNTS:
        platform.post(healthy_past(account, f"Company {account}"))
    eventually(lambda: all(latest(platform, account) for account in ACCOUNTS), what="ten scored accounts")
    eventually(
        lambda: all(latest(platform, account).band == "green" for account in ACCOUNTS), what="ten green accounts"
    )

    with Traffic(platform) as traffic:
        for number, name in enumerate(SERVICES):
            for account in ACCOUNTS[2 * number : 2 * number + 2]:  # the crossing happens while this service dies
                platform.post(trouble(account), seconds=60)
            platform.kill(name)
            platform.stack.start_service(name)
    assert traffic.failed == []

    eventually(lambda: all(platform.of_account("alerts", account) for account in ACCOUNTS), what="an alert each")
    eventually(lambda: all_fed(platform), what="every alert in a feed")
    assert_counted(platform, traffic)
    assert_ids_once(platform)
    found = json.loads(platform.run("verify", "--json"))
    assert found["differences"] == []


def all_fed(platform: Platform) -> bool:
    fed = {feed.alert.alert_id for account in ACCOUNTS for feed in platform.of_account("feed", account)}
    raised = {alert.alert_id for account in ACCOUNTS for alert in platform.of_account("alerts", account)}
    return raised <= fed


def assert_counted(platform: Platform, traffic: Traffic) -> None:
    """Every accepted event is on the topic; a batch posted twice is there twice under the same id."""
    live = {
        (item.account, item.id) for item in platform.events("usage") if item.account in ACCOUNTS and "-live-" in item.id
    }
    assert Counter(account for account, _ in live) == traffic.accepted


def assert_ids_once(platform: Platform) -> None:
    changes: list[Any] = [*platform.events("health-changes"), *platform.events("milestones")]
    for account in ACCOUNTS:
        numbers = [item.data.number for item in changes if item.account == account]
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), account
        revisions = [snapshot.revision for snapshot in platform.of_account("health", account)]
        assert len(set(revisions)) == len(revisions), account
        runs = {
            (alert.playbook, alert.run_id)
            for alert in platform.of_account("alerts", account)
            if hasattr(alert, "playbook")
        }
        assert len({playbook for playbook, _ in runs}) == len(runs), account
        alerts = {alert.alert_id for alert in platform.of_account("alerts", account) if hasattr(alert, "playbook")}
        assert len(alerts) == len(runs), account
        tasks = {(task.playbook, task.step, task.task_id) for task in platform.of_account("tasks", account)}
        assert len({(playbook, step) for playbook, step, _ in tasks}) == len(tasks), account
