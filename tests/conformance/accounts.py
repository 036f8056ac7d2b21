"""Makers for the engine's tests: events of the counting processor, and an oracle."""

import json
from collections import defaultdict
from collections.abc import Iterable

from truenorth.kafka.records import Record
from truenorth.streams.counting import CountingProcessor, _counts
from truenorth.streams.kept import Kept


def happening(
    account: str, *, count: int = 1, day: int = 20_000, feature: str = "export", event_id: str | None = None
) -> bytes:
    told = {"account": account, "day": day, "feature": feature, "count": count, "id": event_id}
    return json.dumps(told).encode()


def processor(prefix: str, *, sources: int = 2, silence_ms: int | None = None) -> CountingProcessor:
    return CountingProcessor(
        [f"{prefix}-source{number}" for number in range(sources)],
        f"{prefix}-changelog",
        f"{prefix}-dead",
        f"{prefix}-out",
        silence_ms=silence_ms,
    )


def topics_of(one: CountingProcessor) -> list[str]:
    return [*one.sources, one.changelog, one.dead_letters, one._out or ""]


def totals_kept(changelog: Iterable[Record]) -> dict[str, int]:
    """The total of each account as a restore would find it: per key the last record wins."""
    kept = Kept(core="core", sources=8)
    kept.take(changelog)
    kept.restored()
    found = {account: kept.load(account, kept.own(account)) for account in kept.owns}
    return {account: _counts.decode(parts["core"]).total for account, parts in found.items()}


def totals_sent(values: Iterable[bytes | None]) -> dict[str, int]:
    """The oracle: sum up the source."""
    totals: dict[str, int] = defaultdict(int)
    for value in values:
        event = json.loads(value or b"{}")
        totals[event["account"]] += event["count"]
    return dict(totals)


def revisions_by_account(outputs: Iterable[Record]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for record in outputs:
        found[(record.key or b"").decode()].append(json.loads(record.value or b"")["revision"])
    return dict(found)
