"""Events as health, playbooks and notify would publish them, and a small book like the drawings'."""

import math
from typing import Any

from truenorth.clock import MILLIS_PER_DAY, date_of_day, day_of
from truenorth.events.health import (
    Band,
    DecisionPoint,
    DimensionResult,
    Fact,
    Finding,
    HealthChanged,
    HealthDay,
    HealthUpdated,
    MeasureResult,
    MilestoneProgress,
    Sentence,
)
from truenorth.events.work import AlertFeedChanged, AlertRaised, TaskUpdated

POINT = DecisionPoint({}, "abc123abc123", 1, 0)


def merged(more: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    return usual | more


def facts(now_ms: int, **values: Any) -> dict[str, Fact]:
    return {name: Fact(value, "crm", now_ms) for name, value in values.items()}


def milestone(have: int, status: str, **more: Any) -> MilestoneProgress:
    return MilestoneProgress("seven-features", "7 features in 14 days", "v1", status, have, 7, **more)  # type: ignore[arg-type]


def dimension(name: str, weight: float, score: float | None, was: float | None, *measures: MeasureResult) -> Any:
    contribution = 0.0 if score is None else weight * score / 100
    lost = None if was is None else weight * was / 100
    return DimensionResult(name.lower(), name, weight, list(measures), score, contribution, weight, lost)


def measure(name: str, display: str, gives: float, of: float) -> MeasureResult:
    return MeasureResult(
        name.lower().replace(" ", "-"), name, "signal", of, 1.0, display, gives / of * 100, gives, of, None
    )


def dimensions() -> list[DimensionResult]:
    return [
        dimension(
            "Usage",
            45,
            30,
            59,
            measure("Usage trend", "−38 %", 4, 20),
            measure("Seat use", "48 of 60", 5.1, 20),
            measure("Quiet days", "3 days", 4.4, 5),
        ),
        dimension(
            "Support",
            25,
            11,
            47,
            measure("Urgent tickets", "9 days", 0, 15),
            measure("First response", "2 h", 2.75, 10),
        ),
        dimension("Billing", 20, 100, 100, measure("Invoices overdue", "0", 20, 20)),
        dimension("Sentiment", 10, None, None),
    ]


def snapshot(
    account: str,
    now_ms: int,
    *,
    band: Band = "red",
    score: float | None = 31.2,
    name: str = "Halden Freight",
    owner: str = "dana.reyes",
    why: list[tuple[str, bool]] | None = None,
    arr: int = 21_200_000,
    renews_in: int = 41,
    **more: Any,
) -> HealthUpdated:
    renews_on = date_of_day(day_of(now_ms) + renews_in).isoformat()
    return HealthUpdated(
        **merged(
            more,
            {
                "account": account,
                "revision": 1,
                "band": band,
                "facts": facts(now_ms, name=name, owner_id=owner, arr=arr, renews_on=renews_on, seats=60),
                "segment": "mid-market",
                "phase": "growth",
                "scorecard": "standard",
                "scorecard_version": "3f9a0123",
                "coverage": 0.91,
                "dimensions": dimensions(),
                "signals": {},
                "sentence": Sentence(
                    why or [("Usage down 38 %", True), (" on its own baseline; P1 open 9 days", False)]
                ),
                "point": POINT,
                "computed_ms": now_ms - 2000,
                "score": score,
                "attention": 0.0 if score is None else 200 - score,
                "help": "closing the P1 gives back up to 12.0 points and would make this account yellow",
            },
        )
    )


def days(account: str, now_ms: int, begin: float, end: float, count: int = 90) -> list[HealthDay]:
    today = day_of(now_ms)
    points = []
    for number in range(count):
        share = number / (count - 1)
        score = begin + (end - begin) * share**2 + 2 * math.sin(number * 1.7) + math.cos(number * 0.6)
        on = date_of_day(today - count + 1 + number).isoformat()
        points.append(HealthDay(account, on, "green", round(min(100, max(0, score)), 1), "v1", {}, number < count - 1))
    return points


def alert(account: str, now_ms: int, **more: Any) -> AlertRaised:
    return AlertRaised(
        **merged(
            more,
            {
                "alert_id": f"alert-{account}",
                "account": account,
                "account_name": "Halden Freight",
                "owner_id": "dana.reyes",
                "title": "Halden Freight turned red: 31",
                "sentence": Sentence([("Usage down 38 %", True), (" on its own baseline; P1 open 9 days", False)]),
                "severity": "high",
                "band": "red",
                "playbook": "red-account-rescue",
                "playbook_name": "Red account rescue",
                "run_id": f"run-{account}",
                "raised_ms": now_ms,
                "decided_ms": now_ms,
                "score": 31.2,
                "task_id": f"task-{account}",
                "due_ms": now_ms + 4 * 3_600_000,
            },
        )
    )


def entry(raised: AlertRaised, recipient: str = "dana.reyes", **more: Any) -> AlertFeedChanged:
    return AlertFeedChanged(
        **merged(
            more,
            {
                "alert": raised,
                "recipient": recipient,
                "revision": 1,
                "state": "open",
                "changed_ms": raised.raised_ms,
            },
        )
    )


def task(account: str, now_ms: int, **more: Any) -> TaskUpdated:
    return TaskUpdated(
        **merged(
            more,
            {
                "task_id": f"task-{account}",
                "account": account,
                "revision": 1,
                "title": "Call the sponsor at Halden Freight",
                "status": "open",
                "owner_id": "dana.reyes",
                "playbook": "red-account-rescue",
                "playbook_name": "Red account rescue",
                "run_id": f"run-{account}",
                "step": "call",
                "opened_ms": now_ms,
                "due_ms": now_ms + MILLIS_PER_DAY,
                "alert_id": f"alert-{account}",
            },
        )
    )


def change(account: str, now_ms: int, **more: Any) -> HealthChanged:
    return HealthChanged(
        **merged(
            more,
            {
                "account": account,
                "number": 2,
                "kind": "band",
                "subject": "band",
                "before": "yellow",
                "after": "red",
                "cause": "behaviour",
                "decided_ms": now_ms,
                "point": POINT,
                "score_before": 42.0,
                "score": 31.2,
                "sentence": Sentence([("Usage down 38 %", True)]),
            },
        )
    )


def finding(now_ms: int, id_: str, name: str, severity: str, evidence: str = "") -> Finding:
    return Finding(id_, name, severity, now_ms, evidence)  # type: ignore[arg-type]
