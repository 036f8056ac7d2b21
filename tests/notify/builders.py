from truenorth.definitions.model import Definitions, Person, Route, Webhook
from truenorth.events.health import Sentence
from truenorth.events.work import AlertRaised

NOW_MS = 1_760_000_000_000

ANA = Person(id="ana", name="Ana Reyes", email="ana@truenorth.example", manager="mo")
MO = Person(id="mo", name="Mo Khan", email="mo@truenorth.example", role="manager")
OPS = Person(id="ops", name="Operations", email="ops@truenorth.example", role="operations")
HOOK = Webhook(id="crm", url="https://hooks.example.com/in")
EVERYWHERE = Route(id="all", channels=["inapp", "email", "webhook"], webhook="crm")


def definitions(**changes: object) -> Definitions:
    parts: dict[str, object] = {"people": [ANA, MO, OPS], "webhooks": [HOOK], "routes": [EVERYWHERE]}
    return Definitions(**(parts | changes))  # type: ignore[arg-type]


def alert(**changes: object) -> AlertRaised:
    parts: dict[str, object] = {
        "alert_id": "alert-1",
        "account": "halden",
        "account_name": "Halden Freight",
        "owner_id": "ana",
        "title": "Halden Freight turned red: 31",
        "sentence": Sentence(runs=[("Usage down 38 %", True), (" on its own baseline; P1 open 9 days", False)]),
        "severity": "high",
        "band": "red",
        "playbook": "red-account",
        "playbook_name": "Red account",
        "run_id": "run-1",
        "raised_ms": NOW_MS - 100,
        "decided_ms": NOW_MS - 200,
        "score": 31.2,
        "task_id": "task-1",
        "arr": 21_200_000,
        "renews_on": "2026-02-01",
    }
    return AlertRaised(**(parts | changes))  # type: ignore[arg-type]
