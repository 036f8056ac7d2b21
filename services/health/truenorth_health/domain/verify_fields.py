"""The fields of a state as `verify` compares them: each under a dotted name, with the time it stems from.

A field with a time is *windowed*: it is made by events not older than that. A field without one is *permanent*: a
total, or a thing that was once true.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec
from truenorth.clock import date_of_day, day_start_ms

from truenorth_health.domain import parts
from truenorth_health.domain.parts_engagements import Engagements
from truenorth_health.domain.sampling import HASH_BYTES, is_sampled
from truenorth_health.domain.state import AccountState


class Field(NamedTuple):
    """A field's value, and the event time (epoch ms) it stems from; None: it may stem from any event."""

    value: object
    at_ms: int | None = None


_WHOLE: Final[dict[str, type[msgspec.Struct]]] = {
    "tickets": parts.Tickets,
    "billing": parts.Billing,
    "surveys": parts.Surveys,
    "accounts": parts.Accounts,
    "engagements": Engagements,
    "actions": parts.Actions,
    "erasures": parts.Erasures,
    "roll-ups": parts.Children,
}

_TIMES: Final[dict[str, Callable[[Any], int | None]]] = {
    "tickets.by_id": lambda ticket: ticket.heard_ms,
    "tickets.newest_ms": lambda at_ms: at_ms,
    "billing.subscriptions": lambda one: one.started_ms,
    "billing.invoices": lambda one: one.seen_ms,
    "billing.newest_ms": lambda at_ms: at_ms,
    "surveys.nps": lambda answer: answer.at_ms,
    "surveys.newest_ms": lambda at_ms: at_ms,
    "accounts.facts": lambda fact: fact.time_ms,
    "accounts.newest_ms": lambda at_ms: at_ms,
    "engagements.held": lambda held: held[0],
    "engagements.objectives": lambda aim: aim[0],
    "engagements.advocacy": lambda at_ms: at_ms,
    "engagements.left": lambda left: left[0],
    "engagements.intent": lambda intent: intent[0],
    "engagements.value_last_ms": lambda at_ms: at_ms,
    "engagements.met": lambda at_ms: at_ms,
    "engagements.reviewed_ms": lambda at_ms: at_ms,
    "engagements.confirmed_ms": lambda at_ms: at_ms,
    "engagements.newest_ms": lambda at_ms: at_ms,
    "actions.pulse": lambda said: None if said is None else said.at_ms,
    "actions.override": lambda said: None if said is None else said.at_ms,
    "actions.fit": lambda said: None if said is None else said.at_ms,
    "actions.essential": lambda said: None if said is None else said.at_ms,
    "actions.newest_ms": lambda at_ms: at_ms,
    "erasures.account_ms": lambda at_ms: at_ms,
    "erasures.members": lambda at_ms: at_ms,
    "roll-ups.by_id": lambda child: child.at_ms,
    "roll-ups.gone": lambda left: left[1],
}
"""Windowed fields, and when the event was that made one. Every other field is permanent."""

_ITEMS: Final[dict[str, Callable[[Any], int]]] = {
    "surveys.csat": lambda answer: answer.at_ms,
    "surveys.ces": lambda answer: answer.at_ms,
    "billing.failed_ms": lambda at_ms: at_ms,
    "engagements.log": lambda held: held.at_ms,
    "engagements.gains": lambda gain: gain.at_ms,
    "engagements.advocated": lambda at_ms: at_ms,
    "engagements.departures": lambda left: left.at_ms,
}
"""Lists of windowed items, each of which is a field of its own."""


def fields_of(state: AccountState, *, only: str | None = None) -> dict[str, dict[str, Field]]:
    """Return source -> dotted name -> field, of every source but usage (or of ``only`` one)."""
    names = _WHOLE if only is None else (only,)
    return {name: dict(_part_fields(name, state.read(_WHOLE[name]))) for name in names}


