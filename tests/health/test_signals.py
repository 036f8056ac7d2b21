"""Signals: what is measured, what is a fact by its absence, and what is simply not known."""

import pytest
from truenorth.events import inputs, people
from truenorth_health.domain.display import display, told
from truenorth_health.domain.facts import merge
from truenorth_health.domain.signals import INDEX, Signals

from tests.health.builders import DAY, HOUR, NOON, Book, compiled, support_card

FACTS = inputs.AccountUpdated(name="Acme", seats=10, modules=["projects", "reports", "imports", "api"])


def book() -> Book:
    return Book(compiled(support_card()), facts=FACTS)


def signal(one: Book, name: str, at_ms: int = NOON) -> float | None:
    facts = merge(one.state, at_ms)
    return Signals(one.state, facts, one.definitions.entitled(facts)).get(name)


def test_absence_of_trouble_is_a_fact_but_absence_of_measurement_is_not_known() -> None:
    one = book()
    zero = {
        *("open_tickets", "open_p1_tickets", "open_p2_tickets", "open_escalated_tickets", "open_tickets_per_100_seats"),
        *("open_p1_days", "oldest_ticket_days", "tickets_opened_7d", "tickets_opened_28d", "tickets_opened_90d"),
        *("tickets_per_100_seats_90d", "tickets_reopened_28d", "contacts_left_90d"),
        *("invoices_overdue", "overdue_amount", "days_overdue", "failed_payments_28d"),
    }
    for name in INDEX:
        expected = 10.0 if name == "seats" else 0.0 if name in zero else None
        assert signal(one, name) == expected, name


def test_people_are_distinct_within_their_window() -> None:
    one = book()
    one.use(NOON - 40 * DAY, actors=["gone"])
    one.use(NOON - 27 * DAY, actors=["ann", "bob"])
    one.use(NOON - 6 * DAY, actors=["bob", "cat"])
    one.use(NOON, actors=["cat"])
    assert signal(one, "active_actors_28d") == 3
    assert signal(one, "active_actors_7d") == 2
    assert signal(one, "active_per_seat_28d") == pytest.approx(0.3)


def test_usage_without_actors_says_nothing_about_people() -> None:
    one = book()
    one.tell(inputs.UsageRecorded("board"), NOON)
    assert signal(one, "active_actors_28d") is None
    assert signal(one, "distinct_features_28d") == 1


def test_a_window_slides_without_any_event() -> None:
    one = book()
    one.use(NOON - 20 * DAY, actors=["ann"])
    assert signal(one, "active_actors_28d", NOON + 7 * DAY) == 1
    assert signal(one, "active_actors_28d", NOON + 8 * DAY) == 0
    assert signal(one, "days_since_activity", NOON + 8 * DAY) == 28


def test_the_trend_compares_28_days_with_the_28_before() -> None:
    one = book()
    one.tell(inputs.UsageRecorded("board", count=100), NOON - 30 * DAY)
    assert signal(one, "usage_trend_28d", NOON - 3 * DAY) is None
    one.tell(inputs.UsageRecorded("board", count=62), NOON)
    assert signal(one, "usage_trend_28d") == pytest.approx(-38)


def test_late_usage_lands_on_its_own_day() -> None:
    one = book()
    one.use(NOON, actors=["ann"])
    one.use(NOON - 10 * DAY, actors=["bob"], features=["export"])
    one.use(NOON - 3 * DAY, actors=["cat"])
    assert signal(one, "active_actors_7d") == 2
    assert signal(one, "active_actors_28d") == 3
    assert signal(one, "distinct_features_28d") == 2


def test_breadth_is_the_share_of_entitled_modules_in_use() -> None:
    one = book()
    for module in ("projects", "reports", "not-bought"):
        one.tell(inputs.UsageRecorded("f", module=module), NOON)
    assert signal(one, "breadth") == pytest.approx(0.5)


def test_support_signals() -> None:
    one = book()
    one.tell(inputs.TicketOpened("t1", "p1"), NOON - 9 * DAY)
    one.tell(inputs.TicketOpened("t2"), NOON - 2 * DAY)
    one.tell(inputs.TicketUpdated("t2", first_response_minutes=90), NOON - 2 * DAY + HOUR)
    assert signal(one, "open_tickets") == 2
    assert signal(one, "open_p1_days") == 9
    assert signal(one, "first_response_hours_28d") == 1.5
    one.tell(inputs.TicketSolved("t1"), NOON - HOUR)
    assert signal(one, "open_tickets") == 1
    assert signal(one, "open_p1_days") == 0
    one.tell(inputs.TicketReopened("t1"), NOON)
    assert 0 < (signal(one, "open_p1_days") or 0) < 1


def test_a_ticket_told_out_of_order_ends_up_the_same() -> None:
    one = book()
    one.tell(inputs.TicketSolved("t1"), NOON)
    one.tell(inputs.TicketOpened("t1", "p1"), NOON - 5 * DAY)
    assert signal(one, "open_tickets") == 0


