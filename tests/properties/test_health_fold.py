"""Properties of the fold: what it keeps does not depend on batches, interleaving or a sender's repeats."""

import math
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth.events import Event, inputs, people
from truenorth.topics import HEALTH_SOURCES
from truenorth_health.domain.facts import merge
from truenorth_health.domain.fold import fold
from truenorth_health.domain.moment import Entitled
from truenorth_health.domain.signals import SIGNALS, Signals
from truenorth_health.domain.state import dump, load, new_state
from truenorth_health.domain.verify import KEPT_WHOLE, compare

from tests.health.builders import DAY, NOON, event, source_of
from tests.properties.recount import ROLES

_names = st.sampled_from(["a", "b", "c"])
_roles = st.none() | st.sampled_from(ROLES)
_amounts = st.sampled_from([-1e300, -2.0, 0.0, 0.0004, 3.5, 1e300])
_usage = st.builds(inputs.UsageRecorded, _names, st.integers(1, 3), st.none() | _names, st.none() | _names)
_latest_wins = st.one_of(
    st.builds(inputs.TicketOpened, _names, st.sampled_from(["p1", "p3"]), st.booleans()),
    st.builds(
        inputs.TicketUpdated, _names, st.none() | st.just("p2"), st.none() | st.booleans(), st.none() | st.just(7)
    ),
    st.builds(inputs.TicketSolved, _names, st.none() | st.integers(0, 99)),
    st.builds(inputs.TicketReopened, _names),
    st.builds(inputs.TicketRated, _names, st.sampled_from([1.0, 4.0])),
    st.builds(inputs.SubscriptionStarted, _names, _names, st.integers(0, 9), st.integers(0, 900)),
    st.builds(
        inputs.SubscriptionChanged, _names, seats=st.none() | st.integers(0, 9), arr=st.none() | st.integers(0, 9)
    ),
    st.builds(inputs.SubscriptionEnded, _names),
    st.builds(inputs.InvoiceIssued, _names, st.integers(0, 900), st.sampled_from([None, "2025-11-10", "2025-02-30"])),
    st.builds(inputs.InvoiceOverdue, _names, st.integers(0, 900)),
    st.builds(inputs.InvoicePaid, _names),
    st.builds(
        inputs.SurveyAnswered,
        st.sampled_from(["nps", "csat", "ces"]),
        st.sampled_from([1.0, 4.1, 5.0]),
        _roles,
        st.none() | _names,
    ),
    st.builds(
        inputs.AccountUpdated, st.none() | _names, arr=st.none() | st.integers(0, 900), seats=st.none() | st.just(3)
    ),
    st.builds(inputs.AccountChurned),
    st.builds(inputs.AccountReactivated),
    st.builds(inputs.EngagementHeld, st.sampled_from(["call", "review"]), st.booleans(), _roles, st.none() | _names),
    st.builds(inputs.ObjectiveSet, _names, st.none() | _amounts, st.none() | _names),
    st.builds(inputs.RenewalIntent, st.sampled_from(["renew", "leave"])),
    st.builds(inputs.ChampionLeft, _names, st.sampled_from(ROLES)),
    st.builds(people.PulseSet, _names, st.integers(1, 5)),
    st.builds(people.OverrideSet, _names, _names, st.none() | st.sampled_from([10.0, 90.0])),
    st.builds(people.UsageFitSet, _names, st.sampled_from(["yes", "no", "needs_a_look"])),
    st.builds(people.EssentialSet, _names, st.integers(1, 5)),
)
"""Of these the latest by event time counts, and a repeat of one at its own time changes nothing that is not a list."""
_counted = st.one_of(
    st.builds(inputs.PaymentFailed, _names),
    st.builds(inputs.PaymentDisputed, _names, outcome=st.sampled_from(["opened", "won", "lost"])),
    st.builds(inputs.ValueRecorded, _amounts, _names, st.none() | _names, st.sampled_from(["customer", "csm"])),
    st.builds(inputs.AdvocacyRecorded, _names),
    st.builds(people.NoteAdded, _names, _names),
)
_erasures = st.builds(people.ErasureRequested, st.sampled_from(["actor", "contact"]), _names)
_payloads = st.one_of(_usage, _latest_wins, _counted, _erasures)
_moments = st.integers(-120 * DAY, 0).map(lambda shift: NOON + shift)
Recorded = tuple[Event, int]


@st.composite
def logs(draw: st.DrawFn) -> list[Recorded]:
    """A log: events that were recorded one after another, some of them long after they happened."""
    out: list[Recorded] = []
    record_ms = NOON - 100 * DAY
    for number, (payload, late) in enumerate(draw(st.lists(st.tuples(_payloads, st.booleans()), max_size=60))):
        record_ms += draw(st.integers(0, 2 * DAY))
        time_ms = min(draw(_moments), record_ms) if late else record_ms
        out.append((event(payload, time_ms, f"e{number}"), record_ms))
    return out


def fold_all(log: list[Recorded], *, cuts: frozenset[int] = frozenset()) -> dict[str, bytes]:
    state = new_state("acme")
    for index, (one, record_ms) in enumerate(log):
        if index in cuts:
            state = load("acme", dump(state))
        fold(state, source_of(one), one, record_ms)
    return dump(state)


