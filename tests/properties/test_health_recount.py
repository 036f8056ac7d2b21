"""Every signal besides usage against a naive recount of the raw events, whatever order and batches they came in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth.events import FAMILY_OF_TYPE, inputs, people
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth_health.domain.facts import merge
from truenorth_health.domain.fold import fold
from truenorth_health.domain.signals import Signals
from truenorth_health.domain.state import AccountState, dump, load, new_state

from tests.health.builders import DAY, NOON, compiled, event, source_of, support_card
from tests.properties import recount

DEFINITIONS = compiled(support_card())
MINUTE = 60_000
_ids = st.sampled_from(["a", "b", "c"])
_maybe_minutes = st.none() | st.integers(0, 9_999)
_maybe_role = st.none() | st.sampled_from(recount.ROLES)
_due = st.none() | st.sampled_from(sorted(recount.DAYS))
_scores = st.sampled_from([1.0, 2.3, 4.1, 4.7, 5.0])
_later = st.sampled_from([0, 1, 13, 45, 89, 170, 400]).map(lambda days: NOON + days * DAY)

SURVEYS = st.builds(
    inputs.SurveyAnswered, st.sampled_from(["nps", "csat", "ces"]), _scores, _maybe_role, st.none() | _ids
)
TICKETS = st.one_of(
    st.builds(inputs.TicketOpened, _ids, st.sampled_from(["p1", "p2", "p3"]), st.booleans()),
    st.builds(
        inputs.TicketUpdated, _ids, st.none() | st.sampled_from(["p1", "p2"]), st.none() | st.booleans(), _maybe_minutes
    ),
    st.builds(inputs.TicketSolved, _ids, _maybe_minutes),
    st.builds(inputs.TicketReopened, _ids),
    st.builds(inputs.TicketRated, _ids, _scores),
    SURVEYS,
)
INVOICES = st.one_of(
    st.builds(inputs.InvoiceIssued, _ids, st.integers(0, 900), _due),
    st.builds(inputs.InvoiceOverdue, _ids, st.integers(0, 900), _due),
    st.builds(inputs.InvoicePaid, _ids),
    st.builds(inputs.PaymentFailed, _ids, st.integers(0, 900)),
    st.builds(
        inputs.PaymentDisputed,
        _ids,
        st.integers(0, 900),
        st.none() | _ids,
        st.sampled_from(["opened", "won", "lost"]),
    ),
)
SUBSCRIPTIONS = st.one_of(
    st.builds(inputs.SubscriptionStarted, _ids, seats=st.integers(0, 9), arr=st.integers(0, 900)),
    st.builds(
        inputs.SubscriptionChanged, _ids, seats=st.none() | st.integers(0, 9), arr=st.none() | st.integers(0, 900)
    ),
    st.builds(inputs.SubscriptionEnded, _ids),
)
SAID = st.one_of(
    SURVEYS,
    st.builds(people.PulseSet, _ids, st.integers(1, 5)),
    st.builds(people.UsageFitSet, _ids, st.sampled_from(["yes", "no", "needs_a_look"])),
    st.builds(people.EssentialSet, _ids, st.integers(1, 5)),
)
HELD = st.builds(
    inputs.EngagementHeld,
    st.sampled_from(["review", "board", "call", "email"]),
    st.booleans(),
    _maybe_role,
    st.none() | _ids,
)
VALUES = st.one_of(
    st.builds(
        inputs.ObjectiveSet,
        _ids,
        st.none() | st.sampled_from([0.0, 5.0, 20.0]),
        st.none() | st.sampled_from(["h", "k"]),
    ),
    st.builds(
        inputs.ValueRecorded,
        st.integers(-2, 12).map(float),
        st.sampled_from(["h", "k"]),
        st.none() | _ids,
        st.sampled_from(["customer", "csm", "system"]),
    ),
    st.builds(inputs.AdvocacyRecorded, _ids),
    st.builds(inputs.RenewalIntent, st.sampled_from(["renew", "expand", "reduce", "leave", "undecided"])),
    HELD,
)
CONTACTS = st.one_of(HELD, SURVEYS, st.builds(inputs.ChampionLeft, _ids, st.sampled_from(recount.ROLES)))


def histories(payloads: st.SearchStrategy[Any], *, days: int = 99) -> st.SearchStrategy[recount.Told]:
    """Up to 16 events of ``days`` days, in any order of arrival; no two at the same time."""
    moments = st.integers(0, days * 1_440).map(lambda minutes: NOON - minutes * MINUTE)
    return st.lists(st.tuples(moments, payloads), max_size=16, unique_by=lambda pair: pair[0])


def folded(told: recount.Told, *, seats: int | None = None, cut: int = 0) -> AccountState:
    """The state after all of it arrived today; its bytes are read again after ``cut`` events."""
    state = new_state("acme")
    if seats is not None:
        fact = event(inputs.AccountUpdated(seats=seats), NOON, "facts")
        fold(state, source_of(fact), fact, NOON)
    for number, (at_ms, payload) in enumerate(told):
        if number == cut:
            state = load("acme", dump(state))
        one = event(payload, at_ms, f"e{number}")
        fold(state, source_of(one), one, NOON)
    return state


def check(state: AccountState, at_ms: int, expected: recount.Found) -> None:
    facts = merge(state, at_ms)
    found = Signals(state, facts, DEFINITIONS.entitled(facts))
    for name, value in expected.items():
        close = value if value is None else pytest.approx(value, abs=1e-9)
        assert found.get(name) == close, name


@given(histories(TICKETS), st.none() | st.integers(0, 40), st.integers(0, 16), _later)
def test_support(told: recount.Told, seats: int | None, cut: int, at_ms: int) -> None:
    check(folded(told, seats=seats, cut=cut), at_ms, recount.support(sorted(told, key=_time), at_ms, seats))


@given(histories(INVOICES), st.integers(0, 16), _later)
def test_invoices_and_payments(told: recount.Told, cut: int, at_ms: int) -> None:
    check(folded(told, cut=cut), at_ms, recount.billing(sorted(told, key=_time), at_ms))


@given(histories(SUBSCRIPTIONS), st.integers(0, 16), _later)
def test_contract(told: recount.Told, cut: int, at_ms: int) -> None:
    check(folded(told, cut=cut), at_ms, recount.contract(sorted(told, key=_time), at_ms))


@given(histories(SAID), st.integers(0, 16), _later)
def test_sentiment(told: recount.Told, cut: int, at_ms: int) -> None:
    check(folded(told, cut=cut), at_ms, recount.sentiment(sorted(told, key=_time), at_ms))


@given(histories(VALUES), st.integers(0, 16), _later)
def test_value(told: recount.Told, cut: int, at_ms: int) -> None:
    check(folded(told, cut=cut), at_ms, recount.value(sorted(told, key=_time), at_ms))


@given(histories(CONTACTS), st.integers(0, 16), _later)
def test_relationship(told: recount.Told, cut: int, at_ms: int) -> None:
    check(folded(told, cut=cut), at_ms, recount.relationship(sorted(told, key=_time), at_ms))


ALL = st.one_of(TICKETS, INVOICES, SUBSCRIPTIONS, SAID, VALUES, CONTACTS)


@given(st.lists(histories(ALL), min_size=3, max_size=3), st.integers(0, 40), _later)
def test_all_sources_at_once(some: list[recount.Told], cut: int, at_ms: int) -> None:
    """Sources interleave as they like: each family finds what it finds alone."""
    moments = {at: one for told in some for at, one in told}
    told = list(moments.items())
    state = folded(told, cut=cut)
    told.sort(key=_time)
    by_source: dict[str, recount.Told] = {}
    for at, one in told:
        by_source.setdefault(FAMILY_OF_TYPE[TYPE_OF_PAYLOAD[type(one)]], []).append((at, one))
    surveys, engagements = by_source.get("surveys", []), by_source.get("engagements", [])
    check(state, at_ms, recount.support(told, at_ms, merge(state, at_ms).seats))
    check(state, at_ms, recount.billing(told, at_ms))
    check(state, at_ms, recount.contract([(at, one) for at, one in told if hasattr(one, "subscription_id")], at_ms))
    check(state, at_ms, recount.sentiment(told, at_ms))
    check(state, at_ms, recount.value(engagements, at_ms))
    check(state, at_ms, recount.relationship(sorted([*surveys, *engagements], key=_time), at_ms))


def _time(pair: tuple[int, Any]) -> int:
    return pair[0]
