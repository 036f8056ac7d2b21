"""Verify: does the fold of the retained log equal what is stored, field by field?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from truenorth.clock import date_of_day

from truenorth_health.domain import parts
from truenorth_health.domain.fold_usage import HASH_BYTES
from truenorth_health.domain.state import AccountState

_WHOLE: Final[tuple[tuple[str, type[msgspec.Struct]], ...]] = (
    ("tickets", parts.Tickets),
    ("billing", parts.Billing),
    ("surveys", parts.Surveys),
    ("accounts", parts.Accounts),
    ("engagements", parts.Engagements),
    ("actions", parts.Actions),
    ("erasures", parts.Erasures),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field (dotted path) that differs; None where a side does not have it."""

    field: str
    stored: object
    refolded: object


def differences(stored: AccountState, refolded: AccountState, *, usage_from_day: int | None) -> list[Difference]:
    """Return where two folds differ; the path and the seen ids are not compared.

    ``usage_from_day`` is the first epoch day whose usage is wholly in the log. With it, usage is compared from that
    day on (windowed fields) and its permanent fields (totals, first days) are left out; None compares everything.
    """
    left = dict(_fields(stored, usage_from_day))
    right = dict(_fields(refolded, usage_from_day))
    return [
        Difference(name, left.get(name), right.get(name))
        for name in sorted(left.keys() | right.keys())
        if left.get(name) != right.get(name)
    ]


def _fields(state: AccountState, usage_from_day: int | None) -> Iterator[tuple[str, object]]:
    for name, kind in _WHOLE:
        yield from _flat(name, state.read(kind))
    yield from _usage_days(state, usage_from_day)
    usage, names = state.read(parts.Usage), state.read(parts.UsageNames)
    if usage.today.day >= (usage_from_day or 0):
        yield "usage.last_ms", usage.last_ms
    if usage_from_day is None:
        for field in ("events", "late", "actors_over", "features_over", "modules_over"):
            yield f"usage.{field}", getattr(usage, field)
        for feature, first in zip(names.features, names.first_days, strict=True):
            yield f"usage.first_used.{feature}", date_of_day(first).isoformat()


def _usage_days(state: AccountState, from_day: int | None) -> Iterator[tuple[str, object]]:
    """Yield each day by names and hashes: slots may be numbered otherwise where the log starts later."""
    usage, names = state.read(parts.Usage), state.read(parts.UsageNames)
    hashes = state.read(parts.UsageMembers).hashes
    past = state.read(parts.UsageCounts).days
    for row in [*state.read(parts.UsagePast).days, usage.today]:
        if row.day < (from_day or 0):
            continue
        prefix = f"usage.days.{date_of_day(row.day).isoformat()}"
        counts = usage.counts if row is usage.today else past.get(row.day, {})
        members = [hashes[slot * HASH_BYTES : (slot + 1) * HASH_BYTES].hex() for slot in _slots(row.actors)]
        yield f"{prefix}.count", row.count
        yield f"{prefix}.features", {names.features[slot]: count for slot, count in sorted(counts.items())}
        yield f"{prefix}.distinct", sorted(names.features[slot] for slot in _slots(row.features))
        yield f"{prefix}.modules", sorted(names.modules[slot] for slot in _slots(row.modules))
        yield f"{prefix}.actors", sorted(members)


def _slots(bits: bytearray) -> Iterator[int]:
    for index, byte in enumerate(bits):
        for bit in range(8):
            if byte >> bit & 1:
                yield index * 8 + bit


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, object]]:
    """Yield the leaves of structs and dicts under dotted names."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _flat(f"{prefix}.{name}", getattr(value, name))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}", inner)
    else:
        yield prefix, value
