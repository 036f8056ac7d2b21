"""docs/events.md: every event type, what it means, and the fields that it has."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct, inspect
from truenorth import topics
from truenorth.events.catalogue import CATALOGUE, FAMILY_OF_TYPE, TYPES_FROM_OUTSIDE, types_of
from truenorth.events.payload import PayloadStruct
from truenorth.events.schema import meaning_of

from tests.tidy.event_examples import example_of

_HEAD = """# Events

Every event type with its fields, made from the code. To send one, start with [Sending events](guides/send-events.md);
where each travels is in [the topics](topics.md). The same as JSON Schema: [events.schema.json](events.schema.json)
(`truenorth schema --events` prints it); as AsyncAPI: [asyncapi.json](asyncapi.json). In Python the structs are in
`truenorth.events`, and [the client](guides/sources/python-client.md) takes them.

An event is a CloudEvents 1.0 envelope in JSON. `subject` is the account. Of the envelope, `type` and `subject` are all
that a producer must give, but do give `id` (it makes a repeat harmless), `time` (when it happened) and `source`:

| attribute | what it is | when it is left out |
|---|---|---|
| `type` | one of the event types below | refused |
| `subject` | the id of the account, 1 to 128 characters | refused |
| `id` | text, 1 to 256 characters; taken once per account and source within 24 hours | a fresh one |
| `source` | who says so, 1 to 256 characters | the name of the write key |
| `time` | when it happened, RFC 3339; more than five minutes ahead it is taken as now | now |
| `data` | the fields of the type; what a type does not name is dropped | no fields |
| `backfill` | true marks history: folded like any event, and alerts nobody | false |
| `traceparent` | W3C trace context | none |

Money is a whole number of minor units (cents) of the one currency of the deployment; `arr` is per year. Fields that are
neither required nor have a default may be left out. Within `.v1` fields are only added, and never required.

