"""Which events a signal is measured from, how far back it looks, and those of an account that it looks at now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from truenorth import words
from truenorth.definitions.signals import SIGNALS, Signal
from truenorth.events import FAMILY_OF_TYPE, Event
from truenorth.events.catalogue import types_of
from truenorth.topics import HEALTH_SOURCES

from truenorth_health.domain.fold import fold
from truenorth_health.domain.fold_tickets import is_open
from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX, NPS_DAYS_VALID, PULSE_DAYS_VALID
from truenorth_health.domain.parts import Billing, Invoice, Ticket, Tickets
from truenorth_health.domain.state import new_state

LATEST_MAX: Final = 3
"""So many events are named for each measure; the others are counted."""
TOLD_CHARS_MAX: Final = 80

_TICKETS: Final = types_of("tickets")
_INVOICES: Final = ("invoice.issued", "invoice.overdue", "invoice.paid")
_CONTRACT: Final = ("subscription.started", "subscription.changed", "subscription.ended", "account.updated")
_ANSWERS: Final = ("engagement.held", "survey.answered")
_SOURCES: Final = {type_: HEALTH_SOURCES.index(FAMILY_OF_TYPE[type_]) for type_ in (*_TICKETS, *_INVOICES)}
_MONTH: Final = 28


@dataclass(frozen=True, slots=True)
class Looks:
    """What a signal looks at: events of ``types`` of the last ``days`` (None: all), today included.

    A payload that has one of ``fields`` counts when it has one of the values named there. ``is_open``: only those of
    things that are open now (tickets not solved, invoices overdue), which ``fields`` then speak of.
    """

    types: tuple[str, ...]
    days: int | None = None
    fields: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    is_open: bool = False


def _only(**fields: tuple[Any, ...]) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    return tuple(fields.items())


_SPECIAL: Final[tuple[tuple[str, Looks], ...]] = (
    ("usage_trend_7d", Looks(types_of("usage"), 35)),
    ("usage_trend_28d", Looks(types_of("usage"), 2 * _MONTH)),
    ("actors_trend_28d", Looks(types_of("usage"), 2 * _MONTH)),
    ("stickiness", Looks(types_of("usage"), _MONTH)),
    ("breadth", Looks(types_of("usage"), _MONTH)),
    ("feature_breadth", Looks(types_of("usage"), _MONTH)),
    ("consumption_gap", Looks(types_of("usage"), _MONTH)),
    ("open_p1", Looks(_TICKETS, fields=_only(priority=("p1",)), is_open=True)),
    ("open_p2", Looks(_TICKETS, fields=_only(priority=("p2",)), is_open=True)),
    ("open_escalated", Looks(_TICKETS, fields=_only(escalated=(True,)), is_open=True)),
    ("open_", Looks(_TICKETS, is_open=True)),
    ("oldest_ticket", Looks(_TICKETS, is_open=True)),
    ("tickets_reopened", Looks(("ticket.reopened",))),
    ("tickets_", Looks(("ticket.opened",))),
    ("first_response", Looks(("ticket.opened", "ticket.updated", "ticket.solved"))),
    ("resolution", Looks(("ticket.solved",))),
    ("csat", Looks(("ticket.rated", "survey.answered"), fields=_only(kind=("csat",)))),
    ("invoices_overdue", Looks(_INVOICES, is_open=True)),
    ("overdue_amount", Looks(_INVOICES, is_open=True)),
    ("days_overdue", Looks(_INVOICES, is_open=True)),
    ("failed_payments", Looks(("payment.failed", "payment.disputed"))),
    ("arr", Looks(_CONTRACT)),
    ("seats", Looks(_CONTRACT)),
    ("days_to_renewal", Looks(_CONTRACT)),
    ("nps_mean", Looks(("survey.answered",), NPS_DAYS_VALID, _only(kind=("nps",)))),
    *(
        (f"nps_{role}", Looks(("survey.answered",), NPS_DAYS_VALID, _only(kind=("nps",), role=(role,))))
        for role in ("champion", "sponsor", "economic_buyer", "admin", "end_user")
    ),
    ("nps", Looks(("survey.answered",), NPS_DAYS_VALID, _only(kind=("nps",)))),
    ("ces", Looks(("survey.answered",), fields=_only(kind=("ces",)))),
    ("pulse", Looks(("pulse.set",), PULSE_DAYS_VALID)),
    ("usage_fit", Looks(("usage_fit.set",))),
    ("essential", Looks(("essential.set", "survey.answered"), fields=_only(kind=("nps",)))),
    ("objectives_set", Looks(("objective.set",))),
    ("objectives_met", Looks(("objective.set", "value.recorded"))),
    ("value_to_target", Looks(("objective.set", "value.recorded"))),
    ("value_records", Looks(("value.recorded",))),
    ("days_since_value", Looks(("value.recorded",))),
    ("days_since_confirmed", Looks(("value.recorded",), fields=_only(by=("customer",)))),
    ("days_since_review", Looks(("engagement.held",), fields=_only(kind=("review", "board"), answered=(True,)))),
    ("advocacy", Looks(("advocacy.recorded",))),
    ("renewal_intent", Looks(("renewal.intent",))),
    ("unanswered", Looks(("engagement.held",), fields=_only(answered=(False,)))),
    ("engagements_", Looks(("engagement.held",))),
    ("answered_share", Looks(("engagement.held",))),
    ("champion_gone", Looks(("contact.left", "engagement.held"), fields=_only(role=("champion",), answered=(True,)))),
    ("contacts_left", Looks(("contact.left",))),
    ("active_", Looks(_ANSWERS, fields=_only(answered=(True,)))),
    ("days_since_champion", Looks(_ANSWERS, fields=_only(role=("champion",), answered=(True,)))),
    ("days_since_sponsor", Looks(_ANSWERS, fields=_only(role=("sponsor",), answered=(True,)))),
    ("days_since_buyer", Looks(_ANSWERS, fields=_only(role=("economic_buyer",), answered=(True,)))),
    ("days_since_touch", Looks(_ANSWERS, fields=_only(answered=(True,)))),
)
"""The first that a signal's name begins with says what it looks at; usage signals not named look at all usage."""


