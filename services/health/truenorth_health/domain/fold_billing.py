"""Subscriptions, invoices and failed payments, as the billing source tells them."""

from bisect import insort
from datetime import date

from truenorth.clock import day_of_date
from truenorth.events import Event
from truenorth.events.inputs import (
    InvoiceIssued,
    InvoiceOverdue,
    InvoicePaid,
    PaymentDisputed,
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
    SEAT_STEPS_MAX,
    SPELLS_MAX,
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
        key: one
        for key, one in kept.subscriptions.items()
        if not one.spells or one.spells[-1][1] or one.spells[-1][0] >= before_ms
    }
    kept.invoices = {key: one for key, one in kept.invoices.items() if one.paid_ms is None or one.paid_ms >= before_ms}
    kept.failed_ms = [moment for moment in kept.failed_ms if moment >= before_ms]


def is_active(one: Subscription, at_ms: int) -> bool:
    """Whether it had started and not ended by then."""
    told = steps.value_at(one.spells, at_ms)
    return one.started_ms <= at_ms if told is None else bool(told)


def _subscription(kept: Billing, key: str, event: Event, time_ms: int) -> Subscription | None:
    found = kept.subscriptions.get(key)
    if found is None:
        if len(kept.subscriptions) >= SUBSCRIPTIONS_MAX:
            kept.over += 1
            return None
        kept.had_subscription = True
        found = kept.subscriptions[key] = Subscription(time_ms, source=event.source, changed_at=time_ms)
    found.started_ms = min(found.started_ms, time_ms)
    if time_ms >= found.changed_at:
        found.source, found.changed_at = event.source, time_ms
    return found


def _describe(one: Subscription, plan: str | None, trial: bool | None, time_ms: int) -> None:  # noqa: FBT001
    if plan is not None and time_ms >= one.plan_at:
        one.plan, one.plan_at = plan, time_ms
    if trial is not None and time_ms >= one.trial_at:
        one.trial, one.trial_at = trial, time_ms


def _renew(one: Subscription, renews_on: str | None, time_ms: int) -> None:
    if time_ms >= one.renews_at:
        one.renews_on, one.renews_at = renews_on, time_ms


def started(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``subscription.started``; told again after its end, it is active again."""
    data: SubscriptionStarted = event.data
    one = _subscription(_open(state, time_ms), data.subscription_id, event, time_ms)
    if one is None:
        return
    steps.put(one.spells, time_ms, 1, SPELLS_MAX)
    steps.put(one.arr_steps, time_ms, data.arr)
    steps.put(one.seat_steps, time_ms, data.seats, SEAT_STEPS_MAX)
    _describe(one, data.plan, data.trial, time_ms)
    _renew(one, data.renews_on, time_ms)


def changed(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``subscription.changed``: the latest word on each field by event time."""
    data: SubscriptionChanged = event.data
    one = _subscription(_open(state, time_ms), data.subscription_id, event, time_ms)
    if one is None:
        return
    if data.arr is not None:
        steps.put(one.arr_steps, time_ms, data.arr)
    if data.seats is not None:
        steps.put(one.seat_steps, time_ms, data.seats, SEAT_STEPS_MAX)
    _describe(one, data.plan, data.trial, time_ms)
    if data.renews_on is not None:
        _renew(one, data.renews_on, time_ms)


def ended(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``subscription.ended``."""
    data: SubscriptionEnded = event.data
    one = _subscription(_open(state, time_ms), data.subscription_id, event, time_ms)
    if one is not None:
        steps.put(one.spells, time_ms, 0, SPELLS_MAX)


def _invoice(state: AccountState, key: str, time_ms: int, amount: int = 0) -> Invoice | None:
    kept = _open(state, time_ms)
    found = kept.invoices.get(key)
    if found is None:
        if len(kept.invoices) >= INVOICES_MAX:
            kept.over += 1
            return None
        found = kept.invoices[key] = Invoice(time_ms)
    found.seen_ms = min(found.seen_ms, time_ms)
    if amount and time_ms >= found.amount_at:
        found.amount, found.amount_at = amount, time_ms
    return found


def _due(one: Invoice, told: int | None, time_ms: int) -> None:
    if told is not None and time_ms >= one.due_at:
        one.due_day, one.due_at = told, time_ms


def issued(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``invoice.issued``."""
    data: InvoiceIssued = event.data
    one = _invoice(state, data.invoice_id, time_ms, data.amount)
    if one is not None:
        _due(one, day_number(data.due_on), time_ms)


def overdue(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``invoice.overdue``; while no due date is told the event's own day stands for it."""
    data: InvoiceOverdue = event.data
    one = _invoice(state, data.invoice_id, time_ms, data.amount)
    if one is None:
        return
    one.overdue = True
    _due(one, day_number(data.due_on), time_ms)
    if not one.due_at:
        own_day = time_ms // DAY_MS
        one.due_day = own_day if one.due_day is None else min(one.due_day, own_day)


def paid(state: AccountState, event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``invoice.paid``."""
    data: InvoicePaid = event.data
    one = _invoice(state, data.invoice_id, time_ms)
    if one is not None and (one.paid_ms is None or time_ms < one.paid_ms):
        one.paid_ms = time_ms


def failed(state: AccountState, _event: Event, time_ms: int, _record_ms: int) -> None:
    """Fold ``payment.failed``."""
    kept = _open(state, time_ms)
    insort(kept.failed_ms, time_ms)
    if len(kept.failed_ms) > FAILED_PAYMENTS_MAX:
        kept.over += 1
        del kept.failed_ms[0]


def disputed(state: AccountState, event: Event, time_ms: int, record_ms: int) -> None:
    """Fold ``payment.disputed``: money taken back counts as a payment that failed; how it ends changes nothing."""
    data: PaymentDisputed = event.data
    if data.outcome == "opened":
        failed(state, event, time_ms, record_ms)
