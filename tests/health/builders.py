"""Small makers for tests: events with a counting id, scorecards, bundles, a book that folds and decides."""

from typing import Any

from truenorth.definitions.model import (
    BandCut,
    Banded,
    Bands,
    Bundle,
    Definitions,
    Dimension,
    Linear,
    Measure,
    Milestone,
    Phase,
    Scorecard,
    Segment,
)
from truenorth.events import FAMILY_OF_TYPE, Event, inputs
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.topics import HEALTH_SOURCES
from truenorth_health.domain.decide import Compiled, Decided, compile_definitions, decide
from truenorth_health.domain.fold import fold
from truenorth_health.domain.signals import INDEX, SIGNALS, Values
from truenorth_health.domain.state import AccountState, new_state

DAY = 86_400_000
HOUR = 3_600_000
TODAY = 20_400
"""The epoch day (2025-11-08) most tests play on."""
NOON = TODAY * DAY + 12 * HOUR
BANDS = Bands(red=BandCut(enter=40, leave=45), yellow=BandCut(enter=70, leave=75))
ACCOUNT = "acme"


def event(payload: Any, time_ms: int, event_id: str, *, account: str = ACCOUNT, backfill: bool = False) -> Event:
    return Event(
        event_id, "test", TYPE_OF_PAYLOAD[type(payload)], account, time_ms, time_ms, payload, backfill=backfill
    )


def source_of(one: Event) -> int:
    return HEALTH_SOURCES.index(FAMILY_OF_TYPE[one.type])


def signals(**values: float) -> Values:
    """All signals by position; those that are not named have no data."""
    out: Values = [None] * len(SIGNALS)
    for name, value in values.items():
        out[INDEX[name]] = value
    return out


def plain_measure(ident: str, signal: str, weight: float = 1, **more: Any) -> Measure:
    """A measure that takes a 0..100 signal as it is."""
    more.setdefault("linear", Linear(worst=0, best=100))
    return Measure(id=ident, name=ident, signal=signal, weight=weight, **more)


def card(dimensions: list[Dimension], **more: Any) -> Scorecard:
    more.setdefault("coverage_floor", 0.0)
    more.setdefault("bands", BANDS)
    return Scorecard(id="standard", dimensions=dimensions, **more)


def support_card(**more: Any) -> Scorecard:
    """Open tickets alone make the score: 10 points lost for each."""
    measure = Measure(
        id="open",
        name="Open tickets",
        signal="open_tickets",
        weight=1,
        linear=Linear(worst=10, best=0),
        why="{value} tickets open",
        fix="closing a ticket",
    )
    return card([Dimension(id="support", name="Support", weight=1, measures=[measure])], **more)


def three_part_card(**more: Any) -> Scorecard:
    """Usage (people, quiet days), support (P1 days) and sentiment (NPS)."""
    people = Measure(
        id="people",
        name="Active people",
        signal="active_actors_28d",
        weight=2,
        linear=Linear(worst=0, best=10),
        why="{value} people active",
    )
    quiet = Measure(
        id="quiet", name="Quiet days", signal="days_since_activity", weight=1, linear=Linear(worst=14, best=0)
    )
    p1 = Measure(
        id="p1",
        name="P1",
        signal="open_p1_days",
        weight=1,
        banded=Banded(cuts=[0.01, 5], scores=[100, 40, 0]),
        why="P1 open {value}",
        fix="closing the P1",
    )
    nps = Measure(id="nps", name="NPS", signal="nps", weight=1, linear=Linear(worst=0, best=10), why="NPS {value}")
    return card(
        [
            Dimension(id="usage", name="Usage", weight=50, measures=[people, quiet]),
            Dimension(id="support", name="Support", weight=30, measures=[p1]),
            Dimension(id="sentiment", name="Sentiment", weight=20, measures=[nps]),
        ],
        **more,
    )


def compiled(
    *cards: Scorecard,
    milestones: list[Milestone] | None = None,
    segments: list[Segment] | None = None,
    phases: list[Phase] | None = None,
    ordinal: int = 1,
) -> Compiled:
    definitions = Definitions(
        scorecards=list(cards), milestones=milestones or [], segments=segments or [], phases=phases or []
    )
    return compile_definitions(Bundle(f"bundle-{ordinal}", ordinal, 0, definitions))


class Book:
    """One account under test: tell it what happened, let it decide."""

    def __init__(self, definitions: Compiled, *, facts: inputs.AccountUpdated | None = None) -> None:
        self.definitions = definitions
        self.state: AccountState = new_state(ACCOUNT)
        self.count = 0
        if facts is not None:
            self.tell(facts, NOON - 60 * DAY)
        elif facts is None:
            self.tell(inputs.AccountUpdated(name="Acme", owner_id="dana"), NOON - 60 * DAY)

    def tell(self, payload: Any, time_ms: int, *, recorded_ms: int | None = None, backfill: bool = False) -> None:
        self.count += 1
        one = event(payload, time_ms, f"e{self.count}", backfill=backfill)
        fold(self.state, source_of(one), one, time_ms if recorded_ms is None else recorded_ms)

    def decide(self, now_ms: int) -> Decided:
        return decide(self.state, self.definitions, offsets={"usage": self.count}, now_ms=now_ms)

    def open_tickets(self, count: int, time_ms: int) -> None:
        for _ in range(count):
            self.tell(inputs.TicketOpened(f"t{self.count}"), time_ms)

    def use(self, time_ms: int, *, features: list[str] | None = None, actors: list[str] | None = None) -> None:
        for feature in features or ["board"]:
            for actor in actors or ["ann"]:
                self.tell(inputs.UsageRecorded(feature, actor=actor), time_ms)
