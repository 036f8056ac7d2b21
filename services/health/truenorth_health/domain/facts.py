"""What is known of an account, merged: facts of `accounts`, with ARR and seats from active subscriptions."""

from dataclasses import dataclass

from truenorth.events.health import Fact

from truenorth_health.domain import steps
from truenorth_health.domain.fold_billing import day_number
from truenorth_health.domain.limits import DAY_MS
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
        _from_subscriptions(kept, active(billing, at_ms), billing.newest_ms)
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
    """Return the subscriptions in force at ``at_ms``."""
    return [
        one
        for one in billing.subscriptions.values()
        if one.started_ms <= at_ms and (one.ended_ms is None or one.ended_ms > at_ms)
    ]


def _from_subscriptions(kept: dict[str, FactKept], subscriptions: list[Subscription], newest_ms: int) -> None:
    """Let subscriptions say ARR and seats once there ever were any, and the rest where no fact says it."""
    if not subscriptions:
        kept["arr"] = FactKept(0, "billing", newest_ms, "")
        kept["seats"] = FactKept(0, "billing", newest_ms, "")
        return
    latest = max(subscriptions, key=_weight)
    source, time_ms = latest.source or "billing", max(one.changed_at for one in subscriptions)
    arr = sum(one.arr_steps[-1][1] for one in subscriptions if one.arr_steps)
    said: dict[str, str | int | bool | None] = {"arr": arr, "seats": sum(one.seats for one in subscriptions)}
    renewals = [one.renews_on for one in subscriptions if one.renews_on is not None]
    others: dict[str, str | int | bool | None] = {
        "plan": latest.plan,
        "trial": all(one.trial for one in subscriptions),
        "renews_on": min(renewals, default=None),
    }
    said |= {name: value for name, value in others.items() if name not in kept and value is not None}
    for name, value in said.items():
        kept[name] = FactKept(value, source, time_ms, "")


def _weight(one: Subscription) -> tuple[int, int]:
    return (one.arr_steps[-1][1] if one.arr_steps else 0, one.changed_at)


def arr_change_percent(state: AccountState, at_ms: int, days: int) -> float | None:
    """Return by how many percent ARR changed over ``days``; None when it was nothing or not known then."""
    then_ms = at_ms - days * DAY_MS
    billing = state.read(Billing)
    if billing.had_subscription:
        before = _arr(billing, then_ms)
        now = _arr(billing, at_ms)
    else:
        told = state.read(Accounts).arr_steps
        before, now = steps.value_at(told, then_ms) or 0, steps.value_at(told, at_ms) or 0
    return (now - before) / before * 100 if before else None


def _arr(billing: Billing, at_ms: int) -> int:
    return sum(steps.value_at(one.arr_steps, at_ms) or 0 for one in active(billing, at_ms))
