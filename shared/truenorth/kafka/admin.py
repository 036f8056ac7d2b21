"""Creating the catalogue's topics and asking where partitions begin and end."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from truenorth.clock import Clock, SystemClock
from truenorth.errors import HaltError, TransientError
from truenorth.kafka.clients import CONNECT_S_MAX, new_consumer, stop_consumer
from truenorth.kafka.errors import describe, retrying, within
from truenorth.topics import TOPICS, Topic

_Admin: Any = AIOKafkaAdminClient  # half typed
_NewTopic: Any = NewTopic
_EXISTS: Final = 36  # TopicAlreadyExists
TOPICS_VISIBLE_S_MAX: Final = 30.0


async def ensure_topics(
    bootstrap: str,
    *,
    partitions: int,
    replicas: int,
    topics: Sequence[Topic] = TOPICS,
    clock: Clock | None = None,
    wait_s_max: float = 60.0,
) -> list[str]:
    """Create every topic of the catalogue that is missing and return the full names created.

    Raises:
        TransientError: the broker was not reachable, or the topics not visible, in ``wait_s_max``.
        HaltError: a topic exists with another number of partitions.
    """
    clock = clock or SystemClock()

    async def attempt() -> list[str]:
        return await _ensure_once(bootstrap, partitions, replicas, topics)

    work = retrying(attempt, clock=clock, what="creating topics")
    return await within(wait_s_max, work, "creating topics")


async def _ensure_once(bootstrap: str, partitions: int, replicas: int, topics: Sequence[Topic]) -> list[str]:
    admin = _Admin(bootstrap_servers=bootstrap, client_id="truenorth-admin")
    try:
        await within(CONNECT_S_MAX, admin.start(), "connecting to the broker")
        there = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.full_name not in there]
        created = await _create(admin, missing, partitions, replicas)
        await within(TOPICS_VISIBLE_S_MAX, _agree(admin, topics, partitions), "waiting for the new topics")
    finally:
        await admin.close()
    return created


async def _create(admin: Any, missing: Sequence[Topic], partitions: int, replicas: int) -> list[str]:
    if not missing:
        return []
    wanted = [
        _NewTopic(
            name=topic.full_name,
            num_partitions=topic.partitions or partitions,
            replication_factor=replicas,
            topic_configs=topic.config(replicas=replicas),
        )
        for topic in missing
    ]
    answer = await admin.create_topics(wanted)
    created = []
    for name, code, message in answer.topic_errors:
        if code == 0:
            created.append(name)
        elif code != _EXISTS:
            error = for_code(code)
            kind = TransientError if getattr(error, "retriable", False) else HaltError
            raise kind(f"topic {name} could not be created: {error.__name__} {message or ''}".rstrip())
    return created


async def _agree(admin: Any, topics: Sequence[Topic], partitions: int) -> None:
    """Wait until every topic is visible, and compare partition counts."""
    names = [topic.full_name for topic in topics]
    while True:
        found = {entry["topic"]: entry for entry in await admin.describe_topics(names)}
        if all(name in found and not found[name]["error_code"] and found[name]["partitions"] for name in names):
            break
        await asyncio.sleep(0.1)
    for topic in topics:
        count = len(found[topic.full_name]["partitions"])
        expected = topic.partitions or partitions
        if count != expected:
            raise HaltError(
                f"topic {topic.full_name} has {count} partitions, {expected} are expected; the count cannot change"
            )


async def begin_and_end_offsets(bootstrap: str, topics: Sequence[str]) -> dict[tuple[str, int], tuple[int, int]]:
    """Return for each partition of these topics (full names) the first offset there is and the end (exclusive).

    Raises:
        TransientError: the broker could not be reached or does not know a topic.
    """
    consumer = await new_consumer(bootstrap, client_id="truenorth-offsets")
    try:
        return await offsets_of(consumer, topics)
    except TransientError:
        raise
    except Exception as error:
        raise TransientError(f"offsets are not known: {describe(error)}") from error
    finally:
        await stop_consumer(consumer)


async def end_offsets(bootstrap: str, topics: Sequence[str]) -> dict[tuple[str, int], int]:
    """Return for each partition of these topics (full names) the end offset (exclusive) that committed readers see."""
    return {place: end for place, (_, end) in (await begin_and_end_offsets(bootstrap, topics)).items()}


async def offsets_of(consumer: Any, topics: Sequence[str]) -> dict[tuple[str, int], tuple[int, int]]:
    """Return first and end offsets as `begin_and_end_offsets`, asked through a consumer that is there already."""
    places = [TopicPartition(topic, number) for topic in topics for number in await partitions_of(consumer, topic)]
    begins = await within(CONNECT_S_MAX, consumer.beginning_offsets(places), "asking for first offsets")
    ends = await within(CONNECT_S_MAX, consumer.end_offsets(places), "asking for end offsets")
    return {(place.topic, place.partition): (begins[place], ends[place]) for place in places}


async def partitions_of(consumer: Any, topic: str) -> list[int]:
    """Return the partition numbers of a topic.

    Raises:
        TransientError: the broker does not know the topic (yet).
    """
    try:
        found = await within(CONNECT_S_MAX, consumer._client._wait_on_metadata(topic), f"looking up {topic}")  # noqa: SLF001
    except Exception as error:
        raise TransientError(f"the broker does not tell about topic {topic}: {describe(error)}") from error
    return sorted(found)
