"""Verify: does the fold of the retained log equal what is stored, field by field, as far as retention reaches?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from truenorth.clock import day_of, day_start_ms

from truenorth_health.domain.limits import FUTURE_MS_MAX
from truenorth_health.domain.parts import Usage, UsageMembers
from truenorth_health.domain.state import PART_KINDS, AccountState
from truenorth_health.domain.verify_fields import Field, fields_of, usage_fields

KEPT_WHOLE: Final[Mapping[str, int]] = {}
"""No source has lost a record: everything is compared."""
NO_RECORD: Final = "no record"
"""What is published of a change that was not."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field (dotted path) that differs; None where a side does not have it."""

    field: str
    stored: object
    refolded: object


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs, and the fields that could not be compared because their events are past retention."""

    differences: list[Difference]
    out_of_reach: list[str]


def compare(stored: AccountState, refolded: AccountState, begins_ms: Mapping[str, int]) -> Comparison:
    """Compare all that `fold` keeps; the path is not its work.

    ``begins_ms`` holds, for each source whose log no longer reaches back to its first record, when the oldest record
    it still has was appended. Of such a source, what stems from an event after that (a *windowed* field: a day of
    usage, a ticket, a fact) is compared, and what may count older events (a *permanent* field: a total, the first
    use of a feature) is not, unless both sides agree on how many events there were.
    """
    found = Comparison([], [])
    for source, fields in fields_of(stored).items():
        _settle(found, fields, fields_of(refolded, only=source)[source], _limit_ms(begins_ms.get(source)))
    began_ms = begins_ms.get("usage")
    if began_ms is not None and stored.read(Usage).events == refolded.read(Usage).events:
        began_ms = None  # nothing of this account is lost
    limit_ms = None if began_ms is None else _next_day_ms(began_ms)
    shift = max(one.read(UsageMembers).shift for one in (stored, refolded))
    _settle(found, usage_fields(stored, shift=shift), usage_fields(refolded, shift=shift), limit_ms)
    return found


def usage_days_from(begins_ms: Mapping[str, int]) -> int | None:
    """Return the first epoch day of usage that is wholly retained; None when nothing was lost."""
    began_ms = begins_ms.get("usage")
    return None if began_ms is None else day_of(began_ms) + 1


def unreadable(stored: Mapping[str, bytes]) -> Iterator[Difference]:
    """Yield the parts that are none, or do not decode."""
    for name, value in stored.items():
        kind = PART_KINDS.get(name)
        if kind is None:
            yield Difference(f"part {name!r}", f"{len(value)} bytes", "no such part")
            continue
        try:
            msgspec.msgpack.decode(value, type=kind)
        except msgspec.MsgspecError as error:
            yield Difference(f"part {name!r}", f"{len(value)} bytes that do not decode: {error}", f"a {kind.__name__}")


def kind_of(field: str) -> tuple[str, str]:
    """Return the source of a field that is out of reach, and what kind of field it is."""
    source, _, rest = field.partition(".")
    first = rest.partition(".")[0]
    if source == "usage":
        return source, "days" if first == "days" else "first uses" if first == "first_used" else "totals"
    return source, first


def _limit_ms(began_ms: int | None) -> int | None:
    return None if began_ms is None else began_ms + FUTURE_MS_MAX


def _next_day_ms(began_ms: int) -> int:
    return day_start_ms(day_of(began_ms) + 1)


def _settle(found: Comparison, stored: dict[str, Field], refolded: dict[str, Field], limit_ms: int | None) -> None:
    """Sort what differs into differences and what is out of reach."""
    for name in sorted(stored.keys() | refolded.keys()):
        left, right = stored.get(name), refolded.get(name)
        if left is not None and right is not None and left.value == right.value:
            continue
        if limit_ms is not None and not (_since(left, limit_ms) and _since(right, limit_ms)):
            found.out_of_reach.append(name)
            continue
        found.differences.append(
            Difference(name, None if left is None else left.value, None if right is None else right.value)
        )


def _since(field: Field | None, limit_ms: int) -> bool:
    """Whether all that made this field must be retained; an absent one has nothing to lose."""
    return field is None or (field.at_ms is not None and field.at_ms >= limit_ms)


def pair(name: str, said: tuple[str, str], wanted: tuple[str, str]) -> Iterator[Difference]:
    """Yield the difference of two changes, each from one thing to another."""
    if said != wanted:
        yield Difference(name, " to ".join(said), " to ".join(wanted))


def equal(name: str, said: object, wanted: object) -> Iterator[Difference]:
    """Yield the difference of two values."""
    if said != wanted:
        yield Difference(name, said, wanted)