"""


def events_document() -> str:
    """Return docs/events.md."""
    outside = [event_type for event_type in CATALOGUE if event_type in TYPES_FROM_OUTSIDE]
    inside = [event_type for event_type in CATALOGUE if event_type not in TYPES_FROM_OUTSIDE]
    lines = [_HEAD.rstrip("\n"), "", "## What you may send", "", *_list(outside)]
    lines += ["", "## What truenorth says itself", "", "Read these; the edge refuses them.", "", *_list(inside)]
    for family in dict.fromkeys(FAMILY_OF_TYPE.values()):
        topic = topics.BY_NAME[family]
        kept = "latest per key" if topic.cleanup == "compact" else f"{topic.retention_days} days"
        lines += ["", f"## Topic `{topic.full_name}`", "", f"{topic.doc} Keyed by {topic.key}, kept: {kept}."]
        for event_type in types_of(family):
            lines += _section(event_type)
    lines += ["", "## Parts", "", "What the fields above refer to."]
    for part in _parts():
        lines += ["", f"### {part.__name__}", "", meaning_of(part), "", *_fields(part)]
    return "\n".join(lines) + "\n"


def _list(event_types: list[str]) -> Iterator[str]:
    for event_type in event_types:
        paragraph = meaning_of(CATALOGUE[event_type]).partition("\n\n")[0].replace("\n", " ").rstrip(".")
        yield f"- [`{event_type}`](#{_anchor(event_type)}): {paragraph}"


def _anchor(event_type: str) -> str:
    return event_type.replace(".", "")


def _section(event_type: str) -> list[str]:
    payload = CATALOGUE[event_type]
    sent = "may be sent from outside" if event_type in TYPES_FROM_OUTSIDE else "said by truenorth alone"
    lines = ["", f"### {event_type}", "", f"{meaning_of(payload)} *({sent})*", "", *_fields(payload)]
    return [*lines, "", "```json", *_example(event_type, payload), "```"]


def _example(event_type: str, payload: type[PayloadStruct]) -> Iterator[str]:
    subject = "stripe:cus_1" if event_type == "event.held" else "acct-1042"
    source = "app" if event_type in TYPES_FROM_OUTSIDE else "truenorth"
    outside = {"specversion": "1.0", "id": "3f6c", "source": source, "type": event_type, "subject": subject}
    data = json.dumps(example_of(payload), ensure_ascii=False)
    yield f"{json.dumps(outside)[:-1]},"
    yield ' "time": "2026-11-22T09:05:00Z",'
    yield f' "data": {data}}}'


def _fields(payload: type[Struct]) -> Iterator[str]:
    shape = inspect.type_info(payload)
    assert isinstance(shape, inspect.StructType)
    if not shape.fields:
        yield "No fields."
        return
    yield from ("| field | what it holds | |", "|---|---|---|")
    for field in shape.fields:
        yield f"| `{field.encode_name}` | {_told(field.type)} | {_when_absent(field)} |"


def _when_absent(field: inspect.Field) -> str:
    if field.required:
        return "**required**"
    default = msgspec.json.encode(None if field.default is NODEFAULT else field.default).decode()
    return "" if default in {"null", '""', "[]", "{}"} else f"default `{default}`"


def _told(shape: inspect.Type) -> str:  # noqa: PLR0911 - one case per kind of type
    match shape:
        case inspect.UnionType(types=types):
            return " or ".join(_told(one) for one in types if not isinstance(one, inspect.NoneType))
        case inspect.StructType(cls=cls):
            return f"object: [{cls.__name__}](#{cls.__name__.lower()})"
        case inspect.ListType(item_type=item, max_length=most):
            return f"list of {_told(item)}{_at_most(most)}"
        case inspect.TupleType(item_types=items):
            return f"list of exactly: {'; '.join(_told(item) for item in items)}"
        case inspect.DictType(value_type=value, max_length=most):
            return f"object, each value {_told(value)}{_at_most(most)}"
        case inspect.LiteralType(values=values):
            return ", ".join(f"`{one}`" for one in values)
        case inspect.RawType():
            return "any JSON object"
        case inspect.BoolType():
            return "true or false"
        case inspect.Metadata(type=inner):
            return _told(inner)
        case _:
            return _scalar(shape)


def _scalar(shape: inspect.Type) -> str:
    match shape:
        case inspect.IntType(ge=low, le=high):
            return f"whole number{_range(low, high)}"
        case inspect.FloatType(ge=low, le=high):
            return f"number{_range(low, high)}"
        case inspect.StrType(pattern=pattern) if pattern:
            return "date, `YYYY-MM-DD`" if pattern == r"^\d{4}-\d{2}-\d{2}$" else f"text like `{pattern}`"
        case inspect.StrType(min_length=low, max_length=high):
            return f"text{_range(low, high)}{'' if low is high is None else ' characters'}"
    raise TypeError(shape)


def _range(low: float | None, high: float | None) -> str:
    shown = [f"{one:,.16g}" for one in (low, high) if one is not None]
    if len(shown) == 2:
        return f", {shown[0]} to {shown[1]}"
    if not shown:
        return ""
    return f", up to {shown[0]}" if low is None else f", {shown[0]} or more"


def _at_most(most: int | None) -> str:
    return "" if most is None else f", at most {most}"


def _parts() -> list[type[Struct]]:
    """The structs that payloads refer to, in the order they are met."""
    found: dict[type[Struct], None] = {}
    for payload in CATALOGUE.values():
        _gather(inspect.type_info(payload), found)
    return [one for one in found if one not in CATALOGUE.values()]


def _gather(shape: Any, found: dict[type[Struct], None]) -> None:
    match shape:
        case inspect.StructType(cls=cls, fields=fields):
            if cls not in found:
                found[cls] = None
                for field in fields:
                    _gather(field.type, found)
        case inspect.UnionType(types=inner) | inspect.TupleType(item_types=inner):
            for one in inner:
                _gather(one, found)
        case inspect.ListType(item_type=one) | inspect.DictType(value_type=one) | inspect.Metadata(type=one):
            _gather(one, found)
