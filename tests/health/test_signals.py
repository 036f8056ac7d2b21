"""Signals: what is a fact by its absence, and what is simply not known."""

from truenorth_health.domain.signals import INDEX

from tests.health.measured import book, signal


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
