"""State that an older program wrote, in the form of today's: bytes in, bytes out, nothing else is looked at."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from truenorth.errors import HaltError

from truenorth_health.domain.fold_engagements import REVIEWS
from truenorth_health.domain.fold_tickets import KIND_BITS, OPENED, REOPENED, SOLVED
from truenorth_health.domain.limits import DAY_MS, USAGE_FIT_DAYS_VALID
from truenorth_health.domain.state import SCHEMA

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def migrate(parts: dict[str, bytes], schema: int) -> dict[str, bytes]:
    """Return parts that were written in version ``schema`` of the state in today's; parts that did not change as is.

    Raises:
        HaltError: no program of this kind ever wrote that version.
    """
    if not 1 <= schema <= SCHEMA:
        raise HaltError(f"state of version {schema} is not known to this program")
    out = dict(parts)
    if schema == 1:
        for name, convert in _FROM_1.items():
            if name in out:
                out[name] = _encode(convert(_decode(out[name])))
    return out


def _tickets(part: list[Any]) -> list[Any]:
    by_id, *rest = part
    return [{key: _ticket(*one) for key, one in by_id.items()}, *rest]


def _ticket(
    opened_ms: int,
    open_since_ms: int,
    is_open: bool,  # noqa: FBT001
    state_at: int,
    priority: str,
    priority_at: int,
    escalated: bool,  # noqa: FBT001
    response_minutes: int | None,
    response_at: int,
    rating: float | None,
    rating_at: int,
) -> list[Any]:
    """Return a ticket whose moves are those that its latest state lets us know of."""
    moves = [opened_ms << KIND_BITS | OPENED]
    if is_open and open_since_ms > opened_ms:
        moves += [open_since_ms << KIND_BITS | SOLVED, open_since_ms << KIND_BITS | REOPENED]
    elif not is_open:
        moves.append(max(state_at, opened_ms) << KIND_BITS | SOLVED)
    described = [priority, priority_at, escalated, priority_at]
    return [opened_ms, opened_ms, moves, *described, response_minutes, response_at, rating, rating_at, False]


def _billing(part: list[Any]) -> list[Any]:
    subscriptions, had, invoices, failed, *rest = part
    converted = {key: _subscription(*one) for key, one in subscriptions.items()}
    return [converted, had, invoices, sorted(failed), *rest]


def _subscription(
    started_ms: int,
    plan: str,
    seats: int,
    trial: bool,  # noqa: FBT001
    renews_on: str | None,
    changed_at: int,
    arr_steps: list[list[int]],
    ended_ms: int | None,
    source: str,
) -> list[Any]:
    described = [plan, changed_at, trial, changed_at, renews_on, changed_at]
    spells = [[started_ms, 1]]
    if ended_ms is not None:
        spells = [[ended_ms, 0]] if ended_ms <= started_ms else [*spells, [ended_ms, 0]]
    return [started_ms, *described, arr_steps, [[started_ms, seats]], spells, source, changed_at]


def _surveys(part: list[Any]) -> list[Any]:
    nps, csat, ces, *rest = part
    return [nps, sorted(csat, key=_first), [] if ces is None else [ces], *rest]


def _accounts(part: list[Any]) -> list[Any]:
    seats = part[0].get("seats")
    return [*part, [] if seats is None else [[seats[2], seats[0]]]]


def _engagements(part: list[Any]) -> list[Any]:
    *kept, champion_met_ms, newest_ms, over = part
    held = kept[0]
    reviewed = [at_ms for kind, (at_ms, answered) in held.items() if kind in REVIEWS and answered]
    advocacy, left = kept[4], kept[6]
    met = {"champion": champion_met_ms} if champion_met_ms else {}
    log = sorted(([at_ms, kind, answered] for kind, (at_ms, answered) in held.items()), key=_first)
    departures = sorted(([at_ms, role, who] for role, (at_ms, who) in left.items()), key=_first)
    reviewed_ms = max(reviewed, default=0)
    return [*kept, met, newest_ms, over, log, reviewed_ms, {}, [], 0, sorted(advocacy.values()), departures]


def _actions(part: list[Any]) -> list[Any]:
    pulse, override, fit, *rest = part
    if fit is not None:
        at_ms = fit[0]
        fit = [*fit[:5], at_ms + USAGE_FIT_DAYS_VALID * DAY_MS]
    return [pulse, override, fit, *rest, None]


def _first(item: list[Any]) -> int:
    at_ms: int = item[0]
    return at_ms


_FROM_1: Final[dict[str, Callable[[list[Any]], list[Any]]]] = {
    "tickets": _tickets,
    "billing": _billing,
    "surveys": _surveys,
    "accounts": _accounts,
    "engagements": _engagements,
    "actions": _actions,
}
