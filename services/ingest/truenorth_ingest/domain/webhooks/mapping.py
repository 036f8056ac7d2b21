"""What a webhook means by a connector's mappings (`Connector`, `EventMapping`): compiled once, read many times."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
from truenorth.definitions.intake import Connector, EventMapping
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE
from truenorth.events.payload import PayloadStruct

from truenorth_ingest.domain.cures import data_refusal
from truenorth_ingest.domain.lookups import external_lookup
from truenorth_ingest.domain.told import Told
from truenorth_ingest.domain.webhooks.expressions import Evaluate, as_text, as_time, compiled, is_true

EVENTS_PER_WEBHOOK_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Rule:
    when: Evaluate
    event_type: str
    payload: type[PayloadStruct] | None
    each: Evaluate | None
    account: Evaluate | None
    external_id: Evaluate | None
    id: Evaluate | None
    time: Evaluate | None
    data: Sequence[tuple[str, Evaluate]]


class CompiledMappings:
    """The mappings of one connector; `read` is a `truenorth_ingest.domain.told.Reader`.

    Raises:
        RefusedError: ``expression_invalid`` or ``type_not_accepted``, with the field of the connector.
    """

    def __init__(self, connector: Connector) -> None:
        self._system = connector.external_ids or connector.id
        self._id = _maybe(connector.event_id, "event_id")
        signature = connector.signature
        self._id_header = signature.id_header.lower() if signature is not None and "{id}" in signature.signed else ""
        self._time = _maybe(connector.time, "time")
        self._rules = [_rule(mapping, f"mappings[{index}]") for index, mapping in enumerate(connector.mappings)]

    def read(self, payload: object, headers: Mapping[str, str]) -> Sequence[Told]:
        """Return the events that a payload means: those of the first mapping that fits.

        Raises:
            RefusedError: ``webhook_unknown`` when none fits, ``webhook_invalid`` with the field.
        """
        for rule in self._rules:
            if is_true(_evaluated(rule.when, payload, "when")):
                return self._told(rule, payload, headers)
        raise RefusedError(
            "webhook_unknown", "no mapping of this connector takes this webhook; add one, or one that ignores it"
        )

    def _told(self, rule: _Rule, payload: object, headers: Mapping[str, str]) -> Sequence[Told]:
        if rule.payload is None:
            return ()
        items = [payload] if rule.each is None else _items(rule.each, payload)
        delivery, at = self._delivery(payload, headers), _time(self._time, payload)
        several = bool(delivery) and rule.each is not None
        return [
            self._one(rule, rule.payload, item, f"{delivery}-{index}" if several else delivery, at)
            for index, item in enumerate(items)
        ]

    def _one(self, rule: _Rule, payload: type[PayloadStruct], item: object, event_id: str, at: str) -> Told:
        if rule.id is not None:
            event_id = _text(rule.id, item, "id") or event_id
        account = _text(rule.account, item, "account")
        external_id = "" if account else _text(rule.external_id, item, "external_id")
        if not account and not external_id:
            field = "external_id" if rule.account is None else "account"
            raise RefusedError("webhook_invalid", "nothing in it says whose account it is", field=field)
        return Told(
            type=rule.event_type,
            id=event_id,
            payload=_payload(rule, payload, item),
            time=at if rule.time is None else _time(rule.time, item),
            account=account,
            lookups=(external_lookup(self._system, external_id),) if external_id else (),
        )

    def _delivery(self, payload: object, headers: Mapping[str, str]) -> str:
        """Return what names this webhook: the id that the vendor gave it and signed; empty when it gives none."""
        return _text(self._id, payload, "event_id") or headers.get(self._id_header, "")


def _rule(mapping: EventMapping, path: str) -> _Rule:
    payload = None if mapping.ignore else CATALOGUE.get(mapping.type)
    if payload is None and not mapping.ignore:
        raise RefusedError("type_not_accepted", f"{mapping.type!r} is not an event type", field=f"{path}.type")
    return _Rule(
        when=_compiled(mapping.when, f"{path}.when"),
        event_type=mapping.type,
        payload=payload,
        each=_maybe(mapping.each, f"{path}.each"),
        account=_maybe(mapping.account, f"{path}.account"),
        external_id=_maybe(mapping.external_id, f"{path}.external_id"),
        id=_maybe(mapping.id, f"{path}.id"),
        time=_maybe(mapping.time, f"{path}.time"),
        data=[(name, _compiled(text, f"{path}.data.{name}")) for name, text in mapping.data.items()],
    )


def _maybe(expression: str, field: str) -> Evaluate | None:
    return _compiled(expression, field) if expression else None


def _compiled(expression: str, field: str) -> Evaluate:
    with _naming(field):
        return compiled(expression)


def _evaluated(evaluate: Evaluate, value: object, field: str) -> object:
    with _naming(field):
        return evaluate(value)


def _text(evaluate: Evaluate | None, value: object, field: str) -> str:
    if evaluate is None:
        return ""
    with _naming(field):
        return as_text(evaluate(value))


def _time(evaluate: Evaluate | None, value: object) -> str:
    if evaluate is None:
        return ""
    with _naming("time"):
        return as_time(evaluate(value))


def _items(each: Evaluate, payload: object) -> Sequence[object]:
    found = _evaluated(each, payload, "each")
    if found is None:
        return ()
    if not isinstance(found, list):
        raise RefusedError("webhook_invalid", "each has to find a list", field="each")
    if len(found) > EVENTS_PER_WEBHOOK_MAX:
        raise RefusedError(
            "webhook_invalid", f"one webhook means at most {EVENTS_PER_WEBHOOK_MAX} events", field="each"
        )
    return [{**(item if isinstance(item, dict) else {"item": item}), "payload": payload} for item in found]


def _payload(rule: _Rule, payload: type[PayloadStruct], item: object) -> PayloadStruct:
    """Return what the event says; a field whose expression finds nothing is left out."""
    values = {name: _evaluated(evaluate, item, f"data.{name}") for name, evaluate in rule.data}
    said = {name: value for name, value in values.items() if value is not None}
    try:
        return msgspec.convert(said, payload)
    except msgspec.ValidationError as error:
        refusal = data_refusal(error, payload)
        raise RefusedError("webhook_invalid", refusal.message, field=refusal.field) from None


@contextmanager
def _naming(field: str) -> Iterator[None]:
    """Say of what goes wrong in the block which field of the definition it was."""
    try:
        yield
    except RefusedError as refusal:
        raise RefusedError(refusal.code, refusal.message, field=field) from None
