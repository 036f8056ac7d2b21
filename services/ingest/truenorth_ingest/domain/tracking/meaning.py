"""What a call means: usage of a feature, unless a rule or Segment's B2B vocabulary says something else.

Rules are the definitions' `tracking`, the first that fits is taken. Expressions in them (behind ``=``) are JMESPath
over the whole call, with the functions that connectors have.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from truenorth.definitions.intake import TrackRule
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE
from truenorth.events.inputs import AccountChurned, AccountUpdated, UsageRecorded
from truenorth.events.payload import PayloadStruct

from truenorth_ingest.domain.cures import data_refusal
from truenorth_ingest.domain.tracking.calls import whole_call
from truenorth_ingest.domain.webhooks.expressions import compiled

NAME_CHARS_MAX: Final = 128
COUNT_MAX: Final = 1_000_000_000
REMEMBERED_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Meaning:
    """An event type and its payload; the payload of usage has no actor yet."""

    type: str
    payload: PayloadStruct


Means = Callable[[bytes | msgspec.Raw, str], Meaning | None]
"""(raw call, its time) -> what it means; None when it is to be ignored."""


class Meanings:
    """The rules in force, compiled; what each name means is remembered.

    Raises:
        RefusedError: ``expression_invalid``: a rule has an expression that cannot be read.
    """

    def __init__(self, rules: Sequence[TrackRule] = ()) -> None:
        self._rules = [(rule, _compiled(rule)) for rule in rules]
        self._remembered: dict[tuple[str, str], Means] = {}

    def of(self, call: str, name: str) -> Means:
        """Return what calls of this kind and name mean."""
        key = call, name
        means = self._remembered.get(key)
        if means is None:
            means = self._found(call, name)
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[key] = means
        return means

    def _found(self, call: str, name: str) -> Means:
        for rule, means in self._rules:
            if rule.call == call and _fits(rule.event, name):
                return means
        if call == "track" and name in _B2B:
            return _B2B[name]
        return _usage_of(name if call == "track" else f"{name} {call}".strip())


def _fits(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _usage_of(feature: str, module: str | None = None) -> Means:
    if not feature or len(feature) > NAME_CHARS_MAX:
        raise RefusedError("event_invalid", f"an event's name has 1 to {NAME_CHARS_MAX} characters", field="event")
    known = Meaning("usage.recorded", UsageRecorded(feature=feature, module=module))
    return lambda _raw, _at: known


def _created(_raw: bytes | msgspec.Raw, at: str) -> Meaning:
    return Meaning("account.updated", AccountUpdated(signed_up_on=at[:10]))


_B2B: Final[Mapping[str, Means]] = {
    "Account Created": _created,
    "Account Deleted": lambda _raw, _at: Meaning("account.churned", AccountChurned()),
    "Trial Started": lambda _raw, _at: Meaning("account.updated", AccountUpdated(trial=True)),
    "Trial Ended": lambda _raw, _at: Meaning("account.updated", AccountUpdated(trial=False)),
}
"""Segment's B2B SaaS events that say something about the account; the others of them are usage."""


def _compiled(rule: TrackRule) -> Means:
    if rule.ignore:
        return lambda _raw, _at: None
    if rule.type == "usage.recorded" and not rule.data:
        return _usage(rule)
    payload = CATALOGUE[rule.type]
    fields = {name: _value_of(text, f"data.{name}") for name, text in rule.data.items()}

    def means(raw: bytes | msgspec.Raw, _at: str) -> Meaning:
        call = whole_call(raw)
        found = {name: value for name, of in fields.items() if (value := of(call)) is not None}
        try:
            return Meaning(rule.type, msgspec.convert(found, payload))
        except msgspec.ValidationError as error:
            raise data_refusal(error, payload) from None

    return means


def _usage(rule: TrackRule) -> Means:
    if not rule.count and not rule.feature.startswith("=") and not rule.module.startswith("="):
        if rule.feature:
            return _usage_of(rule.feature, rule.module or None)
        if not rule.event.endswith("*"):
            return _usage_of(rule.event, rule.module or None)
    feature = _value_of(rule.feature or _OWN_NAME, "feature")
    module = _value_of(rule.module, "module") if rule.module else None
    count = _value_of(f"={rule.count.removeprefix('=')}", "count") if rule.count else None

    def means(raw: bytes | msgspec.Raw, _at: str) -> Meaning:
        call = whole_call(raw)
        found: dict[str, object] = {"feature": feature(call)}
        if module is not None:
            found["module"] = module(call)
        if count is not None and (told := count(call)) is not None:
            found["count"] = told
        try:
            return Meaning("usage.recorded", msgspec.convert(found, UsageRecorded))
        except msgspec.ValidationError as error:
            raise data_refusal(error, UsageRecorded) from None

    return means


_OWN_NAME: Final = "=event || name"


def _value_of(text: str, field: str) -> Callable[[dict[str, Any]], object]:
    """Return what reads a value: the words themselves, or the expression behind ``=``."""
    if not text.startswith("="):
        return lambda _call: text
    try:
        evaluate = compiled(text[1:])
    except RefusedError as refusal:
        raise RefusedError(refusal.code, refusal.message, field=field) from None

    def read(call: dict[str, Any]) -> object:
        try:
            return evaluate(call)
        except RefusedError as refusal:
            raise RefusedError("data_invalid", f"{text!r}: {refusal.message}", field=field) from None

    return read
