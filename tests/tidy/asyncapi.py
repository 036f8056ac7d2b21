"""docs/asyncapi.json: the topics and their events as AsyncAPI 3.0, made from the two catalogues."""

from typing import Any, Final

import msgspec
from truenorth.events.catalogue import CATALOGUE, FAMILY_OF_TYPE, types_of
from truenorth.events.schema import components, meaning_of
from truenorth.kafka.dead_letters import DeadLetter
from truenorth.quarantine import QuarantinedEvent
from truenorth.topics import HEALTH_SOURCES, PARTITIONS_DEFAULT, TOPICS, Topic

REPLICAS: Final = 3
SCHEMAS: Final = "#/components/schemas/"
BINDING: Final = "0.5.0"
_RECORDS: Final[dict[str, type[msgspec.Struct]]] = {"quarantine": QuarantinedEvent, "dead-letters": DeadLetter}
"""Topics whose values are no events but have a form that readers may count on."""
_KEYS: Final = {
    "account": "The account's id.",
    "contact": "The contact's pseudonym.",
    "lookup": "What an account is looked up by.",
    "bundle": "The bundle's hash, or `current`.",
    "cohort": "The segment and the milestone.",
    "partition": "The partition whose counts these are.",
}
_DESCRIPTION: Final = """Kafka is the only road between the parts. Values are CloudEvents 1.0 envelopes in JSON \
(structured mode) with one header, `content-type`. Records are placed by murmur2 of the key; the record's own \
timestamp is the broker's, `time` is when it happened, `recordedtime` when the edge accepted it. Read with \
`isolation.level=read_committed`. A record may come twice under the same `id`; per key they are in order. Within `.v1` \
fields are only added, all of them optional. On a compacted topic a null value is a tombstone."""


def asyncapi() -> dict[str, Any]:
    """Return the document, for a cluster of three brokers and the default number of partitions."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "truenorth",
            "version": "1",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "variables": {"bootstrap": {"default": "127.0.0.1:19092", "description": "KAFKA_BOOTSTRAP_SERVERS"}},
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(_operation(*one) for one in _operations()),
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def message_names(topic: Topic) -> tuple[str, ...]:
    """Return the messages of a topic: its event types, or the one kind of record that it has."""
    return types_of(topic.name) if topic.name in FAMILY_OF_TYPE.values() else (f"{topic.name}.record",)


def _is_internal(topic: Topic) -> bool:
    return topic.doc.startswith("Internal:")


def _channel(topic: Topic) -> dict[str, Any]:
    config = topic.config(replicas=REPLICAS)
    numbers = ("retention.ms", "delete.retention.ms", "max.message.bytes")
    return {
        "address": topic.full_name,
        "description": topic.doc,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in message_names(topic)},
        "bindings": {
            "kafka": {
                "topic": topic.full_name,
                "partitions": topic.partitions or PARTITIONS_DEFAULT,
                "replicas": REPLICAS,
                "topicConfiguration": {"cleanup.policy": [config["cleanup.policy"]]}
                | {name: int(config[name]) for name in numbers if name in config},
                "bindingVersion": BINDING,
            }
        },
    }


def _operations() -> list[tuple[str, str, str]]:
    """Who does what on which topic."""
    named = [(owner, "send", topic.name) for topic in TOPICS for owner in topic.owner.split(", ")]
    named += [("health", "receive", name) for name in HEALTH_SOURCES]
    return named + [("reader", "receive", topic.name) for topic in TOPICS if not _is_internal(topic)]


def _operation(who: str, action: str, name: str) -> tuple[str, dict[str, Any]]:
    topic = next(one for one in TOPICS if one.name == name)
    doing = "writes" if action == "send" else "reads"
    said = "Anybody who follows this topic" if who == "reader" else who
    return f"{who}.{action}s.{name}", {
        "action": action,
        "title": f"{said} {doing} {topic.full_name}",
        "channel": {"$ref": f"#/channels/{name}"},
        "tags": [{"name": who}],
        "messages": [{"$ref": f"#/channels/{name}/messages/{message}"} for message in message_names(topic)],
    }


def _messages() -> dict[str, Any]:
    return {name: _message(topic, name) for topic in TOPICS for name in message_names(topic)}


def _message(topic: Topic, name: str) -> dict[str, Any]:
    is_event = name in CATALOGUE
    message: dict[str, Any] = {
        "name": name,
        "title": name,
        "description": meaning_of(CATALOGUE[name]) if is_event else topic.doc,
        "contentType": "application/cloudevents+json" if is_event else "application/json",
        "payload": {"$ref": f"{SCHEMAS}{name}"},
    }
    if topic.key != "none":
        key = {"type": "string", "description": _KEYS[topic.key]}
        message["bindings"] = {"kafka": {"key": key, "bindingVersion": BINDING}}
    return message


def _schemas() -> dict[str, Any]:
    found = components(CATALOGUE, at=SCHEMAS)
    for topic in TOPICS:
        for name in message_names(topic):
            if name in CATALOGUE:
                continue
            record = _RECORDS.get(topic.name)
            found[name] = {"description": topic.doc} if record is None else _record(record)
    return found


def _record(record: type[msgspec.Struct]) -> dict[str, Any]:
    _, parts = msgspec.json.schema_components([record], ref_template=f"{SCHEMAS}{{name}}")
    (schema,) = parts.values()
    return dict(schema) | {"description": meaning_of(record)}
