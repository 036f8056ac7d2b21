"""Putting definitions in force: what `truenorth apply` does, for programs."""

from collections.abc import Callable
from contextlib import aclosing

from truenorth import topics
from truenorth.clock import Clock
from truenorth.definitions import bundle
from truenorth.definitions.folding import Shelf
from truenorth.definitions.model import Bundle, Definitions
from truenorth.errors import RefusedError
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.kafka.reader import read_topic

Refused = Callable[[RefusedError], None]
"""Told about every bad record on the topic."""


async def read_shelf(bootstrap: str, refused: Refused) -> Shelf:
    """Return what the definitions topic holds now."""
    shelf = Shelf()
    async with aclosing(read_topic(bootstrap, topics.full_name("definitions"))) as records:
        async for record in records:
            try:
                shelf.take(record.key, record.value)
            except RefusedError as error:
                refused(error)
    return shelf


async def put_in_force(bootstrap: str, definitions: Definitions, *, current: Bundle | None, clock: Clock) -> Bundle:
    """Write the bundle, then the record that puts it in force; return it. Acknowledged when this returns.

    Raises:
        TransientError: when the broker did not acknowledge; applying again is harmless.
    """
    ordinal = 1 if current is None else current.ordinal + 1
    made = bundle.make_bundle(definitions, ordinal=ordinal, applied_ms=clock.now_ms())
    topic = topics.full_name("definitions")
    producer = LanesProducer(bootstrap, clock=clock, client_id="truenorth-apply")
    await producer.start()
    try:
        for key, value in (bundle.encode_bundle(made), bundle.encode_current(made)):
            await producer.send_many([Outgoing(topic, key, value)])
    finally:
        await producer.stop()
    return made