def test_satisfaction_takes_ratings_and_answers_of_90_days() -> None:
    one = book()
    one.tell(inputs.TicketOpened("t1"), NOON - 3 * DAY)
    one.tell(inputs.TicketRated("t1", 2.0), NOON - 2 * DAY)
    one.tell(inputs.SurveyAnswered("csat", 5.0), NOON - DAY)
    assert signal(one, "csat_90d") == 3.5
    assert signal(one, "csat_90d", NOON + 88 * DAY) == 5.0
    assert signal(one, "csat_90d", NOON + 89 * DAY) is None


def test_invoices_become_overdue_by_their_date_alone() -> None:
    one = book()
    one.tell(inputs.InvoiceIssued("i1", 15_000, "2025-11-10"), NOON - 10 * DAY)
    assert signal(one, "invoices_overdue") == 0
    assert signal(one, "days_overdue", NOON + 2 * DAY) == 0
    assert signal(one, "invoices_overdue", NOON + 3 * DAY) == 1
    assert signal(one, "days_overdue", NOON + 14 * DAY) == 12
    one.tell(inputs.InvoicePaid("i1"), NOON + 14 * DAY)
    assert signal(one, "invoices_overdue", NOON + 14 * DAY) == 0


def test_failed_payments_count_for_28_days() -> None:
    one = book()
    one.tell(inputs.PaymentFailed("i1"), NOON - 27 * DAY)
    one.tell(inputs.PaymentFailed("i1"), NOON)
    assert signal(one, "failed_payments_28d") == 2
    assert signal(one, "failed_payments_28d", NOON + DAY) == 1


def test_arr_and_seats_come_from_active_subscriptions_once_there_are_any() -> None:
    one = book()
    one.tell(inputs.AccountUpdated(arr=500, seats=7), NOON - 50 * DAY)
    assert merge(one.state, NOON).arr == 500
    one.tell(inputs.SubscriptionStarted("s1", "Pro", 20, 10_000, renews_on="2026-01-10"), NOON - 120 * DAY)
    one.tell(inputs.SubscriptionStarted("s2", "Pro", 5, 2_000), NOON - 10 * DAY)
    facts = merge(one.state, NOON)
    assert (facts.arr, facts.seats, facts.plan) == (12_000, 25, "Pro")
    assert signal(one, "arr_change_90d") == pytest.approx(20)
    assert signal(one, "days_to_renewal") == 63
    one.tell(inputs.SubscriptionEnded("s1"), NOON)
    assert merge(one.state, NOON).arr == 2_000


def test_facts_are_the_latest_by_event_time_per_field() -> None:
    one = book()
    one.tell(inputs.AccountUpdated(tier="gold"), NOON)
    one.tell(inputs.AccountUpdated(tier="silver", industry="freight"), NOON - DAY, recorded_ms=NOON)
    facts = merge(one.state, NOON)
    assert (facts.tier, facts.industry) == ("gold", "freight")


def test_the_latest_nps_answer_counts_for_180_days() -> None:
    one = book()
    one.tell(inputs.SurveyAnswered("nps", 9, role="admin"), NOON - 30 * DAY)
    one.tell(inputs.SurveyAnswered("nps", 4, role="sponsor"), NOON - 21 * DAY)
    assert signal(one, "nps") == 4
    assert signal(one, "nps", NOON + 160 * DAY) is None


@pytest.mark.parametrize(("rating", "days"), [(3, 90), (2, 90), (1, 30), (5, 30)])
def test_a_pulse_expires_and_the_extremes_sooner(rating: int, days: int) -> None:
    one = book()
    one.tell(people.PulseSet("dana", rating), NOON)
    assert signal(one, "pulse", NOON + days * DAY - 1) == rating
    assert signal(one, "pulse", NOON + days * DAY) is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("usage_trend_28d", -38.2, "\N{MINUS SIGN}38\N{NO-BREAK SPACE}%"),
        ("breadth", 0.375, "38\N{NO-BREAK SPACE}%"),
        ("open_p1_days", 9.0, "9 days"),
        ("open_p1_days", 0.5, "since today"),
        ("active_actors_28d", 31.0, "31"),
        ("csat_90d", 4.25, "4.3"),
        ("nps", 4.0, "4"),
        ("pulse", 3.0, "3 of 5"),
        ("first_response_hours_28d", 2.1667, "2\N{NO-BREAK SPACE}h 10\N{NO-BREAK SPACE}m"),
        ("nps", None, "–"),
    ],
)
def test_signals_are_said_in_words(name: str, value: float | None, expected: str) -> None:
    assert display(name, value) == expected


def test_a_change_says_its_direction_in_a_sentence() -> None:
    assert told("usage_trend_28d", -38.0) == "down 38\N{NO-BREAK SPACE}%"
    assert told("arr_change_90d", 12.0) == "up 12\N{NO-BREAK SPACE}%"
