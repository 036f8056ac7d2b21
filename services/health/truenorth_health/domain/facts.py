"""What is known of an account, merged: facts of `accounts`, with ARR and seats from active subscriptions."""

from collections.abc import Callable
from dataclasses import dataclass

from truenorth.events.health import Fact

from truenorth_health.domain import steps
from truenorth_health.domain.fold_billing import day_number, is_active
from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX
from truenorth_health.domain.parts import Accounts, Billing, FactKept, Subscription
from truenorth_health.domain.state import AccountState


@dataclass(slots=True)
class Facts:
    """Merged facts at one moment. ``*_day`` are epoch days, ``arr`` yearly minor units; None is not known."""

    kept: dict[str, FactKept]
    at_ms: int
    churned: bool = False
    churned_ms: int = 0
    churn_reason: str = ""
    name: str = ""
    owner_id: str = ""
    tier: str | None = None
    plan: str | None = None
    industry: str | None = None
    arr: int | None = None
    seats: int | None = None
    trial: bool | None = None
    modules: list[str] | None = None
    features: list[str] | None = None
    promised_service: str | None = None
    potential_arr: int | None = None
    parent_id: str | None = None
    signed_up_day: int | None = None
    live_day: int | None = None
    contract_day: int | None = None
    renews_day: int | None = None

    @property
    def day(self) -> int:
        """The epoch day of the moment."""
        return self.at_ms // DAY_MS

    @property
    def age_days(self) -> int | None:
        """Days since they signed up; None when nobody said."""
        return None if self.signed_up_day is None else self.day - self.signed_up_day

    def text(self, field: str) -> str | None:
        """Return a fact as text, as it was told."""
        kept = self.kept.get(field)
        return kept.value if kept is not None and isinstance(kept.value, str) else None

    def public(self) -> dict[str, Fact]:
        """Return the facts with their sources, for publishing."""
        return {name: Fact(kept.value, kept.source, kept.time_ms) for name, kept in sorted(self.kept.items())}

    def start_day(self, start: str) -> int | None:
        """Return the day a milestone counts from, by the name of the fact."""
        if start == "live_on":
            return self.live_day
        return self.contract_day if start == "contract_starts_on" else self.signed_up_day


def merge(state: AccountState, at_ms: int) -> Facts:
    """Return the facts in force at ``at_ms``."""
    accounts = state.read(Accounts)
    kept = dict(accounts.facts)
    billing = state.read(Billing)
    if billing.had_subscription:
        _from_subscriptions(kept, billing, at_ms)
    facts = Facts(kept, at_ms, accounts.churned, accounts.churn_at[0] if accounts.churned else 0, accounts.churn_reason)
    for name, fact in kept.items():
        value = fact.value
        if name in _PLAIN:
            setattr(facts, name, value)
        elif name in _DAYS and isinstance(value, str):
            setattr(facts, _DAYS[name], day_number(value))
    return facts


_PLAIN = frozenset(
    {"name", "owner_id", "tier", "plan", "industry", "arr", "seats", "trial", "modules", "features"}
    | {"promised_service", "potential_arr", "parent_id"}
)
_DAYS = {
    "signed_up_on": "signed_up_day",
    "live_on": "live_day",
    "contract_starts_on": "contract_day",
    "renews_on": "renews_day",
}


def active(billing: Billing, at_ms: int) -> list[Subscription]:
    """Return the subscriptions in force at ``at_ms``; clocks may differ by minutes."""
    limit_ms = at_ms + FUTURE_MS_MAX
    return [one for one in billing.subscriptions.values() if is_active(one, limit_ms)]


def _from_subscriptions(kept: dict[str, FactKept], billing: Billing, at_ms: int) -> None:
    """Let subscriptions say ARR and seats once there ever were any, and the rest where no fact says it."""
    subscriptions = active(billing, at_ms)
    if not subscriptions:
        kept["arr"] = kept["seats"] = FactKept(0, "billing", billing.newest_ms, "")
        return
    limit_ms = at_ms + FUTURE_MS_MAX
    worth = [steps.value_at(one.arr_steps, limit_ms) or 0 for one in subscriptions]
    seats = sum([steps.value_at(one.seat_steps, limit_ms) or 0 for one in subscriptions])
    latest = subscriptions[0]
    if len(subscriptions) > 1:
        latest = max(zip(worth, subscriptions, strict=True), key=_weight)[1]
    source, time_ms = latest.source or "billing", max([one.changed_at for one in subscriptions])
    kept["arr"] = FactKept(sum(worth), source, time_ms, "")
    kept["seats"] = FactKept(seats, source, time_ms, "")
    if "plan" not in kept:
        kept["plan"] = FactKept(latest.plan, source, time_ms, "")
    if "trial" not in kept:
        kept["trial"] = FactKept(all(one.trial for one in subscriptions), source, time_ms, "")
    renewals = [one.renews_on for one in subscriptions if one.renews_on is not None]
    if renewals and "renews_on" not in kept:
        kept["renews_on"] = FactKept(min(renewals), source, time_ms, "")


def _weight(pair: tuple[int, Subscription]) -> tuple[int, int, str]:
    worth, one = pair
    return worth, one.changed_at, one.plan


def arr_change_percent(state: AccountState, at_ms: int, days: int) -> float | None:
    """Return by how many percent ARR changed over ``days``; None when it was nothing or not known then."""
    return _change(state, at_ms, days, _arr_of_subscription, _arr_of_account)


def seats_change_percent(state: AccountState, at_ms: int, days: int) -> float | None:
    """Return by how many percent bought seats changed over ``days``; None when there were none or not known then."""
    return _change(state, at_ms, days, _seats_of_subscription, _seats_of_account)


Steps = list[tuple[int, int]]


def _change(
    state: AccountState,
    at_ms: int,
    days: int,
    of_subscription: Callable[[Subscription], Steps],
    of_account: Callable[[Accounts], Steps],
) -> float | None:
    then_ms, now_ms = at_ms - days * DAY_MS, at_ms + FUTURE_MS_MAX
    billing = state.read(Billing)
    if billing.had_subscription:
        before, now = (_sum_at(billing, of_subscription, moment_ms) for moment_ms in (then_ms, now_ms))
    else:
        told = of_account(state.read(Accounts))
        before, now = steps.value_at(told, then_ms) or 0, steps.value_at(told, now_ms) or 0
    return (now - before) / before * 100 if before else None


def _sum_at(billing: Billing, of_subscription: Callable[[Subscription], Steps], at_ms: int) -> int:
    return sum(
        steps.value_at(of_subscription(one), at_ms) or 0
        for one in billing.subscriptions.values()
        if is_active(one, at_ms)
    )


def _arr_of_subscription(one: Subscription) -> Steps:
    return one.arr_steps


def _seats_of_subscription(one: Subscription) -> Steps:
    return one.seat_steps


def _arr_of_account(accounts: Accounts) -> Steps:
    return accounts.arr_steps


def _seats_of_account(accounts: Accounts) -> Steps:
    return accounts.seat_steps
