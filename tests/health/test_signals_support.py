"""Signals of support: what is open and how old, how fast it was answered and solved, how it was rated."""

from truenorth.events import inputs
from truenorth_health.domain.limits import TICKET_MOVES_MAX
from truenorth_health.domain.parts import Tickets

from tests.health.builders import DAY, HOUR, NOON
from tests.health.measured import book, signal, signals


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


def test_per_seat_signals_need_seats() -> None:
    one = book()
    one.open_tickets(3, NOON)
    assert signals(one, "open_tickets_per_100_seats", "tickets_per_100_seats_90d") == [30, 30]
    one.tell(inputs.AccountUpdated(seats=0), NOON)
    assert signals(one, "open_tickets_per_100_seats", "tickets_per_100_seats_90d") == [None, None]
    assert signal(one, "open_tickets") == 3


def test_what_is_open_is_counted_by_priority_escalation_and_age() -> None:
    one = book()
    one.tell(inputs.TicketOpened("old", "p3"), NOON - 40 * DAY)
    one.tell(inputs.TicketOpened("t2", "p2", escalated=True), NOON - 8 * DAY)
    one.tell(inputs.TicketOpened("t1", "p2"), NOON - 3 * DAY)
    one.tell(inputs.TicketUpdated("t1", "p1"), NOON - DAY)
    assert signals(one, "open_p1_tickets", "open_p2_tickets", "open_escalated_tickets") == [1, 1, 1]
    assert signals(one, "open_p1_days", "oldest_ticket_days") == [3, 40]
    assert signals(one, "tickets_opened_7d", "tickets_opened_28d", "tickets_opened_90d") == [1, 2, 3]


def test_a_ticket_is_reopened_only_after_it_was_solved() -> None:
    one = book()
    one.tell(inputs.TicketOpened("t1"), NOON - 20 * DAY)
    one.tell(inputs.TicketReopened("t1"), NOON - 19 * DAY)
    assert signals(one, "tickets_reopened_28d", "oldest_ticket_days") == [0, 20]
    one.tell(inputs.TicketSolved("t1"), NOON - 10 * DAY)
    one.tell(inputs.TicketReopened("t1"), NOON - 5 * DAY)
    one.tell(inputs.TicketReopened("t1"), NOON - 4 * DAY)
    assert signals(one, "tickets_reopened_28d", "oldest_ticket_days") == [1, 5]


def test_only_a_solution_that_stands_took_its_time() -> None:
    one = book()
    one.tell(inputs.TicketSolved("t1"), NOON - 2 * DAY)
    assert signal(one, "resolution_hours_28d") is None
    one.tell(inputs.TicketOpened("t1"), NOON - 4 * DAY)
    one.tell(inputs.TicketOpened("t2"), NOON - 4 * DAY)
    one.tell(inputs.TicketSolved("t2"), NOON - 3 * DAY)
    one.tell(inputs.TicketSolved("t2"), NOON - DAY)
    assert signal(one, "resolution_hours_28d") == 36
    one.tell(inputs.TicketReopened("t1"), NOON)
    assert signal(one, "resolution_hours_28d") == 24


def test_a_look_back_sees_what_was_open_then() -> None:
    one = book()
    one.tell(inputs.TicketOpened("t1", "p1"), NOON - 9 * DAY)
    one.tell(inputs.TicketSolved("t1"), NOON - 2 * DAY)
    one.tell(inputs.TicketReopened("t1"), NOON)
    assert [signal(one, "open_p1_days", NOON - days * DAY) for days in (10, 5, 1, 0)] == [0, 4, 0, 0.5]


def test_a_rating_of_a_ticket_that_was_forgotten_does_not_open_it() -> None:
    one = book()
    one.tell(inputs.TicketRated("gone", 2.0), NOON)
    assert signals(one, "open_tickets", "csat_90d") == [0, 2]
    one.tell(inputs.TicketUpdated("unknown", "p1"), NOON)
    assert signal(one, "open_p1_tickets") == 1


def test_a_ticket_that_is_solved_but_rated_since_is_kept_for_its_rating() -> None:
    one = book()
    one.tell(inputs.TicketOpened("t1"), NOON - 120 * DAY)
    one.tell(inputs.TicketSolved("t1"), NOON - 110 * DAY)
    one.tell(inputs.TicketRated("t1", 4.0), NOON - 50 * DAY)
    one.tell(inputs.TicketOpened("t2"), NOON)
    assert signal(one, "csat_90d") == 4


def test_a_ticket_that_goes_back_and_forth_keeps_its_opening_and_its_latest_moves() -> None:
    one = book()
    one.tell(inputs.TicketOpened("t1"), NOON - 20 * DAY)
    for round_trip in range(TICKET_MOVES_MAX):
        one.tell(inputs.TicketSolved("t1"), NOON - 10 * DAY + 2 * round_trip)
        one.tell(inputs.TicketReopened("t1"), NOON - 10 * DAY + 2 * round_trip + 1)
    ticket = one.state.read(Tickets).by_id["t1"]
    assert (len(ticket.moves), ticket.moves[0]) == (TICKET_MOVES_MAX, (NOON - 20 * DAY) << 2)
    assert signal(one, "open_tickets") == 1
