"""Signals of billing: what is owed, and what the contract is worth and for how long."""

from typing import Final

from truenorth_health.domain.facts import arr_change_percent
from truenorth_health.domain.limits import DAY_MS
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


def invoices(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `INVOICES`."""
    billing = moment.state.read(Billing)
    at_ms, day = moment.at_ms, moment.day
    overdue, worst = 0, 0
    for one in billing.invoices.values():
        if one.paid_ms is not None and one.paid_ms <= at_ms:
            continue
        late = -1 if one.due_day is None else day - one.due_day
        if late > 0 or (one.overdue and late == 0):
            overdue += 1
            worst = max(worst, late, 1)
    failed = sum(0 <= day - at // DAY_MS < 28 for at in billing.failed_ms)
    found = {"invoices_overdue": float(overdue), "days_overdue": float(worst), "failed_payments_28d": float(failed)}
    return [found.get(name) for name in INVOICES]


def contract(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `CONTRACT`."""
    facts = moment.facts
    found = {
        "arr_change_90d": arr_change_percent(moment.state, moment.at_ms, 90),
        "days_to_renewal": None if facts.renews_day is None else float(facts.renews_day - facts.day),
    }
    return [found.get(name) for name in CONTRACT]
