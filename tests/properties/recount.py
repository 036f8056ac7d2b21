"""A naive recount of the signals besides usage: straight from the raw events, in order of time, for one moment."""

from collections.abc import Callable, Iterable
from statistics import fmean, median
from typing import Any, Final

from truenorth.events import inputs, people

from tests.health.builders import DAY, HOUR

Told = list[tuple[int, Any]]
"""(event time, payload), ascending."""
Found = dict[str, float | None]


def since(at_ms: int, days: int) -> int:
    """The first millisecond of a window that ends today."""
    return (at_ms // DAY - days + 1) * DAY


def days_ago(at_ms: int, moments: Iterable[int]) -> float | None:
    latest = max(moments, default=None)
    return None if latest is None else at_ms // DAY - latest // DAY


def mean(scores: list[float]) -> float | None:
    return fmean(scores) if scores else None


def of(told: Told, kind: type[Any]) -> Told:
    return [(at, one) for at, one in told if isinstance(one, kind)]


def latest(told: Told, say: Callable[[Any], Any]) -> Any:
    """The last word on something; None when there is none."""
    words = [say(one) for _, one in told if say(one) is not None]
    return words[-1] if words else None


def support(told: Told, at_ms: int, seats: int | None) -> Found:
    ages: list[tuple[float, Any, Any]] = []
    opened: list[int] = []
    reopened: list[int] = []
    responses: list[float] = []
    solutions: list[float] = []
    scores = [one.score for at, one in of(told, inputs.SurveyAnswered) if one.kind == "csat" and at >= since(at_ms, 90)]
    tickets = {one.ticket_id for _, one in told if hasattr(one, "ticket_id")}
    for ticket in tickets:
        mine = [(at, one) for at, one in told if getattr(one, "ticket_id", None) == ticket]
        opens = of(mine, inputs.TicketOpened)
        opened += [opens[0][0]] if opens else []
        moved, open_since, solved_at = False, None, None
        for at, one in mine:
            if isinstance(one, inputs.TicketUpdated) and not moved:
                open_since = mine[0][0]
            elif isinstance(one, inputs.TicketSolved):
                solved_at = at if open_since is not None or not moved else solved_at
                moved, open_since = True, None
            elif isinstance(one, inputs.TicketOpened | inputs.TicketReopened):
                was_solved = moved and open_since is None
                if was_solved or (not moved and isinstance(one, inputs.TicketReopened)):
                    reopened.append(at)
                if was_solved or not moved:
                    open_since = at
                moved = True
        if open_since is not None:
            priority = latest(mine, lambda one: getattr(one, "priority", None)) or "p3"
            escalated = latest(mine, lambda one: getattr(one, "escalated", None)) or False
            ages.append((max(at_ms // DAY - open_since // DAY, 0.5), priority, escalated))
        elif solved_at is not None and opens and solved_at >= since(at_ms, 28):
            solutions.append((solved_at - opens[0][0]) / HOUR)
        first = [(at, one) for at, one in mine if getattr(one, "first_response_minutes", None) is not None][:1]
        responses += [one.first_response_minutes / 60 for at, one in first if at >= since(at_ms, 28)]
        rated = of(mine, inputs.TicketRated)[-1:]
        scores += [one.score for at, one in rated if at >= since(at_ms, 90)]
    count = len(ages)
    of_90 = sum(at >= since(at_ms, 90) for at in opened)
    return {
        "open_tickets": count,
        "open_p1_tickets": sum(priority == "p1" for _, priority, _ in ages),
        "open_p2_tickets": sum(priority == "p2" for _, priority, _ in ages),
        "open_escalated_tickets": sum(escalated for _, _, escalated in ages),
        "open_tickets_per_100_seats": count / seats * 100 if seats else None,
        "open_p1_days": max((age for age, priority, _ in ages if priority == "p1"), default=0),
        "oldest_ticket_days": max((age for age, _, _ in ages), default=0),
        "tickets_opened_7d": sum(at >= since(at_ms, 7) for at in opened),
        "tickets_opened_28d": sum(at >= since(at_ms, 28) for at in opened),
        "tickets_opened_90d": of_90,
        "tickets_per_100_seats_90d": of_90 / seats * 100 if seats else None,
        "tickets_reopened_28d": sum(at >= since(at_ms, 28) for at in reopened),
        "first_response_hours_28d": median(responses) if responses else None,
        "resolution_hours_28d": median(solutions) if solutions else None,
        "csat_90d": mean(scores),
    }


def billing(told: Told, at_ms: int) -> Found:
    late: list[tuple[int, int]] = []
    of_invoices = [(at, one) for at, one in told if hasattr(one, "invoice_id") and not is_dispute(one)]
    for invoice in {one.invoice_id for _, one in of_invoices}:
        mine = [(at, one) for at, one in of_invoices if one.invoice_id == invoice]
        if of(mine, inputs.InvoicePaid):
            continue
        chased = of(mine, inputs.InvoiceOverdue)
        due = latest(mine, lambda one: getattr(one, "due_on", None))
        due_day = DAYS[due] if due else chased[0][0] // DAY if chased else None
        amount = latest(mine, lambda one: getattr(one, "amount", 0) if not is_failure(one) else None) or 0
        days = -1 if due_day is None else at_ms // DAY - due_day
        if days > 0 or (days == 0 and chased):
            late.append((max(days, 1), amount))
    failed = [
        *of(told, inputs.PaymentFailed),
        *((at, one) for at, one in of(told, inputs.PaymentDisputed) if one.outcome == "opened"),
    ]
    return {
        "invoices_overdue": len(late),
        "overdue_amount": sum(amount for _, amount in late),
        "days_overdue": max((days for days, _ in late), default=0),
        "failed_payments_28d": sum(at >= since(at_ms, 28) for at, _ in failed),
    }


def is_dispute(one: Any) -> bool:
    """Disputes name an invoice at times, and say nothing about whether it is paid."""
    return isinstance(one, inputs.PaymentDisputed)


def is_failure(one: Any) -> bool:
    return isinstance(one, inputs.PaymentFailed) or getattr(one, "amount", 0) == 0


DAYS: Final = {"2025-10-09": 20_370, "2025-11-08": 20_400, "2025-11-18": 20_410}
"""Due dates that the events name -> epoch day."""


def contract(told: Told, at_ms: int) -> Found:
    now, month, quarter = (_worth([(at, one) for at, one in told if at <= at_ms - days * DAY]) for days in (0, 28, 90))
    return {
        "arr": None if now is None else now[0],
        "arr_change_28d": _change(month, now, 0),
        "arr_change_90d": _change(quarter, now, 0),
        "seats": None if now is None else now[1],
        "seats_change_90d": _change(quarter, now, 1),
    }


def _worth(told: Told) -> tuple[int, int] | None:
    """(ARR, seats) by the subscriptions that were active then; None before there was any."""
    active: dict[str, list[int]] = {}
    ended: dict[str, list[int]] = {}
    for _, one in told:
        key = one.subscription_id
        if isinstance(one, inputs.SubscriptionEnded):
            ended[key] = active.pop(key, ended.get(key, [0, 0]))
        elif isinstance(one, inputs.SubscriptionStarted):
            active[key] = [one.arr, one.seats]
            ended.pop(key, None)
        else:
            where = ended if key in ended else active
            before = where.setdefault(key, [0, 0])
            where[key] = [
                before[n] if told_now is None else told_now for n, told_now in enumerate((one.arr, one.seats))
            ]
    return (sum(arr for arr, _ in active.values()), sum(seats for _, seats in active.values())) if told else None


def _change(before: tuple[int, int] | None, now: tuple[int, int] | None, index: int) -> float | None:
    if before is None or now is None or not before[index]:
        return None
    return (now[index] - before[index]) / before[index] * 100


ROLES: Final = ("champion", "sponsor", "economic_buyer", "admin", "end_user")


def sentiment(told: Told, at_ms: int) -> Found:
    answers = of(told, inputs.SurveyAnswered)
    by_whom: dict[str, tuple[int, Any]] = {}
    for at, one in answers:
        if one.kind == "nps":
            by_whom[f"who {one.respondent}" if one.respondent else f"role {one.role}"] = (at, one)
    valid = sorted(((at, one) for at, one in by_whom.values() if at > at_ms - 180 * DAY), key=lambda pair: pair[0])
    found: Found = {
        "nps": valid[-1][1].score if valid else None,
        "nps_mean": mean([one.score for _, one in valid]),
        "ces_90d": mean([one.score for at, one in answers if one.kind == "ces" and at >= since(at_ms, 90)]),
    }
    for role in ROLES:
        theirs = [one.score for _, one in valid if one.role == role]
        found[f"nps_{role}"] = theirs[-1] if theirs else None
    return found | _said(told, at_ms, found["nps"])


def _said(told: Told, at_ms: int, nps: float | None) -> Found:
    pulse, fit, essential = (of(told, kind)[-1:] for kind in (people.PulseSet, people.UsageFitSet, people.EssentialSet))
    fits = {"yes": 1.0, "needs_a_look": 0.5, "no": 0.0}
    by_nps = None if nps is None else 1 + nps / 10 * 4
    return {
        "pulse": next(
            (one.rating for at, one in pulse if at_ms < at + (30 if one.rating in {1, 5} else 90) * DAY), None
        ),
        "usage_fit": next((fits[one.fit] for at, one in fit if at_ms < at + 180 * DAY), None),
        "essential": essential[0][1].rating if essential else by_nps,
    }


def value(told: Told, at_ms: int) -> Found:
    records, held = of(told, inputs.ValueRecorded), of(told, inputs.EngagementHeld)
    aims = {one.objective_id: one for _, one in of(told, inputs.ObjectiveSet)}
    ratios = [
        sum(
            gain.amount
            for _, gain in records
            if gain.objective_id == key and (aim.unit is None or gain.unit == aim.unit)
        )
        / aim.target
        for key, aim in aims.items()
        if aim.target is not None and aim.target > 0
    ]
    intents = of(told, inputs.RenewalIntent)[-1:]
    scale = {"leave": 1, "reduce": 2, "undecided": 3, "renew": 4, "expand": 5}
    if not told:
        return {}
    return {
        "objectives_set": len(aims),
        "objectives_met": mean([float(ratio >= 1) for ratio in ratios]),
        "value_to_target": mean([max(0.0, min(1.0, ratio)) for ratio in ratios]),
        "value_records_90d": sum(at >= since(at_ms, 90) for at, _ in records),
        "days_since_value": days_ago(at_ms, (at for at, _ in records)),
        "days_since_confirmed_value": days_ago(at_ms, (at for at, one in records if one.by == "customer")),
        "days_since_review": days_ago(
            at_ms, (at for at, one in held if one.answered and one.kind in {"review", "board"})
        ),
        "advocacy_365d": sum(at >= since(at_ms, 365) for at, _ in of(told, inputs.AdvocacyRecorded)),
        "renewal_intent": next((scale[one.intent] for at, one in intents if at_ms < at + 180 * DAY), None),
    }


def relationship(told: Told, at_ms: int) -> Found:
    held, left = of(told, inputs.EngagementHeld), of(told, inputs.ChampionLeft)
    surveys = of(told, inputs.SurveyAnswered)
    recent = [(at, one) for at, one in held if at >= since(at_ms, 90)]
    answered = [(at, one) for at, one in recent if one.answered]
    contacts: set[str] = set()
    roles: set[str] = set()
    spoke = [(at, one.contact, one.role) for at, one in answered]
    spoke += [
        (at, one.respondent, one.role) for at, one in _counted(surveys) if one.respondent and at >= since(at_ms, 90)
    ]
    for at, who, role in spoke:
        if not any(gone >= at and (one.contact == who if who else one.role == role) for gone, one in left):
            contacts.add(f"who {who}" if who else f"role {role}")
            roles |= {role} if role else set()
    is_told = len(told) > len(surveys)
    someone = is_told or any(who for _, who, _ in spoke)
    met = {role: [at for at, one in held if one.answered and one.role == role] for role in ROLES}
    asked = {role: [at for at, one in _counted(surveys) if one.role == role] for role in ROLES}
    champion_left = [at for at, one in left if one.role == "champion"]
    known = champion_left or asked["champion"] or any(one.role == "champion" for _, one in held)
    return {
        "engagements_28d": sum(at >= since(at_ms, 28) for at, _ in held) if is_told else None,
        "engagements_90d": len(recent) if is_told else None,
        "unanswered_90d": len(recent) - len(answered) if is_told else None,
        "answered_share_90d": len(answered) / len(recent) if recent else None,
        "active_contacts_90d": len(contacts) if someone else None,
        "active_roles_90d": len(roles) if someone else None,
        "champion_gone": float(max(champion_left, default=0) > max(met["champion"], default=0)) if known else None,
        "days_since_champion": days_ago(at_ms, met["champion"] + asked["champion"]),
        "days_since_sponsor": days_ago(at_ms, met["sponsor"] + asked["sponsor"]),
        "days_since_buyer": days_ago(at_ms, met["economic_buyer"] + asked["economic_buyer"]),
        "days_since_touch": days_ago(at_ms, [at for at, one in held if one.answered] + [at for at, _ in surveys]),
        "contacts_left_90d": len({one.contact for at, one in left if at >= since(at_ms, 90)}),
    }


def _counted(surveys: Told) -> Told:
    """All but the NPS answers that the same respondent (else role) replaced by a later one."""
    newest = {(one.respondent, None if one.respondent else one.role): at for at, one in surveys if one.kind == "nps"}
    return [
        (at, one)
        for at, one in surveys
        if one.kind != "nps" or newest[one.respondent, None if one.respondent else one.role] == at
    ]
