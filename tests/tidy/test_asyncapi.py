"""The AsyncAPI document keeps the rules of AsyncAPI 3.0 and names every topic and event type there is."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from truenorth.events.catalogue import CATALOGUE
from truenorth.topics import TOPICS

from tests.tidy.asyncapi import asyncapi
from tests.tidy.tree import text

DOCUMENT = asyncapi()
ID = re.compile(r"^[\w\d.\-_]+$")
REMEDY = "run: python -m tests.tidy.documents"
MEMBERS = {
    "root": {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"},
    "server": {"host", "protocol", "protocolVersion", "pathname", "description", "title", "summary", "variables"}
    | {"security", "tags", "externalDocs", "bindings"},
    "channel": {"address", "messages", "title", "summary", "description", "servers", "parameters", "tags"}
    | {"externalDocs", "bindings"},
    "operation": {"action", "channel", "title", "summary", "description", "security", "tags", "externalDocs"}
    | {"bindings", "traits", "messages", "reply"},
    "message": {"headers", "payload", "correlationId", "contentType", "name", "title", "summary", "description"}
    | {"tags", "externalDocs", "bindings", "examples", "traits"},
    "channel binding": {"topic", "partitions", "replicas", "topicConfiguration", "bindingVersion"},
    "message binding": {"key", "schemaIdLocation", "schemaIdPayloadEncoding", "schemaLookupStrategy", "bindingVersion"},
    "topic configuration": {"cleanup.policy", "retention.ms", "retention.bytes", "delete.retention.ms"}
    | {"max.message.bytes"},
}
REQUIRED = {"server": {"host", "protocol"}, "operation": {"action", "channel"}, "root": {"asyncapi", "info"}}


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from refs(inner)


def found(ref: str) -> Any:
    at: Any = DOCUMENT
    assert ref.startswith("#/"), ref
    for part in ref[2:].split("/"):
        at = at[part.replace("~1", "/").replace("~0", "~")]
    return at


def objects() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every object of the document that has members of its own: its kind, its name, itself."""
    yield "root", "", DOCUMENT
    for name, server in DOCUMENT["servers"].items():
        yield "server", name, server
    for name, channel in DOCUMENT["channels"].items():
        yield "channel", name, channel
        kafka = channel["bindings"]["kafka"]
        yield "channel binding", name, kafka
        yield "topic configuration", name, kafka["topicConfiguration"]
    for name, operation in DOCUMENT["operations"].items():
        yield "operation", name, operation
    for name, message in DOCUMENT["components"]["messages"].items():
        yield "message", name, message
        if "bindings" in message:
            yield "message binding", name, message["bindings"]["kafka"]


def test_the_document_is_the_one_that_the_code_makes() -> None:
    assert json.loads(text("docs/asyncapi.json")) == DOCUMENT, REMEDY


def test_every_reference_is_to_something_in_the_document() -> None:
    for ref in refs(DOCUMENT):
        assert found(ref) is not None, ref


def test_objects_have_the_members_that_the_standard_knows_and_asks_for() -> None:
    for kind, name, one in objects():
        assert set(one) <= MEMBERS[kind], (kind, name)
        assert REQUIRED.get(kind, set()) <= set(one), (kind, name)
    assert {"title", "version"} <= set(DOCUMENT["info"])
    assert DOCUMENT["asyncapi"] == "3.0.0"


def test_ids_are_of_the_form_that_the_standard_asks_for() -> None:
    components = [name for group in DOCUMENT["components"].values() for name in group]
    ids = [*components, *DOCUMENT["channels"], *DOCUMENT["operations"], *DOCUMENT["servers"]]
    assert [name for name in ids if not ID.fullmatch(name)] == []


def test_no_two_channels_share_an_address() -> None:
    addresses = [channel["address"] for channel in DOCUMENT["channels"].values()]
    assert len(set(addresses)) == len(addresses)


def test_an_operation_sends_or_receives_messages_of_its_own_channel() -> None:
    for name, operation in DOCUMENT["operations"].items():
        assert operation["action"] in {"send", "receive"}, name
        channel = operation["channel"]["$ref"]
        assert all(one["$ref"].startswith(f"{channel}/messages/") for one in operation["messages"]), name


def test_every_topic_and_event_type_is_there_as_the_broker_has_it() -> None:
    assert list(DOCUMENT["channels"]) == [topic.name for topic in TOPICS]
    assert set(CATALOGUE) <= set(DOCUMENT["components"]["messages"])
    for topic in TOPICS:
        channel = DOCUMENT["channels"][topic.name]
        kafka = channel["bindings"]["kafka"]
        config = topic.config(replicas=kafka["replicas"])
        assert channel["address"] == kafka["topic"] == topic.full_name
        told = kafka["topicConfiguration"]
        assert told.pop("cleanup.policy") == [config["cleanup.policy"]]
        assert {name: str(value) for name, value in told.items()} == {name: config[name] for name in told}
        told["cleanup.policy"] = [config["cleanup.policy"]]


def test_everybody_who_writes_a_topic_has_an_operation() -> None:
    written = {(topic.name, owner) for topic in TOPICS for owner in topic.owner.split(", ")}
    sends = [one for one in DOCUMENT["operations"].values() if one["action"] == "send"]
    assert {(one["channel"]["$ref"].rpartition("/")[2], one["tags"][0]["name"]) for one in sends} == written


def test_the_schemas_are_schemas() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema_rs.validator_for({"components": DOCUMENT["components"]} | schema)
        assert schema.get("description"), name
