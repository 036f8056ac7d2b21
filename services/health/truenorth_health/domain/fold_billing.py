"""Subscriptions, invoices and failed payments, as the billing source tells them."""

from datetime import date

from truenorth.clock import day_of_date
from truenorth.events import Event
from truenorth.events.inputs import (
    InvoiceIssued,
    InvoiceOverdue,
    InvoicePaid,
    SubscriptionChanged,
    SubscriptionEnded,
    SubscriptionStarted,
)

from truenorth_health.domain import steps
from truenorth_health.domain.limits import (
    DAY_MS,
    DAY_NUMBER_MAX,
    FAILED_PAYMENTS_MAX,
    HISTORY_DAYS_KEPT,
    INVOICES_MAX,
    SUBSCRIPTIONS_MAX,
)
from truenorth_health.domain.parts import Billing, Invoice, Subscription
from truenorth_health.domain.state import AccountState


def day_number(text: str | None) -> int | None:
    """Return the epoch day of an ISO date; None for none, and for a date that no calendar has or nobody will see."""
    if text is None:
        return None
    try:
        day = day_of_date(date.fromisoformat(text))
    except ValueError:
        return None
    return day if day <= DAY_NUMBER_MAX else None


def _open(state: AccountState, time_ms: int) -> Billing:
    kept = state.write(Billing)
    if time_ms > kept.newest_ms:
        if time_ms // DAY_MS > kept.newest_ms // DAY_MS:
            _prune(kept, time_ms - HISTORY_DAYS_KEPT * DAY_MS)
        kept.newest_ms = time_ms
    return kept


def _prune(kept: Billing, before_ms: int) -> None:
    """Forget what ended, was paid or failed before then; what is open stays."""
    kept.subscriptions = {
        key: one for key, one in kept.subscriptions.items() if one.ended_ms is None or one.ended_ms >= before_ms
    }
    kept.invoices = {key: one for key, one in kept.invoices.items() if one.paid_ms is None or one.paid_ms >= before_ms}
    kept.failed_ms = [moment for moment in kept.failed_ms if moment >= before_ms]


def _subscription(kept: Billing, key: str, event: Event, time_ms: int) -> Subscription | None:
    found = kept.subscriptions.get(key)
    if found is not None:
        return found
    if len(kept.subscriptions) >= SUBSCRIPTIONS_MAX:
        kept.over += 1
        return None
    kept.had_subscription = True
    made = kept.subscriptions[key] = Subscription(time_ms, source=event.source)
    return made


def started(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``subscription.started``; told again after its end, it is active again."""
    data: SubscriptionStarted = event.data
    kept = _open(state, time_ms)
    one = _subscription(kept, data.subscription_id, event, time_ms)
    if one is None:
        return
    one.started_ms = min(one.started_ms, time_ms)
    steps.put(one.arr_steps, time_ms, data.arr)
    if one.ended_ms is not None and time_ms > one.ended_ms:
        one.ended_ms = None
    if time_ms >= one.changed_at:
        one.plan, one.seats, one.trial, one.renews_on = data.plan, data.seats, data.trial, data.renews_on
        one.changed_at = time_ms


def changed(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``subscription.changed``."""
    data: SubscriptionChanged = event.data
    kept = _open(state, time_ms)
    one = _subscription(kept, data.subscription_id, event, time_ms)
    if one is None:
        return
    if data.arr is not None:
        steps.put(one.arr_steps, time_ms, data.arr)
    if time_ms >= one.changed_at:
        one.plan = one.plan if data.plan is None else data.plan
        one.seats = one.seats if data.seats is None else data.seats
        one.trial = one.trial if data.trial is None else data.trial
        one.renews_on = one.renews_on if data.renews_on is None else data.renews_on
        one.changed_at = time_ms


def ended(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``subscription.ended``."""
    data: SubscriptionEnded = event.data
    kept = _open(state, time_ms)
    one = _subscription(kept, data.subscription_id, event, time_ms)
    if one is not None and (one.ended_ms is None or time_ms > one.ended_ms):
        one.ended_ms = time_ms


def _invoice(state: AccountState, key: str, time_ms: int) -> Invoice | None:
    kept = _open(state, time_ms)
    found = kept.invoices.get(key)
    if found is not None:
        return found
    if len(kept.invoices) >= INVOICES_MAX:
        kept.over += 1
        return None
    made = kept.invoices[key] = Invoice(time_ms)
    return made


def issued(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``invoice.issued``."""
    data: InvoiceIssued = event.data
    one = _invoice(state, data.invoice_id, time_ms)
    if one is not None:
        one.amount = data.amount or one.amount
        one.due_day = day_number(data.due_on) if one.due_day is None else one.due_day


def overdue(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``invoice.overdue``; without a due date the event's own day stands for it."""
    data: InvoiceOverdue = event.data
    one = _invoice(state, data.invoice_id, time_ms)
    if one is not None:
        one.amount = data.amount or one.amount
        one.overdue = True
        told = day_number(data.due_on)
        if told is not None:
            one.due_day = told
        elif one.due_day is None:
            one.due_day = time_ms // DAY_MS


def paid(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``invoice.paid``."""
    data: InvoicePaid = event.data
    one = _invoice(state, data.invoice_id, time_ms)
    if one is not None and (one.paid_ms is None or time_ms < one.paid_ms):
        one.paid_ms = time_ms


def failed(state: AccountState, _event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``payment.failed``."""
    kept = _open(state, time_ms)
    if len(kept.failed_ms) >= FAILED_PAYMENTS_MAX:
        kept.over += 1
        del kept.failed_ms[0]
    kept.failed_ms.append(time_ms)