def _looks(signal: Signal) -> Looks:
    if signal.source == "usage":
        found = next((looks for name, looks in _SPECIAL if name == signal.name), Looks(types_of("usage")))
    else:
        named = (looks for start, looks in _SPECIAL if signal.name.startswith(start))
        found = next(named, Looks(types_of(signal.source or "actions")))
    return found if found.days is not None else replace(found, days=suffix_days(signal.name))


def suffix_days(name: str) -> int | None:
    """Return the days of a name's ``_28d`` suffix; None when it has none."""
    digits = name.rpartition("_")[2].removesuffix("d")
    return int(digits) if name.endswith("d") and digits.isdigit() else None


LOOKS: Final[Mapping[str, Looks]] = {signal.name: _looks(signal) for signal in SIGNALS}
"""Signal -> what it looks at."""


class EventTold(msgspec.Struct, frozen=True):
    """An event in short: when it happened (epoch ms), its type and id, and its telling fields in words."""

    time_ms: int
    type: str
    id: str
    told: str


class Behind(msgspec.Struct, frozen=True):
    """The events that a signal is measured from: how many, of how many days back (None: all), the latest few.

    ``is_open``: only those of tickets or invoices that are open.
    """

    count: int
    days: int | None
    latest: list[EventTold]
    is_open: bool = False


