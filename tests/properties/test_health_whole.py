"""The whole engine under anything that may happen: four related accounts, the example definitions and variants of them.

Every family of events with odd numbers, late and repeated; definitions and silences that change, accounts that leave,
come back, are erased and are each other's parents; decisions at any time. Nothing raises, and what is told holds.
"""

import math
import random
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth import codec
from truenorth.definitions import model
from truenorth.definitions.bundle import make_bundle
from truenorth.definitions.parse import load_directory
from truenorth.events import inputs, people
from truenorth.events.health import ChildScored, HealthUpdated
from truenorth.topics import HEALTH_SOURCES
from truenorth_health.adapters.processor import render
from truenorth_health.domain.decide import Compiled, Decided, compile_definitions, decide
from truenorth_health.domain.fold import fold
from truenorth_health.domain.path import Path
from truenorth_health.domain.signals import SIGNALS
from truenorth_health.domain.state import AccountState, dump, load, new_state

from tests.e2e.platform import REPOSITORY
from tests.health.builders import DAY, NOON, event, source_of
from tests.properties.recount import ROLES

_ACCOUNTS: Final = ("a", "b", "c", "d")
_STEPS: Final = 60
_EXAMPLE: Final = load_directory(REPOSITORY / "config")
_ROLL_UPS: Final = HEALTH_SOURCES.index("roll-ups")
_WAITS_MS: Final = (0, 10, 600, 1_500, 3_600_000, DAY // 3, DAY, 2 * DAY, 14 * DAY, 200 * DAY)
_AGES_MS: Final = (0, 0, 0, 1_000, DAY, 30 * DAY, 120 * DAY, -DAY)
_DATES: Final = ("2025-11-10", "2025-09-01", "2026-02-30", "0001-01-01", "9999-12-31", "2025-10-30")
_MONEY: Final = (0, 1, 50_000, 2_500_000, 10**15)


class Chance:
    """Random payloads of every family, with the oddest numbers that the contract lets in."""

    def __init__(self, seed: int) -> None:
        self.any = random.Random(seed)
        self.one = self.any.choice

    def maybe(self, *values: Any) -> Any:
        return self.one(values) if self.any.random() < 0.5 else None

    def name(self) -> str:
        return self.one("wxyz")

    def payload(self, account: str) -> Any:
        return self.one((self._usage, self._usage, self._ticket, self._bill, self._fact, self._contact, self._said))(
            account
        )

    def _usage(self, _account: str) -> Any:
        return inputs.UsageRecorded(
            f"feature-{self.any.randrange(30)}",
            self.one((1, 2, 10**9)),
            self.maybe(*(f"actor-{number}" for number in range(40))),
            self.maybe("board", "api"),
            self.maybe(0, 60, 2**70),
            self.maybe(0, 3, 2**70),
        )

    def _ticket(self, _account: str) -> Any:
        key, moment = self.name(), self.maybe(0, 5, 10**30)
        return self.one(
            (
                inputs.TicketOpened(key, self.one(("p1", "p2", "p3", "p4")), self.one((True, False))),
                inputs.TicketUpdated(key, self.maybe("p1", "p4"), self.maybe(True, False), moment),
                inputs.TicketSolved(key, moment),
                inputs.TicketReopened(key),
                inputs.TicketRated(key, self.one((1.0, 3.3, 5.0))),
            )
        )

    def _bill(self, _account: str) -> Any:
        key, money, day = self.name(), self.one(_MONEY), self.maybe(*_DATES)
        return self.one(
            (
                inputs.SubscriptionStarted(
                    key, self.name(), self.one((0, 5, 10**7)), money, self.one((True, False)), day
                ),
                inputs.SubscriptionChanged(key, self.maybe("pro"), self.maybe(0, 7), self.maybe(*_MONEY)),
                inputs.SubscriptionEnded(key),
                inputs.InvoiceIssued(key, money, day),
                inputs.InvoiceOverdue(key, money, day),
                inputs.InvoicePaid(key),
                inputs.PaymentFailed(key, money),
                inputs.PaymentDisputed(self.name(), money, key, self.one(("opened", "won", "lost"))),
            )
        )

    def _fact(self, account: str) -> Any:
        if self.any.random() < 0.05:
            return people.ErasureRequested("account", account)
        if self.any.random() < 0.3:
            return self.one((inputs.AccountChurned(self.maybe("price")), inputs.AccountReactivated()))
        return inputs.AccountUpdated(
            name=self.maybe("A", "B"),
            owner_id=self.maybe("dana"),
            tier=self.maybe("enterprise", "standard"),
            plan=self.maybe("pro", "unheard of"),
            arr=self.maybe(*_MONEY),
            potential_arr=self.maybe(*_MONEY),
            seats=self.maybe(0, 5, 10**7),
            modules=self.maybe([], ["board", "board", "api"]),
            features=self.maybe([], ["feature-1", "feature-2"]),
            signed_up_on=self.maybe(*_DATES),
            contract_starts_on=self.maybe(*_DATES),
            renews_on=self.maybe(*_DATES),
            parent_id=self.maybe(*_ACCOUNTS, "elsewhere", "no\x00id"),
            trial=self.maybe(True, False),
        )

    def _contact(self, _account: str) -> Any:
        who: str | None = self.maybe(*"wxyz")
        role: Any = self.one(ROLES)
        return self.one(
            (
                inputs.EngagementHeld(self.one(("review", "call", "email")), self.one((True, False)), role, who),
                inputs.ObjectiveSet(self.name(), self.maybe(0.0, -5.0, 1e308, 100.0), "hours"),
                inputs.ValueRecorded(self.one((-1e308, 0.0, 5.5, 1e308)), "hours", self.maybe(*"wxyz")),
                inputs.AdvocacyRecorded(self.name()),
                inputs.RenewalIntent(self.one(("renew", "expand", "reduce", "leave", "undecided"))),
                inputs.ChampionLeft(self.name(), role),
                inputs.SurveyAnswered(self.one(("nps", "csat", "ces")), self.one((0.0, 1.0, 7.0, 10.0)), role, who),
            )
        )

    def _said(self, _account: str) -> Any:
        expires_ms = self.maybe(-5, 0, NOON, NOON + 5 * DAY, 2**80)
        return self.one(
            (
                people.PulseSet("dana", self.any.randint(1, 5)),
                people.OverrideSet("dana", "why", self.maybe(0.0, 50.5, 100.0), expires_ms),
                people.UsageFitSet("dana", self.one(("yes", "no", "needs_a_look"))),
                people.EssentialSet("dana", self.any.randint(1, 5)),
                people.NoteAdded("dana", "text"),
                people.ErasureRequested(self.one(("actor", "contact")), self.name()),
            )
        )

    def definitions(self) -> model.Definitions:
        """The example's, with other roll-ups, holds, floors, dimensions, exceptions and milestones."""
        cards = [self._card(card) for card in _EXAMPLE.scorecards]
        milestones = [msgspec.structs.replace(one, need=one.need + self.one((0, 1))) for one in _EXAMPLE.milestones]
        ladder = self.one((_EXAMPLE.ladder, []))
        return msgspec.structs.replace(_EXAMPLE, scorecards=cards, milestones=milestones, ladder=ladder)

    def _card(self, card: model.Scorecard) -> model.Scorecard:
        dimensions = [
            msgspec.structs.replace(one, combine=self.one(("mean", "worst")))
            for one in self.any.sample(card.dimensions, self.any.randint(1, len(card.dimensions)))
        ]
        effect = {self.one(("cap", "floor", "set")): self.one((0.0, 33.3, 100.0))}
        return msgspec.structs.replace(
            card,
            dimensions=dimensions,
            bands=msgspec.structs.replace(card.bands, hold_for=self.one(("0s", "6h", "3d"))),
            coverage_floor=self.one((0.0, 0.3, 0.9)),
            exceptions=[model.ScoreException(when=self.one(SIGNALS), above=self.one((0.0, 5.0)), why="x", **effect)],
            roll_up=model.RollUp(
                how=self.one(("own", "mean", "arr_weighted", "worst", "share_poor")),
                include_parent=self.one((True, False)),
            ),
        )


class World:
    """The accounts, each held twice: one lives on, the other goes through its bytes before every decision."""

    def __init__(self, seed: int) -> None:
        self.chance = Chance(seed)
        self.now_ms = NOON
        self.states = {account: new_state(account) for account in _ACCOUNTS}
        self.others = {account: new_state(account) for account in _ACCOUNTS}
        self.told = dict.fromkeys(_ACCOUNTS, (0, 0))
        self.inbox: list[tuple[str, Any, int]] = []
        self.bundles = [_EXAMPLE, *(self.chance.definitions() for _ in range(2))]
        self.ordinal = 0
        self.silent: dict[str, int] = {}
        self.compiled = self._apply(_EXAMPLE)

    def _apply(self, definitions: model.Definitions) -> Compiled:
        self.ordinal += 1
        return compile_definitions(make_bundle(definitions, ordinal=self.ordinal, applied_ms=0))

    def step(self, number: int) -> None:
        chance = self.chance
        self.now_ms += chance.one(_WAITS_MS[: 4 + number % 7])
        if chance.any.random() < 0.1:
            self.compiled = self._apply(chance.one(self.bundles))
        if chance.any.random() < 0.1:
            self.silent = {
                name: self.now_ms - chance.one((0, 5 * DAY)) for name in ("usage", "surveys") if chance.maybe(True)
            }
        letters, self.inbox = self.inbox, []
        for _ in range(chance.any.randrange(8)):
            account = chance.one(_ACCOUNTS)
            letters.append((account, chance.payload(account), self.now_ms - chance.one(_AGES_MS)))
        for place, (account, payload, time_ms) in enumerate(letters):
            one = event(payload, time_ms, f"e{number}-{place}", account=account, backfill=chance.any.random() < 0.05)
            source = _ROLL_UPS if isinstance(payload, ChildScored) else source_of(one)
            for state in (self.states[account], self.others[account]):
                fold(state, source, one, self.now_ms)
        for account in _ACCOUNTS:
            if chance.maybe(True):
                self.decide(account, self.now_ms - chance.one((0, 0, 5_000)))

    def decide(self, account: str, now_ms: int) -> None:
        state, other = self.states[account], through_bytes(self.others[account])
        self.others[account] = other
        asked = Asked(self.compiled, now_ms, self.silent)
        decided = asked(state)
        assert asked(other) == decided
        assert dump(other) == dump(state)
        self._check(account, decided, now_ms)
        again = asked(state)
        assert again == Decided(next_due_ms=again.next_due_ms)
        self.inbox += [(parent, told, now_ms) for parent, told in decided.to_parents if parent in self.states]

    def _check(self, account: str, decided: Decided, now_ms: int) -> None:
        render(account, decided, now_ms)
        revision, number = self.told[account]
        numbers = sorted([one.number for one in decided.changes] + [one.number for one in decided.milestones])
        assert numbers == list(range(number + 1, number + 1 + len(numbers)))
        assert decided.next_due_ms is None or now_ms < decided.next_due_ms < 2**63
        if decided.snapshot is not None:
            assert decided.snapshot.revision == revision + 1
            check_snapshot(decided.snapshot)
        path = self.states[account].read(Path)
        self.told[account] = (path.revision, path.number)
        assert self.told[account] == (revision + (decided.snapshot is not None), number + len(numbers)) or not dump(
            self.states[account]
        )


class Asked:
    """One decision, to be asked for several times."""

    def __init__(self, compiled: Compiled, now_ms: int, silent: dict[str, int]) -> None:
        self._compiled, self._now_ms, self._silent = compiled, now_ms, silent

    def __call__(self, state: AccountState) -> Decided:
        return decide(state, self._compiled, offsets={"usage": 1}, now_ms=self._now_ms, silent=self._silent)


def through_bytes(state: AccountState) -> AccountState:
    """The same account out of its bytes; what is in memory only comes along, as in one turn."""
    back = load(state.account, {name: bytes(part) for name, part in dump(state).items()})
    back.owed, back.causes = state.owed, state.causes
    return back


def check_snapshot(snapshot: HealthUpdated) -> None:
    raw = codec.encode(snapshot, event_id="e", source="test", account=snapshot.account, time_ms=NOON)
    assert codec.parse_as(raw, HealthUpdated) == snapshot
    assert -1e-9 <= snapshot.coverage <= 1 + 1e-9
    assert all(value is None or math.isfinite(value) for value in snapshot.signals.values())
    if snapshot.computed_score is None or snapshot.churned:
        return
    assert 0 <= snapshot.computed_score <= 100
    parts = [measure.contribution for one in snapshot.dimensions for measure in one.measures]
    children = [] if snapshot.rolled_up is None else [child.contribution for child in snapshot.rolled_up.children]
    assert sum([*parts, *children]) == pytest.approx(snapshot.computed_score, abs=1e-9)


@given(st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_whatever_happens_nothing_raises_and_what_is_told_holds(seed: int) -> None:
    world = World(seed)
    for number in range(_STEPS):
        world.step(number)
