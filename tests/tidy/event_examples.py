"""One example of every event type for the documents, with values that read like somebody's."""

from typing import Any, Final

from msgspec import inspect
from truenorth.events.payload import PayloadStruct

_WORDS: Final[dict[str, object]] = {
    "account_id": "acct-1042",
    "actor": "u-77",
    "by": "dana.reyes",
    "contact": "p-31",
    "contact_id": "p-31",
    "contract_starts_on": "2026-01-15",
    "country": "DE",
    "dispute_id": "dp_1",
    "due_on": "2026-12-01",
    "email": "ann@example.com",
    "event_id": "3f6c",
    "event_source": "app",
    "event_type": "usage.recorded",
    "external_ids": {"stripe": "cus_1"},
    "feature": "export",
    "features": ["export", "api"],
    "first_response_minutes": 25,
    "from_on": "2026-01-01",
    "industry": "logistics",
    "invoice_id": "in_2026_11",
    "links": {"crm": "https://crm.example.com/a/1042"},
    "live_on": "2026-02-01",
    "lookup": "stripe:cus_1",
    "lookups": ["stripe:cus_1"],
    "module": "reports",
    "modules": ["reports"],
    "name": "Acme",
    "objective_id": "faster-close",
    "owner_id": "dana.reyes",
    "parent_id": "acct-1000",
    "plan": "pro",
    "potential_arr": 6_000_000,
    "arr": 2_400_000,
    "amount": 240_000,
    "promised_service": "premium",
    "reason": "price",
    "renews_on": "2027-01-15",
    "respondent": "p-31",
    "seats": 40,
    "segment_hint": "enterprise",
    "signed_up_on": "2026-01-10",
    "subject_id": "p-31",
    "subscription_id": "sub_1",
    "target": 5.0,
    "task_id": "task-1",
    "ticket_id": "48213",
    "tier": "premium",
    "unit": "hours",
}
_OF_TYPE: Final[dict[tuple[str, str], object]] = {
    ("UsageRecorded", "count"): 3,
    ("UsageRecorded", "duration_seconds"): 42,
    ("UsageRecorded", "errors"): 0,
    ("TicketRated", "score"): 4,
    ("SurveyAnswered", "score"): 9,
    ("ValueRecorded", "amount"): 12.5,
    ("ContactUpdated", "name"): "Ann Example",
    ("AdvocacyRecorded", "kind"): "reference",
    ("TicketOpened", "priority"): "p2",
    ("EventHeld", "reason"): "unknown",
    ("EventHeld", "data"): {"feature": "export"},
    ("EventHeld", "time"): "2026-11-22T09:05:00Z",
    ("EventHeld", "recordedtime"): "2026-11-22T09:05:01Z",
}


def example_of(payload: type[PayloadStruct]) -> dict[str, Any]:
    """Return data of this type with every field given, lists and objects with one entry."""
    return _struct(payload)


def _struct(payload: type[Any]) -> dict[str, Any]:
    shape = inspect.type_info(payload)
    assert isinstance(shape, inspect.StructType)
    return {
        field.encode_name: _OF_TYPE.get((payload.__name__, field.name), _value(field.type, field.encode_name))
        for field in shape.fields
    }


def _value(shape: inspect.Type, name: str) -> Any:  # noqa: PLR0911 - one case per kind of type
    match shape:
        case inspect.UnionType(types=types):
            return _value(next(one for one in types if not isinstance(one, inspect.NoneType)), name)
        case inspect.StructType(cls=cls):
            return _struct(cls)
        case inspect.ListType(item_type=item):
            return _WORDS.get(name, [_value(item, name)])
        case inspect.TupleType(item_types=items):
            return [_value(item, name) for item in items]
        case inspect.DictType(value_type=value):
            return _WORDS.get(name, {name.removesuffix("s"): _value(value, name)})
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.RawType():
            return {}
        case inspect.BoolType():
            return True
        case _:
            return _WORDS.get(name, _scalar(shape, name))


def _scalar(shape: inspect.Type, name: str) -> object:
    match shape:
        case inspect.IntType(ge=low) | inspect.FloatType(ge=low):
            return 1_763_802_300_123 if name.endswith("_ms") else int(low or 0) + 1
        case inspect.StrType(pattern=pattern):
            return "2026-11-22" if pattern else name.replace("_", "-")
        case inspect.Metadata(type=inner):
            return _value(inner, name)
    raise TypeError(shape)