def _part_fields(source: str, part: msgspec.Struct) -> Iterator[tuple[str, Field]]:
    for field in part.__struct_fields__:
        name, value = f"{source}.{field}", getattr(part, field)
        time = _TIMES.get(name)
        if item_time := _ITEMS.get(name):
            yield from _listed(name, value, item_time)
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from _flat(f"{name}.{key}", inner, None if time is None else time(inner))
        else:
            yield from _flat(name, value, None if time is None else time(value))


def _listed(name: str, items: list[Any], time: Callable[[Any], int]) -> Iterator[tuple[str, Field]]:
    """Yield items under time and repetition: equal ones are told apart by their number."""
    seen: dict[int, int] = {}
    for item in items:
        at_ms = time(item)
        number = seen[at_ms] = seen.get(at_ms, -1) + 1
        yield f"{name}.{at_ms}.{number}", Field(item, at_ms)


def _flat(prefix: str, value: Any, at_ms: int | None) -> Iterator[tuple[str, Field]]:
    """Yield the leaves of structs and dicts under dotted names."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _flat(f"{prefix}.{name}", getattr(value, name), at_ms)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}", inner, at_ms)
    else:
        yield prefix, Field(value, at_ms)


def usage_fields(state: AccountState, *, shift: int = 0) -> dict[str, Field]:
    """Return the fields of usage; a day stems from its own events, totals and first days from any.

    Actors are those that a sample of ``shift`` (or of the state's own, when that is higher) keeps.
    """
    return dict(_usage(state, shift))


def _usage(state: AccountState, shift: int) -> Iterator[tuple[str, Field]]:
    usage, names = state.read(parts.Usage), state.read(parts.UsageNames)
    yield "usage.last_ms", Field(usage.last_ms, usage.last_ms)
    for field in ("events", "late", "actors_over", "features_over", "modules_over"):
        yield f"usage.{field}", Field(getattr(usage, field))
    for feature, first in zip(names.features, names.first_days, strict=True):
        yield f"usage.first_used.{feature}", Field(date_of_day(first).isoformat(), day_start_ms(first))
    yield from _usage_days(state, usage, names, shift)


def _usage_days(
    state: AccountState, usage: parts.Usage, names: parts.UsageNames, shift: int
) -> Iterator[tuple[str, Field]]:
    """Yield each day by names and hashes: slots may be numbered otherwise where the log starts later."""
    hashes = state.read(parts.UsageMembers).hashes
    past = state.read(parts.UsageCounts).days
    for row in [*state.read(parts.UsagePast).days, usage.today]:
        if row.day < 0:
            continue
        prefix, at_ms = f"usage.days.{date_of_day(row.day).isoformat()}", day_start_ms(row.day)
        counts = usage.counts if row is usage.today else past.get(row.day, {})
        actors = [bytes(hashes[slot * HASH_BYTES : (slot + 1) * HASH_BYTES]) for slot in _slots(row.actors)]
        members = [key.hex() for key in actors if is_sampled(key, shift)]
        by_name = {names.features[slot]: count for slot, count in sorted(counts.items())}
        yield f"{prefix}.count", Field(row.count, at_ms)
        yield f"{prefix}.features", Field(by_name, at_ms)
        yield f"{prefix}.distinct", Field(sorted(names.features[slot] for slot in _slots(row.features)), at_ms)
        yield f"{prefix}.modules", Field(sorted(names.modules[slot] for slot in _slots(row.modules)), at_ms)
        yield f"{prefix}.actors", Field(sorted(members), at_ms)
        yield f"{prefix}.seconds", Field(row.seconds, at_ms)
        yield f"{prefix}.errors", Field(row.errors, at_ms)


def _slots(bits: bytearray) -> Iterator[int]:
    for index, byte in enumerate(bits):
        for bit in range(8):
            if byte >> bit & 1:
                yield index * 8 + bit
