"""Signals of billing: what is owed, and what the contract is worth and for how long."""

from bisect import bisect_left, bisect_right
from typing import Final

from truenorth_health.domain.facts import arr_change_percent, seats_change_percent
from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX
from truenorth_health.domain.moment import Moment
from truenorth_health.domain.parts import Billing

INVOICES: Final[tuple[str, ...]] = ("invoices_overdue", "overdue_amount", "days_overdue", "failed_payments_28d")
CONTRACT: Final[tuple[str, ...]] = (
    "arr",
    "arr_change_28d",
    "arr_change_90d",
    "seats",
    "seats_change_90d",
    "days_to_renewal",
)

_CLEAR: Final[list[float | None]] = [0.0] * len(INVOICES)
_UNKNOWN: Final[list[float | None]] = [None] * len(CONTRACT)


def invoices(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `INVOICES`."""
    billing = moment.state.read(Billing)
    if not billing.invoices and not billing.failed_ms:
        return _CLEAR
    day, limit_ms = moment.day, moment.at_ms + FUTURE_MS_MAX
    overdue, amount, worst = 0, 0, 0
    for one in billing.invoices.values():
        if one.due_day is None or one.seen_ms > limit_ms or (one.paid_ms is not None and one.paid_ms <= limit_ms):
            continue
        late = day - one.due_day
        if late > 0 or (one.overdue and late == 0):
            overdue += 1
            amount += one.amount
            worst = max(worst, late, 1)
    first_ms = (day - 27) * DAY_MS
    failed = bisect_right(billing.failed_ms, limit_ms) - bisect_left(billing.failed_ms, first_ms)
    return [float(overdue), float(amount), float(worst), float(failed)]


def contract(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `CONTRACT`."""
    state, at_ms, facts = moment.state, moment.at_ms, moment.facts
    if facts.arr is None and facts.seats is None and facts.renews_day is None:
        return _UNKNOWN
    return [
        None if facts.arr is None else float(facts.arr),
        arr_change_percent(state, at_ms, 28),
        arr_change_percent(state, at_ms, 90),
        None if facts.seats is None else float(facts.seats),
        seats_change_percent(state, at_ms, 90),
        None if facts.renews_day is None else float(facts.renews_day - facts.day),
    ]
