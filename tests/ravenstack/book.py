"""The data set's accounts, scored: day by day as they came, and as they stand at the end."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import msgspec
from truenorth.clock import MILLIS_PER_DAY, day_of_date
from truenorth.definitions.bundle import make_bundle
from truenorth.definitions.parse import load_directory
from truenorth.events import FAMILY_OF_TYPE, Event, inputs
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.health import Band
from truenorth.samples.events import SampleEvent
from truenorth.samples.ravenstack import load
from truenorth.topics import HEALTH_SOURCES
from truenorth_health.domain.compiled import Compiled, compile_definitions
from truenorth_health.domain.explanation import Explanation, explain
from truenorth_health.domain.fold import fold
from truenorth_health.domain.replay import replay
from truenorth_health.domain.state import new_state
from truenorth_health.domain.way import Way


@dataclass
class Account:
    """One account: its events by time, its score and band per epoch day, and the day it left for good."""

    name: str
    events: list[Event]
    days: dict[int, tuple[float | None, Band]] = field(default_factory=dict)
    left_day: int | None = None
    has_returned: bool = False

    @cached_property
    def signed_up_day(self) -> int:
        """The epoch day it signed up; usage may be older."""
        facts = (event.data for event in self.events if isinstance(event.data, inputs.AccountUpdated))
        return next(day_of_date(date.fromisoformat(one.signed_up_on)) for one in facts if one.signed_up_on)


class Book:
    """All accounts under the definitions in a directory, as of ``now_ms``; without their coverage floor if asked."""

    def __init__(self, directory: Path, definitions: Path, *, now_ms: int, has_floor: bool = True) -> None:
        self.now_ms = now_ms
        self.compiled = compiled(definitions, has_floor=has_floor)
        events, self.report = load(directory, now_ms=now_ms)
        self.accounts = _accounts(events)
        last_day = now_ms // MILLIS_PER_DAY - 1
        for account in self.accounts.values():
            points = replay(account.name, account.events, self.compiled, from_day=0, to_day=last_day)
            account.days = {day_of_date(date.fromisoformat(one.on)): (one.score, one.band) for one in points}

    def explain(self, account: Account, at_ms: int | None = None) -> Explanation:
        """Return the explanation of an account, with what was loaded folded as the history that it is."""
        at_ms = self.now_ms if at_ms is None else at_ms
        state = new_state(account.name)
        known = [event for event in account.events if event.time_ms <= at_ms]
        for event in known:
            fold(state, HEALTH_SOURCES.index(FAMILY_OF_TYPE[event.type]), event, at_ms)
        return explain(state, known, self.compiled, at_ms, Way())


def compiled(definitions: Path, *, has_floor: bool = True) -> Compiled:
    """Return the definitions of a directory, compiled."""
    loaded = load_directory(definitions)
    if not has_floor:
        cards = [msgspec.structs.replace(card, coverage_floor=0.0) for card in loaded.scorecards]
        loaded = msgspec.structs.replace(loaded, scorecards=cards)
    return compile_definitions(make_bundle(loaded, ordinal=1, applied_ms=0))


def _accounts(events: list[SampleEvent]) -> dict[str, Account]:
    mine: dict[str, list[Event]] = defaultdict(list)
    for one in events:
        kind = TYPE_OF_PAYLOAD[type(one.data)]
        if FAMILY_OF_TYPE[kind] in HEALTH_SOURCES:
            made = Event(one.id, "ravenstack", kind, one.account, one.time_ms, one.time_ms, one.data, backfill=True)
            mine[one.account].append(made)
    return {name: _account(name, found) for name, found in sorted(mine.items())}


def _account(name: str, events: list[Event]) -> Account:
    account = Account(name, sorted(events, key=lambda event: (event.time_ms, event.id)))
    for event in account.events:
        if isinstance(event.data, inputs.AccountChurned):
            account.left_day = event.time_ms // MILLIS_PER_DAY
        elif isinstance(event.data, inputs.AccountReactivated):
            account.left_day, account.has_returned = None, True
    return account
