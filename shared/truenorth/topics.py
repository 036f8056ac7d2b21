"""The topic catalogue: the one list of topics that set-up, chart, access rules and docs are made from.

Names are ``truenorth.<name>.v1``. Every account-level topic is keyed by the account id, so that all of an
account's records share one partition number. Every topic takes the broker's clock (LogAppendTime).
"""

from dataclasses import dataclass
from typing import Final, Literal

PARTITIONS_DEFAULT: Final = 8
DAY_MS: Final = 86_400_000
COMPACTED_SEGMENT_BYTES: Final = 128 * 1024 * 1024
"""Compaction leaves the segment being written alone: what a restore has to read twice is bounded by this."""

Key = Literal["account", "contact", "lookup", "bundle", "cohort", "partition", "none"]
Cleanup = Literal["delete", "compact"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``owner`` is who writes it, several behind commas.

    ``partitions`` None means the deployment's one partition count for account topics.
    """

    name: str
    key: Key
    owner: str
    cleanup: Cleanup
    retention_days: int | None
    doc: str
    partitions: int | None = None

    @property
    def full_name(self) -> str:
        """The name on the broker."""
        return f"truenorth.{self.name}.v1"

    def config(self, *, replicas: int) -> dict[str, str]:
        """Return the broker's settings for this topic."""
        settings = {
            "message.timestamp.type": "LogAppendTime",
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(4 * 1024 * 1024),
            "min.insync.replicas": "2" if replicas > 1 else "1",
        }
        if self.cleanup == "compact":
            settings |= {
                "max.compaction.lag.ms": str(DAY_MS),
                "delete.retention.ms": str(7 * DAY_MS),
                "segment.ms": str(DAY_MS),
                "segment.bytes": str(COMPACTED_SEGMENT_BYTES),
            }
        elif self.retention_days is not None:
            settings["retention.ms"] = str(self.retention_days * DAY_MS)
        return settings


def _input(name: str, doc: str, *, days: int = 400) -> Topic:
    return Topic(name, "account", "ingest", "delete", days, doc)


TOPICS: Final[tuple[Topic, ...]] = (
    _input("usage", "What people did in the product.", days=100),
    _input("tickets", "Support tickets, without their text."),
    _input("billing", "Subscriptions, invoices, payments."),
    _input("surveys", "NPS, CSAT and CES answers."),
    _input("accounts", "Account facts, churn and return."),
    _input("engagements", "Reviews, objectives, value, advocacy, intent."),
    Topic("actions", "account", "console", "delete", 400, "What people do in the console."),
    Topic("erasures", "account", "ingest", "delete", 400, "Requests to forget; every service carries them out."),
    Topic(
        "erasures-done",
        "account",
        "ingest, health, playbooks, notify, console",
        "delete",
        400,
        "Each service's word that it has forgotten.",
    ),
    Topic("backfills", "account", "ingest", "delete", 30, "An account's past is loaded: rebuild its days."),
    Topic("identities", "lookup", "ingest", "compact", None, "Whose account an actor or another system's id is."),
    Topic("unresolved", "lookup", "ingest", "delete", 7, "Accepted events that wait until their account is known."),
    Topic(
        "contacts",
        "contact",
        "ingest, console",
        "compact",
        None,
        "Names and addresses; the console alone reads them, and writes the tombstones of an erased account's.",
    ),
    Topic(
        "definitions", "bundle", "operators", "compact", None, "Definition bundles by hash, and which is current.", 1
    ),
    Topic("health", "account", "health", "compact", None, "The whole snapshot of each account."),
    Topic("health-changes", "account", "health", "delete", 400, "Numbered transitions of each account."),
    Topic("health-daily", "account", "health", "delete", 400, "One point per account and day."),
    Topic("milestones", "account", "health", "delete", 400, "Milestone transitions."),
    Topic("cohorts", "cohort", "health", "compact", None, "How each segment's accounts do with each milestone.", 1),
    Topic("roll-ups", "account", "health", "delete", 400, "Internal: what a parent account needs to know of a child."),
    Topic("cohort-counts", "partition", "health", "compact", None, "Internal: cohorts per partition.", 1),
    Topic("health-changelog", "account", "health", "compact", None, "Internal: the state health is restored from."),
    Topic("tasks", "account", "playbooks", "delete", 400, "Tasks as they change."),
    Topic("alerts", "account", "playbooks", "delete", 400, "Alerts raised and resolved."),
    Topic("deliveries", "account", "notify", "delete", 100, "How each alert reached each recipient."),
    Topic("feed", "account", "notify", "delete", 400, "The in-app feed, one entry per alert and person."),
    Topic(
        "quarantine", "none", "ingest", "delete", 30, "What ingest refused, with its reason; of the original no people."
    ),
    Topic(
        "dead-letters",
        "none",
        "ingest, health, playbooks, notify, console",
        "delete",
        30,
        "Records a reader could not process, with their reason.",
    ),
)

BY_NAME: Final[dict[str, Topic]] = {topic.name: topic for topic in TOPICS}

HEALTH_SOURCES: Final[tuple[str, ...]] = (
    "usage",
    "tickets",
    "billing",
    "surveys",
    "accounts",
    "engagements",
    "actions",
    "erasures",
    "roll-ups",
)
"""The co-partitioned topics that health folds, in the order that numbers them. Only ever append."""


def full_name(name: str) -> str:
    """Return the broker's name of a catalogued topic; `KeyError` when it is not in the catalogue."""
    return BY_NAME[name].full_name
