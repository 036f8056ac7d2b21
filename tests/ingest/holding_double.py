"""A unit of work on what waits, in memory; tests/integration/test_ingest_held.py holds it to the real one."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from truenorth.codec import encode_json
from truenorth.events.identity import EventHeld
from truenorth_ingest.domain.graves import Graves
from truenorth_ingest.domain.holding import Kept, Said, Waiting


class FakeUnit:
    """See `truenorth_ingest.ports.HoldingUnit`."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[str, str], int] = {}
        self.kept: dict[tuple[int, int], Waiting] = {}
        self.awake: dict[str, tuple[int, int]] = {}
        self.said: list[Said] = []
        self.erased = Graves()

    async def learn(self, pairs: Mapping[tuple[str, str], int]) -> set[str]:
        new = {pair: at_ms for pair, at_ms in pairs.items() if pair not in self.pairs}
        self.pairs |= new
        return {lookup for lookup, _ in new}

    async def unlearn(self, pairs: Sequence[tuple[str, str]]) -> set[str]:
        return {pair[0] for pair in pairs if self.pairs.pop(pair, None) is not None}

    async def accounts_of(self, lookups: Collection[str]) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for lookup, account in sorted(self.pairs):
            if lookup in lookups:
                found.setdefault(lookup, []).append(account)
        return found

    async def graves(self, accounts: Collection[str], people: Collection[str]) -> Graves:
        return self.erased

    async def awaken(self, lookups: Collection[str], *, now_ms: int) -> None:
        held = {lookup for one in self.kept.values() for lookup in one.event.lookups}
        self.awake |= {lookup: (-1, -1) for lookup in sorted(lookups) if lookup in held}

    async def awoken(self, limit_events: int) -> Sequence[Waiting]:
        rows = [
            (lookup, self.kept[place])
            for lookup, after in sorted(self.awake.items())
            for place in sorted(self.kept)
            if place > after and lookup in self.kept[place].event.lookups
        ][:limit_events]
        unfinished = rows[-1] if len(rows) == limit_events else None
        for lookup in sorted(self.awake):
            if unfinished is None or lookup < unfinished[0]:
                del self.awake[lookup]
        if unfinished is not None:
            self.awake[unfinished[0]] = unfinished[1].place
        return list({one.place: one for _, one in rows}.values())

    async def keep(self, events: Sequence[Kept]) -> None:
        for one in events:
            event = msgspec.structs.replace(one.waiting.event, reason=one.reason)
            self.kept[one.waiting.place] = one.waiting._replace(event=event)

    async def drop(self, places: Sequence[tuple[int, int]]) -> None:
        for place in places:
            self.kept.pop(place, None)

    async def say(self, records: Sequence[Said], *, now_ms: int) -> None:
        self.said.extend(record for record in records if record.said_id not in {one.said_id for one in self.said})


def waiting(offset: int, *lookups: str, partition: int = 0, held_ms: int = 1_000, **changes: Any) -> Waiting:
    values: dict[str, Any] = {
        "reason": "unknown",
        "lookups": list(lookups) or ["actor:p_1"],
        "event_type": "usage.recorded",
        "event_id": f"e{partition}-{offset}",
        "event_source": "sdk",
        "time": "2025-10-09T08:00:00Z",
        "recordedtime": "2025-10-09T08:00:01Z",
        "data": msgspec.Raw(encode_json({"feature": "export"})),
    }
    return Waiting(partition, offset, EventHeld(**(values | changes)), held_ms)
