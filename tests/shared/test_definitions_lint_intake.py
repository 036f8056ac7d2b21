"""What the linter says of connectors, tracking and traits."""

from typing import Any

import pytest
from truenorth.definitions.findings import Found
from truenorth.definitions.intake import Connector, EventMapping, Signature, TrackRule, Trait
from truenorth.definitions.lint_intake import connectors, tracking, traits
from truenorth.definitions.model import Definitions
from truenorth.definitions.parse import parse_texts


def mapping(**changes: Any) -> EventMapping:
    given: dict[str, Any] = {"when": "a", "type": "ticket.opened", "account": "b", "data": {"ticket_id": "c"}}
    return EventMapping(**{**given, **changes})


def connector(**changes: Any) -> Connector:
    given: dict[str, Any] = {"id": "desk", "auth": "token", "mappings": [mapping()]}
    return Connector(**{**given, **changes})


def signed(**changes: Any) -> Connector:
    return connector(auth="signature", signature=Signature(**{"header": "x-sig", **changes}))


def places(found: list[Found]) -> list[tuple[str, str]]:
    return [(one.code, one.path.partition(".")[2]) for one in found]


@pytest.mark.parametrize("fine", [connector(), signed(), connector(mappings=[EventMapping(when="a", ignore=True)])])
def test_what_is_fine(fine: Connector) -> None:
    assert list(connectors(Definitions(connectors=[fine]))) == []


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (connector(auth="signature"), ("signature_missing", "")),
        (connector(signature=Signature(header="x")), ("signature_unused", "signature")),
        (signed(signed="{time}.{body}"), ("place_unknown", "signature.signed")),
        (signed(signed="{timestamp}.{body}"), ("timestamp_missing", "signature.signed")),
        (signed(timestamp_header="x-time"), ("timestamp_unsigned", "signature.signed")),
        (signed(signed="{url}"), ("body_unsigned", "signature.signed")),
        (signed(signed="{id}.{body}"), ("id_missing", "signature.signed")),
        (connector(mappings=[]), ("mappings_missing", "")),
        (connector(reads="stripe"), ("mappings_unused", "mappings")),
        (connector(silent_after="0h"), ("silent_at_once", "silent_after")),
        (connector(silent_after="2bd"), ("duration_unclear", "silent_after")),
        (connector(silent_after="200d"), ("duration_too_long", "silent_after")),
        (connector(mappings=[mapping(), mapping()]), ("mapping_unreachable", "mappings[1].when")),
        (connector(mappings=[mapping(type="ticket.opend")]), ("type_unknown", "mappings[0].type")),
        (connector(mappings=[mapping(type="health.updated")]), ("type_ours", "mappings[0].type")),
        (connector(mappings=[mapping(type="", data={})]), ("type_missing", "mappings[0]")),
        (connector(mappings=[mapping(ignore=True)]), ("mapping_unclear", "mappings[0]")),
        (connector(mappings=[mapping(account="")]), ("account_missing", "mappings[0]")),
        (connector(mappings=[mapping(data={})]), ("field_missing", "mappings[0].data")),
        (
            connector(mappings=[mapping(data={"ticket_id": "c", "subject": "d"})]),
            ("field_unknown", "mappings[0].data.subject"),
        ),
    ],
)
def test_a_connector_that_could_not_work_is_told_where(wrong: Connector, expected: tuple[str, str]) -> None:
    found = places(list(connectors(Definitions(connectors=[wrong]))))
    assert expected in found


def test_two_connectors_never_share_a_secret_by_accident() -> None:
    found = list(connectors(Definitions(connectors=[connector(id="a-b"), connector(id="a_b")])))
    assert places(found) == [("connector_unclear", "id")]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([TrackRule(event="x", ignore=True, feature="y")], ("rule_unclear", "")),
        ([TrackRule(event="x", type="health.updated")], ("type_ours", "type")),
        ([TrackRule(event="x", data={"feature": "y"})], ("data_unused", "data")),
        ([TrackRule(event="x", type="value.recorded", data={"unit": "h"})], ("field_missing", "data")),
        (
            [TrackRule(event="x", type="advocacy.recorded", data={"kind": "a"}, count="b")],
            ("field_unused", "count"),
        ),
        ([TrackRule(event="x*"), TrackRule(event="xy")], ("rule_unreachable", "event")),
    ],
)
def test_a_rule_that_could_not_work_is_told_where(rules: list[TrackRule], expected: tuple[str, str]) -> None:
    assert expected in places(list(tracking(Definitions(tracking=rules))))


@pytest.mark.parametrize(
    ("trait", "expected"),
    [
        (Trait(trait="a", fact="arrr"), ("fact_unknown", "fact")),
        (Trait(trait="a", fact="arr", times=0), ("times_invalid", "times")),
        (Trait(trait="a", fact="name", times=100), ("times_unused", "times")),
    ],
)
def test_a_trait_that_could_not_work_is_told_where(trait: Trait, expected: tuple[str, str]) -> None:
    assert places(list(traits(Definitions(traits=[trait, Trait(trait="b", fact="arr", times=100)])))) == [expected]


def test_fields_of_any_name_are_read_and_refused_by_their_line() -> None:
    text = (
        "connectors:\n  - id: desk\n    mappings:\n      - when: a\n        data:\n          one: x\n          two: 5\n"
    )
    parsed = parse_texts({"a.yaml": text + "          one: y\n"})
    assert [(error.line, error.field) for error in parsed.errors] == [
        (7, "connectors[0].mappings[0].data.two"),
        (8, "connectors[0].mappings[0].data.one"),
    ]
    fine = parse_texts({"a.yaml": text.replace("5", "five")})
    assert fine.definitions.connectors[0].mappings[0].data == {"one": "x", "two": "five"}
    assert fine.place("connectors[0].mappings[0].data.two").line == 7
