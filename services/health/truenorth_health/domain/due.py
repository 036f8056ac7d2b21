"""When an account has to be looked at again though nothing happens."""

from truenorth.ids import short_hash

from truenorth_health.domain.limits import DAY_MS, DAY_SPREAD_MS
from truenorth_health.domain.parts import Actions
from truenorth_health.domain.state import AccountState


def next_due_ms(state: AccountState, now_ms: int, hold_ends_ms: int | None) -> int:
    """Return the earliest of: the next day (UTC) and a small spread per account, an expiry, the end of a hold.

    Windows, due dates and deadlines are counted in days, so the day's boundary covers them all.
    """
    spread_ms = short_hash(state.account) % DAY_SPREAD_MS
    today_ms = now_ms - now_ms % DAY_MS + spread_ms
    due = [today_ms + DAY_MS]
    if hold_ends_ms is not None:
        due.append(hold_ends_ms)
    actions = state.read(Actions)
    due += [
        said.expires_ms
        for said in (actions.pulse, actions.override, actions.fit, actions.essential)
        if said is not None and said.value is not None and said.expires_ms is not None and said.expires_ms > now_ms
    ]
    return min(due)
