"""A health worker on topics in memory, one partition of each, for the tests of `verify`."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec
from truenorth import codec
from truenorth.definitions.bundle import encode_bundle, encode_current, make_bundle
from truenorth.definitions.model import (
    BandCut,
    Bands,
    Bundle,
    Definitions,
    Dimension,
    FindingRule,
    Linear,
    Match,
    Measure,
    Milestone,
    Scorecard,
    Segment,
)
from truenorth.events.payload import PayloadStruct
from truenorth.kafka import Record
from truenorth.streams.hooks import NoHooks
from truenorth.streams.kept import Kept
from truenorth.streams.log import Entry
from truenorth.streams.processor import Item
from truenorth.streams.records import OWN_PART, POSITION_KEY, Position, encode_control, entry_key
from truenorth.streams.turns import Cut, Run, Turns
from truenorth.topics import BY_NAME, HEALTH_SOURCES, full_name
from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.adapters.verifier import Verifier
from truenorth_health.adapters.verify_reports import PartitionReport

DAY = 86_400_000
HOUR = 3_600_000
START = 20_400 * DAY + 8 * HOUR

CHANGELOG, CHANGES, MILESTONES, HEALTH = "health-changelog", "health-changes", "milestones", "health"


def definitions(*, hold: str = "0s", weight: float = 1.0, segment_at: int = 1_000_000) -> Definitions:
    """Tickets, usage and NPS make the score; a milestone of three features in ten days."""
    measures = [
        Measure(id="open", name="Open", signal="open_tickets", weight=weight, linear=Linear(worst=10.0, best=0.0)),
        Measure(id="people", name="People", signal="active_actors_28d", weight=1.0, linear=Linear(worst=0.0, best=4.0)),
        Measure(id="nps", name="NPS", signal="nps", weight=1.0, linear=Linear(worst=0.0, best=10.0)),
    ]
    dimensions = [
        Dimension(id="support", name="Support", weight=weight, measures=measures[:1]),
        Dimension(id="usage", name="Usage", weight=1.0, measures=measures[1:2]),
        Dimension(id="sentiment", name="Sentiment", weight=1.0, measures=measures[2:]),
    ]
    bands = Bands(red=BandCut(enter=40.0, leave=45.0), yellow=BandCut(enter=70.0, leave=75.0), hold_for=hold)
    return Definitions(
        scorecards=[Scorecard(id="standard", dimensions=dimensions, coverage_floor=0.0, bands=bands)],
        milestones=[
            Milestone(
                id="activation",
                name="Activation",
                count="distinct_features",
                need=3,
                within_days=10,
                start="signed_up_on",
                at_risk_days=3,
            )
        ],
        segments=[Segment(id="large", name="Large", match=Match(arr_from=segment_at))],
        findings=[FindingRule(id="single_threaded", off=True)],  # every account here has one respondent
    )


class World:
    """Topics, and a worker that flushes when it is told to."""

    def __init__(self, start: Definitions | None = None) -> None:
        self.topics: dict[str, list[Record]] = {topic.full_name: [] for topic in BY_NAME.values()}
        self.bundle: Bundle | None = None
        self.now_ms = START
        self.count = 0
        self.flushes = 0
        self.positions = [0] * len(HEALTH_SOURCES)
        self.processor = AccountProcessor(CompiledDefinitions(lambda: self.bundle))
        self.kept = Kept(core=self.processor.core, sources=len(HEALTH_SOURCES))
        self.turns = Turns(
            self.kept, self.processor, hooks=NoHooks(), parked=lambda record, _: Entry(record.key, b""), seconds=float
        )
        self.apply(start or definitions())

    def apply(self, wanted: Definitions) -> None:
        """Put definitions in force."""
        ordinal = 1 if self.bundle is None else self.bundle.ordinal + 1
        self.bundle = make_bundle(wanted, ordinal=ordinal, applied_ms=self.now_ms)
        for key, value in (encode_bundle(self.bundle), encode_current(self.bundle)):
            self.append("definitions", key, value)

    def append(self, name: str, key: bytes | None, value: bytes | None) -> int:
        """Append a record and return its offset."""
        records = self.topics[full_name(name)]
        offset = records[-1].offset + 1 if records else 0
        records.append(Record(full_name(name), 0, offset, key, value, self.now_ms))
        return offset

    def tell(
        self, source: str, payload: PayloadStruct, *, account: str = "acme", event_id: str = "", ago_ms: int = 0
    ) -> None:
        """Let something happen now, or ``ago_ms`` earlier."""
        self.count += 1
        value = codec.encode(
            payload,
            event_id=event_id or f"e{self.count}",
            source="app",
            account=account,
            time_ms=self.now_ms - ago_ms,
        )
        self.append(source, account.encode(), value)

    def flush(self, *accounts: str, later_ms: int = 2_000) -> None:
        """Let time pass; then one cut: of all accounts with events, and of these."""
        self.now_ms += later_ms
        queue: dict[str, list[Run]] = {account: [] for account in accounts}
        for source, name in enumerate(HEALTH_SOURCES):
            items: dict[str, list[Item]] = {}
            for record in self.topics[full_name(name)]:
                if record.offset >= self.positions[source]:
                    account, identity, event = self.processor.decode(source, record)
                    items.setdefault(account, []).append(Item(record, identity, event))
                    self.positions[source] = record.offset + 1
            for account, mine in items.items():
                queue.setdefault(account, []).append((source, mine))
        cut = Cut(self.positions, self.now_ms)
        for account, runs in queue.items():
            self.turns.turn(account, runs, cut)
        for output in cut.outputs:
            self.append(output.topic.split(".")[1], output.key, output.value)
        for key, value in cut.changelog:
            self.append(CHANGELOG, key, value)
        self.commit_position()

    def commit_position(self) -> None:
        """Write the position record."""
        self.flushes += 1
        sources = {full_name(name): at for name, at in zip(HEALTH_SOURCES, self.positions, strict=True)}
        self.append(CHANGELOG, POSITION_KEY, encode_control(Position(self.flushes, sources, self.now_ms)))

    async def read(self, topic: str, partition: int, start: int = 0) -> AsyncGenerator[Record, None]:
        """See `verify_stored.Read`."""
        assert partition == 0
        for record in list(self.topics[topic]):
            if record.offset >= start:
                yield record

    async def verified(self, *, sample: int | None = None) -> PartitionReport:
        """Judge the partition."""
        return await Verifier(self.read, self.processor, count=1, sample=sample).partition(0)

    async def fields(self) -> list[str]:
        """Return the fields that differ."""
        return [difference.field for difference in (await self.verified()).differences]

    def transitions(self, name: str) -> list[tuple[Record, Any]]:
        """Return the records of a topic with their payloads."""
        return [(record, codec.parse_event(record.value or b"").data) for record in self.topics[full_name(name)]]

    def tamper(self, name: str, at: int, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the payload of a record, as JSON."""
        record = self.topics[full_name(name)][at]
        envelope = msgspec.json.decode(record.value or b"{}")
        change(envelope["data"])
        self.topics[full_name(name)][at] = record._replace(value=msgspec.json.encode(envelope))

    def remove(self, name: str, at: int) -> None:
        """Take a record out; offsets stay."""
        del self.topics[full_name(name)][at]

    def forge_part(self, account: str, part: str, value: bytes) -> None:
        """Write a part of an account that no worker wrote."""
        self.append(CHANGELOG, entry_key(account, part), value)

    def own_part(self, account: str) -> bytes:
        """Return the own part as it was written last."""
        key = entry_key(account, OWN_PART)
        return next(one.value or b"" for one in reversed(self.topics[full_name(CHANGELOG)]) if one.key == key)
