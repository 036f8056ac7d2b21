"""Short makers of crossings, playbooks and rules for the tests of playbooks."""

from typing import Any

from truenorth.clock import MILLIS_PER_DAY
from truenorth.definitions.model import AlertStep, Person, Playbook, Step, TaskStep, Trigger
from truenorth_playbooks.domain.book import Book
from truenorth_playbooks.domain.crossings import Crossing
from truenorth_playbooks.domain.runs import Rules, see, version_of

NOW = 1_772_323_200_000  # 2026-03-01T00:00Z, a Sunday
DAY = MILLIS_PER_DAY

RESCUE = Playbook(
    id="red-account-rescue",
    name="Red account rescue",
    when=Trigger(band="red"),
    until=Trigger(band="yellow"),
    cooldown="7d",
    steps=[
        Step(
            id="call",
            task=TaskStep(title="Call the sponsor at {account}", due="1bd"),
            alert=AlertStep(title="{account} turned red: {score}", severity="high"),
        )
    ],
)
HELP = Playbook(
    id="true-north-at-risk",
    name="True North at risk",
    when=Trigger(milestone="at_risk"),
    until=Trigger(milestone="reached"),
    cooldown="14d",
    steps=[Step(id="help", task=TaskStep(title="Help {account} to {milestone}"))],
)
SLIPPING = Playbook(
    id="slipping",
    name="Slipping",
    when=Trigger(band="yellow", from_bands=["green"]),
    until=Trigger(band="green"),
    cooldown="14d",
    steps=[Step(id="look", alert=AlertStep(title="{account} slipped: {score}", severity="low"))],
)
SILENT = Playbook(
    id="silent",
    name="Silent",
    when=Trigger(finding="gone_quiet"),
    cooldown="1d",
    steps=[Step(id="ask", task=TaskStep(title="Ask {account}", to="manager"))],
)
PEOPLE = [
    Person(id="dana", name="Dana", email="dana@example.com", zone="America/New_York", manager="ingrid"),
    Person(id="ingrid", name="Ingrid", email="ingrid@example.com", zone="Europe/Oslo", role="manager"),
]
ALL = [RESCUE, HELP, SLIPPING, SILENT]


def rules(*playbooks: Playbook) -> Rules:
    """Return rules with these playbooks (all of them when none is given) and the two people."""
    chosen = list(playbooks) or ALL
    return Rules([(version_of(one), one) for one in chosen], {person.id: person for person in PEOPLE})


def band(number: int, before: str, after: str, *, at: int = NOW, **more: Any) -> Crossing:
    """Return a band crossing of account acme."""
    values: dict[str, Any] = {
        "kind": "band",
        "stream": "changes",
        "account": "acme",
        "number": number,
        "subject": "",
        "before": before,
        "after": after,
        "cause": "behaviour",
        "decided_ms": at,
        "name": "Acme Freight",
        "owner_id": "dana",
        "score": 31.4,
        "band": after,
    }
    return Crossing(**(values | more))


def finding(number: int, after: str, subject: str = "gone_quiet", *, at: int = NOW, **more: Any) -> Crossing:
    """Return a finding that opened or cleared."""
    before = "clear" if after == "open" else "open"
    return band(number, before, after, at=at, kind="finding", subject=subject, **more)


def milestone(number: int, after: str, subject: str = "first-value", *, at: int = NOW, **more: Any) -> Crossing:
    """Return a milestone's new status."""
    extra = {"kind": "milestone", "stream": "milestones", "subject": subject, "milestone_name": "First value"}
    return band(number, "pending", after, at=at, **(extra | more))


def churn(number: int, after: str = "churned", *, at: int = NOW, **more: Any) -> Crossing:
    """Return a churn, or a return."""
    return band(number, "active" if after == "churned" else "churned", after, at=at, kind="churn", **more)


def seen(book: Book, *crossings: Crossing, now: int | None = None, under: Rules | None = None) -> Book:
    """Show the book these crossings, each at its own decision time unless ``now`` is given."""
    chosen = under or rules()
    known = {version_of(one): one for one in ALL} | dict(chosen.playbooks)
    for crossing in crossings:
        see(book, crossing, chosen, known.__getitem__, crossing.decided_ms if now is None else now)
    return book


def noted(book: Book, what: str) -> list[str]:
    """Return the subjects of what the book noted under this word."""
    return [subject for name, subject in book.noted if name == what]
