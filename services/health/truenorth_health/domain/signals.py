"""The signals: rolling measurements of one account at one moment, and how each is said.

Absence of a ticket, an overdue invoice or a failed payment is a fact (0). Where nothing was ever measured (usage,
actors, answers, responses) the signal is None, and what is made from it drops out.
"""

from statistics import median
from typing import Final

from truenorth import words

from truenorth_health.domain.facts import Facts, arr_change_percent
from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX, NPS_DAYS_VALID
from truenorth_health.domain.parts import Actions, Billing, Surveys, Tickets, Usage, UsageMembers, UsageNames, UsagePast
from truenorth_health.domain.state import AccountState

SIGNALS: Final[tuple[str, ...]] = (
    "active_actors_7d",
    "active_actors_28d",
    "active_per_seat_28d",
    "usage_trend_28d",
    "distinct_features_28d",
    "breadth",
    "days_since_activity",
    "open_tickets",
    "open_p1_days",
    "first_response_hours_28d",
    "csat_90d",
    "invoices_overdue",
    "days_overdue",
    "failed_payments_28d",
    "arr_change_90d",
    "days_to_renewal",
    "nps",
    "pulse",
)
INDEX: Final[dict[str, int]] = {name: index for index, name in enumerate(SIGNALS)}
_FIRST_DAY: Final = 0.5
"""What `open_p1_days` says on the day the ticket was opened: more than none, less than a day."""

Signals = list[float | None]
"""In the order of `SIGNALS`."""

_SHARES: Final = frozenset({"active_per_seat_28d", "breadth"})
_PERCENTS: Final = frozenset({"usage_trend_28d", "arr_change_90d"})
_DAYS: Final = frozenset({"days_since_activity", "open_p1_days", "days_overdue", "days_to_renewal"})
_MEANS: Final = frozenset({"csat_90d", "nps"})


def collect(state: AccountState, facts: Facts, entitled: list[str]) -> Signals:
    """Return all signals at the moment of ``facts``; ``entitled`` are the modules that were bought."""
    at_ms = facts.at_ms
    renewal = None if facts.renews_day is None else float(facts.renews_day - facts.day)
    return [
        *_usage(state, facts, entitled),
        *_support(state, at_ms),
        *_billing(state, at_ms),
        arr_change_percent(state, at_ms, 90),
        renewal,
        _nps(state, at_ms),
        _pulse(state, at_ms),
    ]


def _usage(state: AccountState, facts: Facts, entitled: list[str]) -> Signals:
    usage = state.read(Usage)
    if usage.today.day < 0:
        return [None] * 7
    day = facts.day
    people_7 = people_28 = features = modules = count = earlier = 0
    from_bytes = int.from_bytes
    since: int | None = None
    for row in reversed([*state.read(UsagePast).days, usage.today]):
        age = day - row.day
        if age < 0:
            continue
        if since is None:
            since = age
        if age >= 56:
            break
        if age >= 28:
            earlier += row.count
            continue
        count += row.count
        actors = from_bytes(row.actors, "little")
        people_28 |= actors
        if age < 7:
            people_7 |= actors
        features |= from_bytes(row.features, "little")
        modules |= from_bytes(row.modules, "little")
    named = bool(state.read(UsageMembers).hashes)
    active_28 = float(people_28.bit_count())
    return [
        float(people_7.bit_count()) if named else None,
        active_28 if named else None,
        active_28 / facts.seats if named and facts.seats else None,
        (count - earlier) / earlier * 100 if earlier else None,
        float(features.bit_count()),
        _breadth(state, modules, entitled),
        None if since is None else float(since),
    ]


def _breadth(state: AccountState, used: int, entitled: list[str]) -> float | None:
    if not entitled:
        return None
    names = state.read(UsageNames).modules
    if not names:
        return None
    in_use = {name for slot, name in enumerate(names) if used >> slot & 1}
    return len(in_use.intersection(entitled)) / len(set(entitled))


def _support(state: AccountState, at_ms: int) -> Signals:
    tickets = state.read(Tickets)
    open_count, p1_days, responses, ratings = 0, 0.0, [], []
    day = at_ms // DAY_MS
    for one in tickets.by_id.values():
        if one.opened_ms <= at_ms + FUTURE_MS_MAX and (one.is_open or one.state_at > at_ms):
            open_count += 1
            if one.priority == "p1":
                p1_days = max(p1_days, float(day - one.open_since_ms // DAY_MS), _FIRST_DAY)
        if one.response_minutes is not None and 0 <= day - one.response_at // DAY_MS < 28:
            responses.append(one.response_minutes)
        if one.rating is not None and 0 <= day - one.rating_at // DAY_MS < 90:
            ratings.append(one.rating)
    ratings += [one.score for one in state.read(Surveys).csat if 0 <= day - one.at_ms // DAY_MS < 90]
    return [
        float(open_count),
        p1_days,
        median(responses) / 60 if responses else None,
        sum(ratings) / len(ratings) if ratings else None,
    ]


def _billing(state: AccountState, at_ms: int) -> Signals:
    billing = state.read(Billing)
    day = at_ms // DAY_MS
    overdue, worst = 0, 0
    for one in billing.invoices.values():
        if one.paid_ms is not None and one.paid_ms <= at_ms:
            continue
        late = -1 if one.due_day is None else day - one.due_day
        if late > 0 or (one.overdue and late == 0):
            overdue += 1
            worst = max(worst, late, 1)
    failed = sum(0 <= day - moment // DAY_MS < 28 for moment in billing.failed_ms)
    return [float(overdue), float(worst), float(failed)]


def _nps(state: AccountState, at_ms: int) -> float | None:
    """Return the latest answer (0..10), while it is not older than 180 days."""
    oldest_ms, newest_ms = at_ms - NPS_DAYS_VALID * DAY_MS, at_ms + FUTURE_MS_MAX
    nps = state.read(Surveys).nps.values()
    answers = [(one.at_ms, one.score) for one in nps if oldest_ms < one.at_ms <= newest_ms]
    return max(answers)[1] if answers else None


def _pulse(state: AccountState, at_ms: int) -> float | None:
    said = state.read(Actions).pulse
    if said is None or said.expires_ms is None or at_ms >= said.expires_ms or said.at_ms > at_ms + FUTURE_MS_MAX:
        return None
    return said.value


def display(signal: str, value: float | None) -> str:
    """Return a signal in words: ``9 days``, ``−38 %``, ``31``; a dash for none."""
    if value is None:
        return "–"
    if signal in _SHARES or signal in _PERCENTS:
        return words.percent(value * 100 if signal in _SHARES else value)
    if signal in _DAYS:
        return _days(value)
    if signal == "first_response_hours_28d":
        return words.hours(value)
    if signal in _MEANS:
        return words.points(value).removesuffix(".0")
    return f"{words.shown(value)} of 5" if signal == "pulse" else str(words.shown(value))


def told(signal: str, value: float | None) -> str:
    """Return a signal as a sentence says it: a change with its direction, ``down 38 %``; else as displayed."""
    if value is None or signal not in _PERCENTS:
        return display(signal, value)
    if words.shown(abs(value)) == 0:
        return "unchanged"
    return f"{'down' if value < 0 else 'up'} {words.percent(abs(value))}"


def _days(value: float) -> str:
    if 0 < value < 1:
        return "since today"
    return (words.MINUS if value < 0 else "") + words.days(value)
