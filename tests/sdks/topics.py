"""What is on the topics afterwards, by account."""

import json
from typing import Any

from truenorth.kafka import Record
from truenorth.kafka.reader import read_topic


async def records(bootstrap: str, topic: str) -> list[Record]:
    return [record async for record in read_topic(bootstrap, f"truenorth.{topic}.v1")]


async def events(bootstrap: str, topic: str, account: str) -> list[dict[str, Any]]:
    """Return the events of an account on a topic, in the order of each partition."""
    found = [json.loads(record.value) for record in await records(bootstrap, topic) if record.value]
    return [event for event in found if event["subject"] == account]


async def ids(bootstrap: str, topic: str, account: str) -> list[str]:
    return [event["id"] for event in await events(bootstrap, topic, account)]
