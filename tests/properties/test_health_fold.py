"""Properties of the fold: what it keeps does not depend on batches, interleaving or a sender's repeats."""

from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth.events import Event, inputs, people
from truenorth_health.domain.fold import fold
from truenorth_health.domain.state import dump, load, new_state
from truenorth_health.domain.verify import KEPT_WHOLE, compare

from tests.health.builders import DAY, NOON, event, source_of

_names = st.sampled_from(["a", "b", "c"])
_payloads = st.one_of(
    st.builds(inputs.UsageRecorded, _names, st.integers(1, 3), st.none() | _names, st.none() | _names),
    st.builds(inputs.TicketOpened, _names, st.sampled_from(["p1", "p3"])),
    st.builds(inputs.TicketSolved, _names, st.none() | st.integers(0, 99)),
    st.builds(inputs.TicketReopened, _names),
    st.builds(inputs.TicketRated, _names, st.sampled_from([1.0, 4.0])),
    st.builds(inputs.SubscriptionStarted, _names, _names, st.integers(0, 9), st.integers(0, 900)),
    st.builds(inputs.SubscriptionChanged, _names, arr=st.none() | st.integers(0, 900)),
    st.builds(inputs.SubscriptionEnded, _names),
    st.builds(inputs.InvoiceIssued, _names, st.integers(0, 900), st.sampled_from([None, "2025-11-10", "2025-02-30"])),
    st.builds(inputs.InvoiceOverdue, _names),
    st.builds(inputs.InvoicePaid, _names),
    st.builds(inputs.PaymentFailed, _names),
    st.builds(
        inputs.SurveyAnswered,
        st.sampled_from(["nps", "csat", "ces"]),
        st.sampled_from([1.0, 5.0]),
        respondent=st.none() | _names,
    ),
    st.builds(inputs.AccountUpdated, st.none() | _names, arr=st.none() | st.integers(0, 900)),
    st.builds(inputs.AccountChurned),
    st.builds(inputs.AccountReactivated),
    st.builds(inputs.EngagementHeld, st.sampled_from(["call", "review"]), st.booleans()),
    st.builds(inputs.ChampionLeft, _names),
    st.builds(people.PulseSet, _names, st.integers(1, 5)),
    st.builds(people.OverrideSet, _names, _names, st.none() | st.sampled_from([10.0, 90.0])),
    st.builds(people.UsageFitSet, _names, st.sampled_from(["yes", "no", "needs_a_look"])),
    st.builds(people.ErasureRequested, st.sampled_from(["actor", "contact"]), _names),
)
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
    queues = {source: [item for item in log if source_of(item[0]) == source] for source in range(8)}
    order = data.draw(st.permutations([source_of(one) for one, _ in log]))
    mixed = [queues[source].pop(0) for source in order]
    assert fold_all(mixed) == fold_all(log)


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
