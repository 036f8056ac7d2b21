"""Which topics have had no record since a moment, and when their newest one came."""

from collections.abc import Mapping
from typing import Any, Final

from aiokafka import TopicPartition

from truenorth.errors import TransientError
from truenorth.kafka.admin import offsets_of, partitions_of
from truenorth.kafka.clients import CONNECT_S_MAX, new_consumer, stop_consumer
from truenorth.kafka.errors import describe, within

ANSWER_S_MAX: Final = 30.0
POLL_MS: Final = 500
STEP_BACK_TIMES: Final = 16
"""How many times further back is looked when the last offsets hold no record (ends of transactions, say)."""


async def silent_topics(bootstrap: str, since_ms: Mapping[str, int]) -> dict[str, int | None]:
    """Return the topics (full names) without a record at or after their moment (epoch ms), and when the newest came.

    None stands for a topic whose records are all gone, by retention. A topic that never had a record is left out.

    Raises:
        TransientError: the broker did not answer, or does not know a topic.
    """
    return await within(ANSWER_S_MAX, _silent_topics(bootstrap, since_ms), "asking for the newest records")


async def _silent_topics(bootstrap: str, since_ms: Mapping[str, int]) -> dict[str, int | None]:
    consumer = await new_consumer(bootstrap, client_id="truenorth-newest")
    try:
        return {
            topic: await _newest_ms(consumer, topic)
            for topic, moment_ms in since_ms.items()
            if not await _has_since(consumer, topic, moment_ms) and await _was_ever_used(consumer, topic)
        }
    except TransientError:
        raise
    except RuntimeError as error:  # the client's errors are RuntimeErrors
        raise TransientError(f"the newest records are not known: {describe(error)}") from error
    finally:
        await stop_consumer(consumer)


async def _has_since(consumer: Any, topic: str, moment_ms: int) -> bool:
    places = [TopicPartition(topic, number) for number in await partitions_of(consumer, topic)]
    asking = consumer.offsets_for_times(dict.fromkeys(places, moment_ms))
    found = await within(CONNECT_S_MAX, asking, "asking for offsets by time")
    return any(one is not None for one in found.values())


async def _was_ever_used(consumer: Any, topic: str) -> bool:
    return any(end > 0 for _, end in (await offsets_of(consumer, [topic])).values())


async def _newest_ms(consumer: Any, topic: str) -> int | None:
    """Return the time of the newest record, over all partitions; the broker's own times never fall in one."""
    spans = await offsets_of(consumer, [topic])
    left = {TopicPartition(*place): (begin, end) for place, (begin, end) in spans.items() if begin < end}
    newest: list[int] = []
    back = 1
    while left:
        starts = {place: max(begin, end - back) for place, (begin, end) in left.items()}
        found = await _times(consumer, starts, {place: end for place, (_, end) in left.items()})
        newest += found.values()
        left = {place: span for place, span in left.items() if place not in found and starts[place] > span[0]}
        back *= STEP_BACK_TIMES
    return max(newest, default=None)


async def _times(
    consumer: Any, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Read from ``starts`` to ``ends``; return the latest record's time per place that has one."""
    consumer.assign(list(starts))
    for place, offset in starts.items():
        consumer.seek(place, offset)
    times: dict[TopicPartition, int] = {}
    left = set(starts)
    while left:
        for place, raws in (await consumer.getmany(timeout_ms=POLL_MS)).items():
            times[place] = max([times.get(place, 0), *(raw.timestamp for raw in raws)])
        for place in list(left):  # the position passes what transactions left empty
            if await within(CONNECT_S_MAX, consumer.position(place), "asking for a position") >= ends[place]:
                left.discard(place)
                consumer.pause(place)
    return times
