"""Makers for the engine's tests: events of the counting processor, and an oracle."""

import json
from collections import defaultdict
from collections.abc import Iterable

from truenorth.kafka.records import Record
from truenorth.streams.counting import CountingProcessor, Counts, _counts
from truenorth.streams.records import OWN_PART, split_key


def happening(account: str, *, count: int = 1, day: int = 20_000, feature: str = "export") -> bytes:
    return json.dumps({"account": account, "day": day, "feature": feature, "count": count}).encode()


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
    kept: dict[str, Counts] = {}
    for record in changelog:
        if record.key is None or record.key.startswith(b"\x00"):
            continue
        account, part = split_key(record.key)
        if part == OWN_PART:
            continue
        if record.value is None:
            kept.pop(account, None)
        else:
            kept[account] = _counts.decode(record.value)
    return {account: counts.total for account, counts in kept.items()}


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