@given(logs(), st.frozensets(st.integers(0, 60)))
@settings(max_examples=40, deadline=None)
def test_where_batches_end_does_not_matter(log: list[Recorded], cuts: frozenset[int]) -> None:
    assert fold_all(log, cuts=cuts) == fold_all(log)


@given(logs(), st.data())
@settings(max_examples=40, deadline=None)
def test_how_sources_interleave_does_not_matter(log: list[Recorded], data: st.DataObject) -> None:
    log = [(one, at) for one, at in log if not isinstance(one.data, people.ErasureRequested)]
    queues = {source: [item for item in log if source_of(item[0]) == source] for source in range(len(HEALTH_SOURCES))}
    order = data.draw(st.permutations([source_of(one) for one, _ in log]))
    mixed = [queues[source].pop(0) for source in order]
    assert fold_all(mixed) == fold_all(log)


@st.composite
def histories(draw: st.DrawFn, payloads: st.SearchStrategy[Any]) -> list[Recorded]:
    """Events of the last 99 days that were all recorded today, no two of one time."""
    moments = draw(st.lists(st.integers(0, 99 * 24 * 60), max_size=30, unique=True))
    return [
        (event(draw(payloads), NOON - minutes * 60_000, f"e{number}"), NOON) for number, minutes in enumerate(moments)
    ]


def signals_of(stored: dict[str, bytes], at_ms: int) -> dict[str, float | None]:
    state = load("acme", stored)
    facts = merge(state, at_ms)
    found = Signals(state, facts, Entitled())
    return {name: found.get(name) for name in SIGNALS}


@given(histories(st.one_of(_latest_wins, _counted)), st.data())
@settings(max_examples=60, deadline=None)
def test_the_order_within_a_source_does_not_matter_where_times_tell(log: list[Recorded], data: st.DataObject) -> None:
    mixed = data.draw(st.permutations(log))
    for at_ms in (NOON, NOON + 30 * DAY):
        assert signals_of(fold_all(mixed), at_ms) == signals_of(fold_all(log), at_ms)


@given(histories(_latest_wins), st.data())
@settings(max_examples=40, deadline=None)
def test_a_word_told_twice_is_said_once(log: list[Recorded], data: st.DataObject) -> None:
    """Duplicates never come here; what keeps the latest word would not mind them."""
    log = [(one, at) for one, at in log if not isinstance(one.data, inputs.SurveyAnswered | inputs.EngagementHeld)]
    again = data.draw(st.lists(st.sampled_from(log), max_size=10)) if log else []
    assert signals_of(fold_all([*log, *again]), NOON) == signals_of(fold_all(log), NOON)


@given(logs(), st.integers(-120 * DAY, 400 * DAY))
@settings(max_examples=60, deadline=None)
def test_a_signal_is_a_number_or_not_known(log: list[Recorded], shift: int) -> None:
    for name, value in signals_of(fold_all(log), NOON + shift).items():
        assert value is None or math.isfinite(value), name


@given(logs(), st.data())
@settings(max_examples=40, deadline=None)
def test_erasures_read_first_or_last_leave_the_same(log: list[Recorded], data: st.DataObject) -> None:
    """A rebuild reads erasures first; live they come in the midst of everything."""
    kinds: list[Literal["actor", "contact"]] = ["actor", "contact"]
    kind = data.draw(st.sampled_from(kinds))
    log = [(one, at) for one, at in log if not isinstance(one.data, people.ErasureRequested)]
    last_ms = log[-1][1] if log else NOON
    erasure = (event(people.ErasureRequested(kind, "a"), last_ms, "erasure"), last_ms)
    states = []
    for order in ([*log, erasure], [erasure, *log]):
        state = new_state("acme")
        for one, record_ms in order:
            fold(state, source_of(one), one, record_ms)
        states.append(state)
    assert compare(states[0], states[1], KEPT_WHOLE).differences == []


@given(logs())
@settings(max_examples=40, deadline=None)
def test_a_state_comes_back_from_its_bytes(log: list[Recorded]) -> None:
    stored = fold_all(log)
    state = load("acme", stored)
    assert dump(state) == stored
    assert state == load("acme", dump(state))
    again = new_state("acme")
    for one, record_ms in log:
        fold(again, source_of(one), one, record_ms)
    assert compare(state, again, KEPT_WHOLE).differences == []


@given(st.lists(st.integers(0, 400), min_size=1, max_size=200))
@settings(max_examples=50, deadline=None)
def test_late_days_end_up_in_the_same_buckets(days: list[int]) -> None:
    def buckets(order: list[int]) -> list[tuple[int, int]]:
        from truenorth_health.domain.parts import Usage, UsagePast

        state = new_state("acme")
        for number, day in enumerate(order):
            one = event(inputs.UsageRecorded("board", actor="ann"), NOON - day * DAY, f"e{number}")
            fold(state, 0, one, NOON)
        rows = [*state.read(UsagePast).days, state.read(Usage).today]
        return [(row.day, row.count) for row in rows if row.day > NOON // DAY - min(days) - 91]

    assert buckets(days) == buckets(sorted(days)) == buckets(sorted(days, reverse=True))
