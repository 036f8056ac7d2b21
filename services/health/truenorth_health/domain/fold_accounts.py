"""Facts: the latest by (event time, event id), field by field; and whether the account left."""

from truenorth.events import Event
from truenorth.events.inputs import AccountChurned, AccountUpdated

from truenorth_health.domain import steps
from truenorth_health.domain.limits import SEAT_STEPS_MAX
from truenorth_health.domain.parts import Accounts, FactKept
from truenorth_health.domain.state import AccountState

FACT_FIELDS = tuple(name for name in AccountUpdated.__struct_fields__ if name != "external_ids")
"""Ids elsewhere are the edge's business: no score looks at them."""


def updated(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``account.updated``; it also makes a provisional account a known one."""
    data: AccountUpdated = event.data
    kept = state.write(Accounts)
    kept.known = True
    kept.newest_ms = max(kept.newest_ms, time_ms)
    for name in FACT_FIELDS:
        value = getattr(data, name)
        if value is None:
            continue
        before = kept.facts.get(name)
        if before is None or (time_ms, event.id) >= (before.time_ms, before.event_id):
            kept.facts[name] = FactKept(value, event.source, time_ms, event.id)
    if data.arr is not None:
        steps.put(kept.arr_steps, time_ms, data.arr)
    if data.seats is not None:
        steps.put(kept.seat_steps, time_ms, data.seats, SEAT_STEPS_MAX)


def churned(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``account.churned``."""
    data: AccountChurned = event.data
    kept = state.write(Accounts)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    if (time_ms, event.id) >= kept.churn_at:
        kept.churned, kept.churn_at = True, (time_ms, event.id)
        kept.churn_reason, kept.refund = data.reason or "", data.refund


def reactivated(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``account.reactivated``."""
    kept = state.write(Accounts)
    kept.newest_ms = max(kept.newest_ms, time_ms)
    if (time_ms, event.id) >= kept.churn_at:
        kept.churned, kept.churn_at, kept.churn_reason, kept.refund = False, (time_ms, event.id), "", None
