"""Folding: duplicates, caps, erasure, late arrivals, and what it must not depend on."""

import pytest
from truenorth.definitions.model import Milestone
from truenorth.events import inputs, people
from truenorth_health.domain import limits, parts
from truenorth_health.domain.fold import fold
from truenorth_health.domain.parts_engagements import Engagements
from truenorth_health.domain.state import dump, load, new_state

from tests.health.builders import DAY, NOON, Book, compiled, event, source_of, support_card

MILESTONE = {"id": "m", "name": "m", "count": "distinct_features", "need": 2, "within_days": 14}


def book() -> Book:
    return Book(compiled(support_card()))


def test_an_event_on_a_topic_that_is_not_its_own_is_left_alone() -> None:
    one = new_state("acme")
    fold(one, 0, event(inputs.TicketOpened("t1"), NOON, "x"), NOON)
    assert dump(one) == {}


def test_the_future_is_believed_for_five_minutes() -> None:
    one = new_state("acme")
    fold(one, 0, event(inputs.UsageRecorded("board"), NOON + 9 * DAY, "x"), NOON)
    assert one.read(parts.Usage).last_ms == NOON + 5 * 60_000


def test_days_are_kept_for_91_days_and_first_use_for_ever() -> None:
    one = book()
    one.use(NOON - 91 * DAY, features=["first"])
    one.use(NOON - 90 * DAY, features=["second"])
    one.use(NOON, features=["third"])
    assert [row.day for row in one.state.read(parts.UsagePast).days] == [NOON // DAY - 90]
    assert one.state.read(parts.UsageNames).features == ["first", "second", "third"]
    one.use(NOON - 200 * DAY, features=["third"])
    assert one.state.read(parts.UsageNames).first_days[2] == NOON // DAY - 200
    assert one.state.read(parts.Usage).late == 1


def test_caps_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from truenorth_health.domain import fold_tickets, fold_usage

    monkeypatch.setattr(fold_usage, "FEATURES_MAX", 2)
    monkeypatch.setattr(fold_usage, "MODULES_MAX", 2)
    monkeypatch.setattr(fold_tickets, "TICKETS_MAX", 2)
    one = book()
    for number in range(4):
        one.tell(inputs.UsageRecorded(f"f{number}", actor=f"a{number}", module=f"m{number}"), NOON)
        one.tell(inputs.TicketOpened(f"t{number}"), NOON)
    usage = one.state.read(parts.Usage)
    assert (usage.features_over, usage.modules_over, usage.events) == (2, 2, 4)
    tickets = one.state.read(parts.Tickets)
    assert (list(tickets.by_id), tickets.over) == (["t0", "t1"], 2)
    one.tell(inputs.TicketSolved("t0"), NOON)
    one.tell(inputs.TicketOpened("t9"), NOON)
    assert list(one.state.read(parts.Tickets).by_id) == ["t1", "t9"]


def test_solved_tickets_paid_invoices_and_ended_subscriptions_are_forgotten_after_100_days() -> None:
    one = book()
    one.tell(inputs.TicketOpened("t1"), NOON)
    one.tell(inputs.TicketSolved("t1"), NOON)
    one.tell(inputs.TicketOpened("open"), NOON)
    one.tell(inputs.InvoicePaid("i1"), NOON)
    one.tell(inputs.SubscriptionEnded("s1"), NOON)
    one.tell(inputs.PaymentFailed("i1"), NOON)
    one.tell(inputs.TicketOpened("t2"), NOON + 101 * DAY)
    one.tell(inputs.InvoiceIssued("i2"), NOON + 101 * DAY)
    assert list(one.state.read(parts.Tickets).by_id) == ["open", "t2"]
    billing = one.state.read(parts.Billing)
    assert (list(billing.invoices), list(billing.subscriptions), billing.failed_ms) == (["i2"], [], [])
    assert billing.had_subscription


def test_erasing_an_actor_takes_the_person_out_and_keeps_the_counts() -> None:
    one = book()
    one.use(NOON - DAY, actors=["ann", "bob"])
    one.use(NOON, actors=["ann"])
    one.tell(people.ErasureRequested("actor", "ann"), NOON)
    one.use(NOON, actors=["ann"])
    past, usage = one.state.read(parts.UsagePast), one.state.read(parts.Usage)
    assert [int.from_bytes(row.actors, "little").bit_count() for row in [*past.days, usage.today]] == [1, 0]
    assert (past.days[0].count, usage.today.count) == (2, 2)
    one.use(NOON + 2 * DAY, actors=["ann"])
    assert int.from_bytes(one.state.read(parts.Usage).today.actors, "little").bit_count() == 1


def test_erasing_an_account_does_not_depend_on_which_source_is_read_first() -> None:
    events = [
        (event(inputs.AccountUpdated(name="Acme"), NOON, "a"), NOON),
        (event(inputs.UsageRecorded("board"), NOON, "b"), NOON),
        (event(inputs.TicketOpened("t"), NOON - DAY, "c"), NOON + DAY),
    ]
    erasure = (event(people.ErasureRequested("account", "acme"), NOON + 1, "d"), NOON + 1)
    last, first = new_state("acme"), new_state("acme")
    for one, at in [*events, erasure]:
        fold(last, source_of(one), one, at)
    for one, at in [erasure, *events]:
        fold(first, source_of(one), one, at)
    assert last.read(parts.Erasures) == first.read(parts.Erasures)
    assert {name for name in dump(last) if "seen" not in name} == {"erasures"}
    assert {name for name in dump(first) if "seen" not in name} == {"erasures"}


def test_erasing_a_contact_takes_the_answers_of_that_person() -> None:
    one = book()
    one.tell(inputs.SurveyAnswered("nps", 3, respondent="ines"), NOON)
    one.tell(inputs.ChampionLeft("ines"), NOON)
    one.tell(people.ErasureRequested("contact", "ines"), NOON + 1)
    assert one.state.read(parts.Surveys).nps == {}
    assert one.state.read(Engagements).left == {"champion": (NOON, "")}


def test_the_later_word_counts_whatever_came_first() -> None:
    one = book()
    one.tell(people.PulseSet("dana", 4), NOON)
    one.tell(people.PulseSet("dana", 2), NOON - DAY)
    pulse = one.state.read(parts.Actions).pulse
    assert pulse is not None
    assert pulse.value == 4
    for kind in (people.NoteAdded("dana", "hi"), people.NoteAdded("dana", "ho")):
        one.tell(kind, NOON)
    assert one.state.read(parts.Actions).notes == 2


def test_engagements_are_kept_for_the_value_dimension_to_come() -> None:
    one = book()
    one.tell(inputs.ObjectiveSet("o1", 10, "hours"), NOON)
    one.tell(inputs.ValueRecorded(4, "hours"), NOON)
    one.tell(inputs.AdvocacyRecorded("reference"), NOON)
    one.tell(inputs.RenewalIntent("renew"), NOON)
    one.tell(inputs.EngagementHeld("review", answered=False), NOON)
    one.tell(inputs.SurveyAnswered("ces", 6), NOON)
    kept = one.state.read(Engagements)
    assert kept.objectives == {"o1": (NOON, 10.0, "hours")}
    assert (kept.value_events, kept.advocacy, kept.intent) == (1, {"reference": NOON}, (NOON, "renew"))
    assert kept.held == {"review": (NOON, False)}


def test_absurd_numbers_neither_stop_the_fold_nor_the_decision() -> None:
    one = Book(compiled(support_card(), milestones=[Milestone(**MILESTONE)]))  # type: ignore[arg-type]
    one.tell(inputs.AccountUpdated(signed_up_on="9999-12-31", renews_on="2025-02-30", live_on="0001-01-01"), NOON)
    one.tell(inputs.TicketSolved("t", first_response_minutes=10**30), NOON)
    one.tell(people.OverrideSet("dana", "forever", 50.0, 10**30), NOON)
    one.tell(inputs.UsageRecorded("board", count=1_000_000_000), -719_162 * DAY)
    one.tell(inputs.UsageRecorded("board", duration_seconds=10**30, errors=10**30), NOON)
    assert one.decide(NOON).snapshot is not None
    assert load("acme", dump(one.state)) == one.state


def test_sums_fit_their_bytes_however_often_they_are_told() -> None:
    one = book()
    for _ in range(5_000):
        one.tell(inputs.UsageRecorded("board", count=10**9, duration_seconds=2**64, errors=2**64), NOON)
        one.tell(inputs.ValueRecorded(1e300, "hours", "o1"), NOON)
        one.tell(inputs.ValueRecorded(-1e300, "hours", "o2"), NOON)
    assert load("acme", dump(one.state)).read(Engagements).values == {
        "o1": {"hours": limits.AMOUNTS_MAX},
        "o2": {"hours": -limits.AMOUNTS_MAX},
    }


def test_a_state_is_worth_its_bytes() -> None:
    one = book()
    one.use(NOON, features=["a", "b"], actors=["x", "y"])
    one.decide(NOON)
    again = load("acme", dump(one.state))
    assert again == one.state
    assert again != new_state("acme")
    assert again.read(parts.Usage) == one.state.read(parts.Usage)
    assert "usage" in repr(again)
