"""Reading a topic once, from its beginning to the end it had when reading began."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Final

from aiokafka import TopicPartition

from truenorth.errors import TransientError
from truenorth.kafka.admin import offsets_of
from truenorth.kafka.clients import new_consumer, stop_consumer
from truenorth.kafka.errors import describe, within
from truenorth.kafka.records import Record, to_record

POLL_MS: Final = 500
ANSWER_S_MAX: Final = 15.0
RECORDS_PER_POLL_MAX: Final = 5000
POLLS_WITHOUT_PROGRESS_MAX: Final = 60


async def read_topic(
    bootstrap: str, topic: str, *, partitions: Sequence[int] | None = None, start: int = 0
) -> AsyncGenerator[Record, None]:
    """Yield every committed record of a topic (full name), partition by partition in order, to the ends at the start.

    ``start`` is an offset, the same in all partitions, before which records are left out.

    Whoever leaves the loop early closes it (`contextlib.aclosing`), so that the connection goes with it.

    Raises:
        TransientError: the broker is away, or did not deliver for half a minute.
    """
    consumer = await new_consumer(bootstrap, client_id="truenorth-reader")
    try:
        async for record in _read(consumer, topic, partitions, start):
            yield record
    except TransientError:
        raise
    except RuntimeError as error:  # the client's errors are RuntimeErrors
        raise TransientError(f"reading {topic} failed: {describe(error)}") from error
    finally:
        await stop_consumer(consumer)


async def _read(consumer: Any, topic: str, only: Sequence[int] | None, start: int) -> AsyncIterator[Record]:
    spans = {place: (max(start, begin), end) for place, (begin, end) in (await offsets_of(consumer, [topic])).items()}
    left = {
        TopicPartition(topic, number): end
        for (_, number), (begin, end) in spans.items()
        if begin < end and (only is None or number in only)
    }
    if not left:
        return
    consumer.assign(list(left))
    for place in left:
        consumer.seek(place, spans[topic, place.partition][0])
    idle = 0
    while left:
        polling = consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_PER_POLL_MAX)
        polled = await within(ANSWER_S_MAX, polling, "a poll")
        before = len(left)
        for place, raws in polled.items():
            end = left.get(place, 0)
            for raw in raws:
                if raw.offset < end:
                    yield to_record(raw)
        for place in list(left):  # the position passes what compaction and transactions left empty
            if await within(ANSWER_S_MAX, consumer.position(place), "asking for a position") >= left[place]:
                del left[place]
                consumer.pause(place)
        idle = idle + 1 if not polled and len(left) == before else 0
        if idle > POLLS_WITHOUT_PROGRESS_MAX:
            raise TransientError(f"no more records of {topic} came, although {sorted(left)} are not at their ends")
