"""Checks of intake: connectors that could not verify or mean anything, rules and traits that name what is not there.

Whether an expression can be read is checked where expressions are evaluated (`truenorth.definitions.lint.LINTS`).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec.structs
from msgspec import inspect

from truenorth.definitions import findings
from truenorth.definitions.findings import Found
from truenorth.definitions.intake import Connector, EventMapping, Signature, TrackRule
from truenorth.definitions.model import Definitions
from truenorth.events.catalogue import CATALOGUE, TYPES_FROM_OUTSIDE
from truenorth.events.inputs import AccountUpdated
from truenorth.events.payload import PayloadStruct

_PLACES: Final = ("body", "timestamp", "id", "method", "url")
_USAGE: Final = "usage.recorded"


def connectors(definitions: Definitions) -> Iterator[Found]:
    """Check how connectors verify, that they mean something, and that what they mean can be sent."""
    settings: dict[str, str] = {}
    for index, connector in enumerate(definitions.connectors):
        path = f"connectors[{index}]"
        first = settings.setdefault(connector.id.replace("-", "_"), connector.id)
        if first != connector.id:
            message = f"the setting of its secret would be that of {first!r} too; give it another id"
            yield Found("connector_unclear", f"{path}.id", message)
        yield from _verifying(connector, path)
        yield from _silence(connector, path)
        yield from _meaning(connector, path)


def _verifying(connector: Connector, path: str) -> Iterator[Found]:
    if connector.auth == "signature" and connector.signature is None:
        message = "say how it signs, or write auth: basic or auth: token"
        yield Found("signature_missing", path, message)
    if connector.auth != "signature" and connector.signature is not None:
        message = f"nothing checks it while auth is {connector.auth}; leave one of them out"
        yield Found("signature_unused", f"{path}.signature", message)
    if connector.signature is not None:
        yield from _signature(connector.signature, f"{path}.signature")


def _signature(signature: Signature, path: str) -> Iterator[Found]:
    named = re.findall(r"\{([^{}]*)\}", signature.signed)
    for name in named:
        yield from findings.unknown_reference(f"{path}.signed", name, _PLACES, "place")
    if "body" not in named:
        yield Found("body_unsigned", f"{path}.signed", "{body} has to be signed: else anybody can write what it says")
    has_time = bool(signature.timestamp_header or signature.timestamp_prefix)
    if "timestamp" in named and not has_time:
        message = "say where the timestamp is: timestamp_header, or timestamp_prefix in the signature's own header"
        yield Found("timestamp_missing", f"{path}.signed", message)
    if has_time and "timestamp" not in named:
        message = "a timestamp that is not signed proves nothing; put {timestamp} into signed, or leave it out"
        yield Found("timestamp_unsigned", f"{path}.signed", message)
    if signature.timestamp_header and signature.timestamp_prefix:
        yield Found("timestamp_unclear", f"{path}.timestamp_prefix", "the timestamp is in one place; give one of them")
    if "id" in named and not signature.id_header:
        yield Found("id_missing", f"{path}.signed", "say in which header the id is: id_header")


def _silence(connector: Connector, path: str) -> Iterator[Found]:
    after = connector.silent_after
    if after is None:
        return
    where = f"{path}.silent_after"
    yield from findings.too_long(where, after)
    if not after.rstrip("smhbd").strip("0"):
        yield Found("silent_at_once", where, "after no time at all every connector is silent; give it longer")
    if after.endswith("bd"):
        yield Found("duration_unclear", where, "a connector knows no business days; write d, and count the weekend in")


def _meaning(connector: Connector, path: str) -> Iterator[Found]:
    if connector.reads == "mapping" and not connector.mappings:
        yield Found("mappings_missing", path, "its webhooks would all be refused; say in mappings what they mean")
    if connector.reads != "mapping" and connector.mappings:
        message = f"nothing reads them while {connector.reads} does; leave reads or the mappings out"
        yield Found("mappings_unused", f"{path}.mappings", message)
    before: dict[str, int] = {}
    for index, mapping in enumerate(connector.mappings):
        where = f"{path}.mappings[{index}]"
        first = before.setdefault(mapping.when, index)
        if first != index:
            yield Found(
                "mapping_unreachable", f"{where}.when", f"never reached: mappings[{first}] takes all that it would"
            )
        yield from _mapping(mapping, where)


def _mapping(mapping: EventMapping, path: str) -> Iterator[Found]:
    if mapping.ignore:
        if mapping.type or mapping.data:
            yield Found("mapping_unclear", path, "it is ignored and means something; leave ignore or the rest out")
        return
    if not mapping.type:
        yield Found("type_missing", path, "say what it means (type), or ignore: true")
        return
    yield from _unknown_type(mapping.type, f"{path}.type")
    if not mapping.account and not mapping.external_id:
        message = "say whose it is: account, or external_id (the account's id in the other system)"
        yield Found("account_missing", path, message)
    if mapping.type in TYPES_FROM_OUTSIDE:
        yield from _fields(mapping.data, CATALOGUE[mapping.type], f"{path}.data")


def tracking(definitions: Definitions) -> Iterator[Found]:
    """Check what rules for SDK calls mean, and that each can be reached."""
    for index, rule in enumerate(definitions.tracking):
        path = f"tracking[{index}]"
        yield from _reachable(rule, definitions.tracking[:index], path)
        if rule.ignore:
            if rule.type != _USAGE or rule.feature or rule.module or rule.count or rule.data:
                yield Found("rule_unclear", path, "it is ignored and means something; leave ignore or the rest out")
            continue
        yield from _unknown_type(rule.type, f"{path}.type")
        if rule.type == _USAGE:
            if rule.data:
                message = "usage has feature, module and count beside event; give those"
                yield Found("data_unused", f"{path}.data", message)
            continue
        for name in ("feature", "module", "count"):
            if getattr(rule, name):
                message = f"{name} belongs to {_USAGE}; give the fields of {rule.type} in data"
                yield Found("field_unused", f"{path}.{name}", message)
        if rule.type in TYPES_FROM_OUTSIDE:
            yield from _fields(rule.data, CATALOGUE[rule.type], f"{path}.data")


def _reachable(rule: TrackRule, before: Sequence[TrackRule], path: str) -> Iterator[Found]:
    for earlier in before:
        wide = earlier.event.endswith("*") and rule.event.startswith(earlier.event[:-1])
        if earlier.call == rule.call and wide:
            message = f"never reached: {earlier.event!r} comes before it and takes all that it would"
            yield Found("rule_unreachable", f"{path}.event", message)
            return


def traits(definitions: Definitions) -> Iterator[Found]:
    """Check that each trait is a fact there is, and that only numbers are scaled."""
    known = {field.name: field for field in msgspec.structs.fields(AccountUpdated)}
    for index, trait in enumerate(definitions.traits):
        path = f"traits[{index}]"
        yield from findings.unknown_reference(f"{path}.fact", trait.fact, known, "fact")
        if trait.times <= 0:
            yield Found("times_invalid", f"{path}.times", f"{trait.times:g} would make nothing of it; give more than 0")
        if trait.times != 1 and trait.fact in known and not _is_number(known[trait.fact].type):
            yield Found("times_unused", f"{path}.times", f"{trait.fact} is no number; leave times out")


def _unknown_type(event_type: str, path: str) -> Iterator[Found]:
    if event_type in CATALOGUE and event_type not in TYPES_FROM_OUTSIDE:
        yield Found("type_ours", path, f"{event_type!r} is written by truenorth itself; nobody sends it")
        return
    yield from findings.unknown_reference(path, event_type, sorted(TYPES_FROM_OUTSIDE), "type")


def _fields(given: Collection[str], payload: type[PayloadStruct], path: str) -> Iterator[Found]:
    known = {field.name: field.required for field in msgspec.structs.fields(payload)}
    for name in given:
        if known:
            yield from findings.unknown_reference(f"{path}.{name}", name, known, "field")
        else:
            yield Found("field_unknown", f"{path}.{name}", "this event has no fields; leave data out")
    for name, required in known.items():
        if required and name not in given:
            yield Found("field_missing", path, f"{name!r} is missing; the event needs it")


def _is_number(kind: object) -> bool:
    return _holds_number(inspect.type_info(kind))


def _holds_number(shape: inspect.Type) -> bool:
    if isinstance(shape, inspect.UnionType):
        return any(_holds_number(member) for member in shape.types)
    if isinstance(shape, inspect.Metadata):
        return _holds_number(shape.type)
    return isinstance(shape, inspect.IntType | inspect.FloatType)