class Past:
    """The events of one account that were known at a moment, for one question after the other.

    What names a person never shows: who asked to be forgotten may be among them.
    """

    def __init__(self, events: Sequence[Event], at_ms: int) -> None:
        self._at_ms = at_ms
        known = [event for event in events if event.time_ms <= at_ms + FUTURE_MS_MAX]
        self._events = sorted(known, key=lambda event: (event.time_ms, event.id))
        self._open = _open(self._events, at_ms // DAY_MS)

    def behind(self, signal: str) -> Behind:
        """Return the events behind a signal; `KeyError` when there is no such signal."""
        looks = LOOKS[signal]
        first_ms = 0 if looks.days is None else (self._at_ms // DAY_MS - looks.days + 1) * DAY_MS
        found = [event for event in self._events if event.time_ms >= first_ms and self._counts(event, looks)]
        return Behind(len(found), looks.days, [told(event) for event in found[: -LATEST_MAX - 1 : -1]], looks.is_open)

    def _counts(self, event: Event, looks: Looks) -> bool:
        if event.type not in looks.types:
            return False
        if looks.is_open:
            thing = self._open.get(_thing_of(event.data))
            return thing is not None and _matches(thing, looks)
        return _matches(event.data, looks)


def _matches(data: object, looks: Looks) -> bool:
    return all(not hasattr(data, name) or getattr(data, name) in values for name, values in looks.fields)


def _thing_of(data: Any) -> tuple[str, str]:
    return ("invoice", data.invoice_id) if hasattr(data, "invoice_id") else ("ticket", data.ticket_id)


def _open(events: Sequence[Event], day: int) -> dict[tuple[str, str], Ticket | Invoice]:
    """Return the tickets that are open and the invoices that are overdue, by kind and id: as the fold has them."""
    state = new_state("")
    for event in events:
        if event.type in _TICKETS or event.type in _INVOICES:
            fold(state, _SOURCES[event.type], event, event.time_ms)
    found: dict[tuple[str, str], Ticket | Invoice] = {}
    found |= {("ticket", key): one for key, one in state.read(Tickets).by_id.items() if is_open(one)}
    found |= {("invoice", key): one for key, one in state.read(Billing).invoices.items() if _is_overdue(one, day)}
    return found


def _is_overdue(one: Invoice, day: int) -> bool:
    if one.due_day is None or one.paid_ms is not None:
        return False
    return day > one.due_day or (one.overdue and day == one.due_day)


_MONEY: Final = frozenset({"arr", "amount", "refund", "potential_arr"})
_TOLD: Final = (
    "feature",
    "module",
    "count",
    "errors",
    "ticket_id",
    "invoice_id",
    "subscription_id",
    "objective_id",
    "priority",
    "escalated",
    "kind",
    "score",
    "rating",
    "fit",
    "role",
    "answered",
    "intent",
    "plan",
    "seats",
    "arr",
    "amount",
    "unit",
    "target",
    "by",
    "due_on",
    "renews_on",
    "first_response_minutes",
    "trial",
    "tier",
)
"""Fields that tell something, in this order; none of them names a person at the account."""


def told(event: Event) -> EventTold:
    """Return an event in short."""
    said: list[str] = []
    for name in _TOLD:
        value = getattr(event.data, name, None)
        if name == "amount" and not isinstance(value, int):
            said += [] if value is None else [f"{value:g}"]
        elif name in _MONEY and isinstance(value, int):
            said.append(f"{name} {words.money(value)}")
        elif isinstance(value, bool):
            said += [name if value else f"not {name}"] if name == "answered" or value else []
        elif isinstance(value, float):
            said.append(f"{name} {value:g}")
        elif name == "count":
            said += [f"×{value}"] if value is not None and value > 1 else []
        elif isinstance(value, int) and (value or name != "errors"):
            said.append(f"{name.replace('_', ' ')} {value}")
        elif isinstance(value, str):
            said.append(f"{name.replace('_', ' ')} {value}" if name in _NAMED else str(value))
    text = ", ".join(said)
    return EventTold(event.time_ms, event.type, event.id, words_within(text, TOLD_CHARS_MAX))


_NAMED: Final = frozenset({"due_on", "renews_on", "by", "plan", "tier", "objective_id"})


def words_within(text: str, chars: int) -> str:
    """Return the text, cut with an ellipsis where it is longer than ``chars``."""
    return text if len(text) <= chars else text[: chars - 1] + "…"
