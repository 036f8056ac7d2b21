"""Signals of billing: what is owed, and what the contract is worth."""

from itertools import permutations

import pytest
from truenorth.events import inputs
from truenorth_health.domain import fold_billing
from truenorth_health.domain.facts import merge
from truenorth_health.domain.parts import Billing

from tests.health.builders import DAY, NOON
from tests.health.measured import book, signal, signals


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


def test_a_disputed_payment_counts_as_one_that_failed_however_the_dispute_ends() -> None:
    one = book()
    one.tell(inputs.PaymentDisputed("d1", 15_000, "i1"), NOON - 9 * DAY)
    assert signal(one, "failed_payments_28d") == 1
    for outcome in ("won", "lost"):
        one.tell(inputs.PaymentDisputed("d1", 15_000, "i1", outcome), NOON)
        assert signal(one, "failed_payments_28d") == 1
    assert signal(one, "failed_payments_28d", NOON + 19 * DAY) == 0


def test_a_dispute_says_nothing_of_its_invoice() -> None:
    one = book()
    one.tell(inputs.PaymentDisputed("d1", 15_000, "i1"), NOON - 9 * DAY)
    assert signals(one, "invoices_overdue", "overdue_amount", "days_overdue") == [0, 0, 0]


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


def test_the_amount_overdue_is_the_sum_of_what_is_late() -> None:
    one = book()
    one.tell(inputs.InvoiceOverdue("i1", 15_000, "2025-11-01"), NOON - DAY)
    one.tell(inputs.InvoiceIssued("i2", 2_500, "2025-11-02"), NOON - DAY)
    one.tell(inputs.InvoiceIssued("i3", 900, "2025-12-02"), NOON - DAY)
    assert signals(one, "invoices_overdue", "overdue_amount", "days_overdue") == [2, 17_500, 7]
    one.tell(inputs.InvoicePaid("i1"), NOON)
    assert signal(one, "overdue_amount") == 2_500
    assert signal(one, "overdue_amount", NOON - DAY) == 17_500


def test_a_due_date_that_was_told_stands_whatever_came_first() -> None:
    one, other = book(), book()
    called, told = inputs.InvoiceOverdue("i1"), inputs.InvoiceIssued("i1", 5, "2025-11-05")
    for told_first, (first, second) in ((other, (told, called)), (one, (called, told))):
        for payload in (first, second):
            told_first.tell(payload, NOON - DAY if payload is called else NOON - 9 * DAY, recorded_ms=NOON)
    assert signal(one, "days_overdue") == signal(other, "days_overdue") == 3


def test_an_invoice_counts_only_from_its_first_word_on() -> None:
    one = book()
    one.tell(inputs.InvoiceIssued("i1", 5, "2025-11-01"), NOON)
    assert [signal(one, "invoices_overdue", NOON - days * DAY) for days in (2, 0)] == [0, 1]


def test_arr_and_seats_and_how_they_changed() -> None:
    one = book()
    one.tell(inputs.SubscriptionStarted("s1", "Pro", 20, 10_000), NOON - 120 * DAY)
    one.tell(inputs.SubscriptionChanged("s1", seats=30, arr=15_000), NOON - 60 * DAY)
    one.tell(inputs.SubscriptionChanged("s1", seats=15), NOON - 3 * DAY)
    one.tell(inputs.SubscriptionChanged("s1", arr=12_000), NOON - 20 * DAY)
    assert signals(one, "arr", "arr_change_28d", "arr_change_90d") == [12_000, -20, 20]
    assert signals(one, "seats", "seats_change_90d") == [15, -25]


def test_seats_over_time_are_known_from_facts_as_well() -> None:
    one = book()
    assert signals(one, "seats", "seats_change_90d", "arr") == [10, None, None]
    one.tell(inputs.AccountUpdated(seats=20, arr=100), NOON - 100 * DAY, recorded_ms=NOON)
    assert signals(one, "seats", "seats_change_90d", "arr") == [10, -50, 100]


def test_a_late_change_of_one_field_is_not_hidden_by_a_later_change_of_another() -> None:
    one = book()
    one.tell(inputs.SubscriptionStarted("s1", "Pro", 20, 10_000), NOON - 90 * DAY)
    one.tell(inputs.SubscriptionChanged("s1", plan="Max"), NOON - DAY)
    one.tell(inputs.SubscriptionChanged("s1", seats=25, renews_on="2026-01-10"), NOON - 3 * DAY, recorded_ms=NOON)
    facts = merge(one.state, NOON)
    assert (facts.plan, facts.seats) == ("Max", 25)
    assert signal(one, "days_to_renewal") == 63


def test_a_subscription_that_ended_and_started_again_is_active_in_any_order() -> None:
    told = [
        (inputs.SubscriptionStarted("s1", seats=5), NOON - 50 * DAY),
        (inputs.SubscriptionEnded("s1"), NOON - 40 * DAY),
        (inputs.SubscriptionStarted("s1", seats=7), NOON - 30 * DAY),
    ]
    for order in permutations(told):
        one = book()
        for payload, at_ms in order:
            one.tell(payload, at_ms, recorded_ms=NOON)
        assert [signal(one, "seats", NOON - days * DAY) for days in (45, 35, 0)] == [5, 0, 7]


def test_failed_payments_beyond_the_cap_leave_out_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_billing, "FAILED_PAYMENTS_MAX", 2)
    one = book()
    for days in (1, 9, 3):
        one.tell(inputs.PaymentFailed("i"), NOON - days * DAY, recorded_ms=NOON)
    kept = one.state.read(Billing)
    assert (kept.failed_ms, kept.over) == ([NOON - 3 * DAY, NOON - DAY], 1)


def test_what_somebody_promised_and_bought_is_merged() -> None:
    one = book()
    told = inputs.AccountUpdated(features=["sso"], promised_service="gold", potential_arr=7, parent_id="holding")
    one.tell(told, NOON)
    facts = merge(one.state, NOON)
    assert (facts.features, facts.promised_service, facts.potential_arr, facts.parent_id) == (
        *(["sso"], "gold", 7, "holding"),
    )
