"""Making and unmaking the client's producers and consumers, with the settings the house relies on."""

import asyncio
import contextlib
import logging
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from truenorth.errors import TransientError
from truenorth.kafka.errors import describe, is_transient, within

_log = logging.getLogger(__name__)
_Producer: Any = AIOKafkaProducer  # the client is half typed: its objects are Any in here
_Consumer: Any = AIOKafkaConsumer

CONNECT_S_MAX: Final = 15.0
STOP_S_MAX: Final = 5.0
BATCH_BYTES_MAX: Final = 1024 * 1024
REQUEST_TIMEOUT_MS: Final = 10_000
SESSION_TIMEOUT_MS: Final = 10_000
POLL_INTERVAL_MS_MAX: Final = 300_000


async def new_producer(
    bootstrap: str, *, client_id: str, transactional_id: str | None = None, transaction_timeout_ms: int = 10_000
) -> Any:
    """Return a started idempotent producer; a transactional one has fenced its predecessor when this returns.

    Raises:
        TransientError: the broker could not be reached in time.
    """
    producer: Any = _Producer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        max_batch_size=BATCH_BYTES_MAX,
        max_request_size=4 * BATCH_BYTES_MAX,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        transactional_id=transactional_id,
        transaction_timeout_ms=transaction_timeout_ms,
    )
    try:
        await within(CONNECT_S_MAX, producer.start(), "connecting a producer")
    except BaseException as error:
        await discard_producer(producer)
        if isinstance(error, Exception) and is_transient(error):
            raise TransientError(f"no producer: {describe(error)}") from error
        raise
    return producer


def leader_of(producer: Any, topic: str, partition: int) -> int | None:
    """Return the id of the broker that leads a partition, as far as the client knows now."""
    leader: int | None = producer.client.cluster.leader_for_partition(TopicPartition(topic, partition))
    return leader


async def discard_producer(producer: Any) -> None:
    """Close a producer at once; what it still had to send is given up.

    The client's own ``stop`` waits until everything is sent, which is for ever while the broker is away.
    """
    producer._closed = True  # noqa: SLF001 - the client has no public way to give up
    await producer.client.close()
    task = producer._sender.sender_task  # noqa: SLF001
    for _ in range(3):  # the sender waits for its requests on cancellation: the second one ends those too
        if task is None or task.done():
            break
        task.cancel()
        await asyncio.wait([task], timeout=0.2)
    if task is not None and task.done() and not task.cancelled():
        task.exception()  # seen: it is why the producer is discarded


async def stop_producer(producer: Any) -> None:
    """Send what is waiting, for a bounded time, and close."""
    try:
        await within(STOP_S_MAX, producer.stop(), "stopping a producer")
    except Exception as error:  # noqa: BLE001 - whatever it is, the producer has to go
        _log.warning("a producer did not stop cleanly: %s", describe(error))
        await discard_producer(producer)


async def new_consumer(bootstrap: str, *, client_id: str, group: str | None = None, **more: Any) -> Any:
    """Return a started read_committed consumer without topics, that never resets an offset by itself.

    Raises:
        TransientError: the broker could not be reached in time.
    """
    consumer: Any = _Consumer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        partition_assignment_strategy=(RangePartitionAssignor,),
        request_timeout_ms=3 * REQUEST_TIMEOUT_MS,  # joining a group may take a whole session timeout
        **{
            "session_timeout_ms": SESSION_TIMEOUT_MS,
            "max_poll_interval_ms": POLL_INTERVAL_MS_MAX,
            "max_partition_fetch_bytes": 4 * BATCH_BYTES_MAX,
            **more,
        },
    )
    try:
        await within(CONNECT_S_MAX, consumer.start(), "connecting a consumer")
    except BaseException as error:
        await stop_consumer(consumer)
        if isinstance(error, Exception) and is_transient(error):
            raise TransientError(f"no consumer: {describe(error)}") from error
        raise
    return consumer


async def stop_consumer(consumer: Any) -> None:
    """Leave the group and close, for a bounded time."""
    try:
        await within(STOP_S_MAX, consumer.stop(), "stopping a consumer")
    except Exception as error:  # noqa: BLE001 - whatever it is, the consumer has to go
        _log.warning("a consumer did not stop cleanly: %s", describe(error))
        with contextlib.suppress(Exception):
            await within(STOP_S_MAX, consumer._client.close(), "closing a client")  # noqa: SLF001 - no public way
