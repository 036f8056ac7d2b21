"""Topics of usage events for the engine benches: 198 bytes of JSON each, spread over accounts in a given shape."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from truenorth.clock import SystemClock
from truenorth.kafka import Outgoing
from truenorth.kafka.admin import ensure_topics
from truenorth.kafka.producer import LanesProducer
from truenorth.topics import Topic

PARTITIONS = 8
EVENT_BYTES = 198
DAYS = 28
DAY_FIRST = 20_700
FEATURES = 40
ZIPF_EXPONENT = 1.1
CHUNK = 20_000
SEED = 7


class PlainTopic(Topic):
    """A topic outside of the catalogue, under its own name."""

    @property
    def full_name(self) -> str:
        return self.name


@dataclass(frozen=True)
class Shape:
    """How many accounts there are, and whether a few of them make most of the events."""

    name: str
    accounts: int
    zipf: bool

    @property
    def topic(self) -> str:
        return f"bench-{self.name}"


SHAPES = (
    Shape("5000-zipf", 5_000, zipf=True),
    Shape("1000-zipf", 1_000, zipf=True),
    Shape("100000-zipf", 100_000, zipf=True),
    Shape("100000-even", 100_000, zipf=False),
)
"""The one that the goals are for comes first."""


def account_id(number: int) -> str:
    """Return the id of the ``number``-th account."""
    return f"acct-{number:06d}"


def accounts_in_turn(shape: Shape, count: int) -> Iterator[int]:
    """Yield the account number of each of ``count`` events, the same in every run."""
    dice = random.Random(SEED)
    if not shape.zipf:
        yield from dice.choices(range(shape.accounts), k=count)
        return
    weights = list(itertools.accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, shape.accounts + 1)))
    yield from dice.choices(range(shape.accounts), cum_weights=weights, k=count)


def event_bytes(number: int, account: str, of: int) -> bytes:
    """Return the ``number``-th of ``of`` events as JSON of 198 bytes; the days pass as the numbers grow."""
    day = DAY_FIRST + number * DAYS // of
    head = (
        f'{{"id":"bench-{number:012d}","source":"bench","type":"usage.recorded","account":"{account}","day":{day},'
        f'"feature":"feature-{number * 7 % FEATURES:02d}","count":{1 + number % 3},"actor":"user-{number % 977:03d}"'
    )
    filler = EVENT_BYTES - len(head) - len(',"note":""}')
    return f'{head},"note":"{"n" * filler}"}}'.encode()


async def make_topics(bootstrap: str, *names: str, compacted: bool = False, partitions: int = PARTITIONS) -> None:
    """Create topics as the product's are: the broker's clock, kept or compacted."""
    topics = [PlainTopic(name, "account", "bench", "compact" if compacted else "delete", 1, "") for name in names]
    await ensure_topics(bootstrap, partitions=partitions, replicas=1, topics=topics)


async def fill(bootstrap: str, shape: Shape, events: int) -> None:
    """Write ``events`` events of this shape to its topic."""
    await make_topics(bootstrap, shape.topic)
    producer = LanesProducer(bootstrap, clock=SystemClock(), client_id="bench-fill")
    await producer.start()
    try:
        turns = accounts_in_turn(shape, events)
        for first in range(0, events, CHUNK):
            numbers = range(first, min(first + CHUNK, events))
            await producer.send_many([_record(shape, n, next(turns), events) for n in numbers])
    finally:
        await producer.stop()


def _record(shape: Shape, number: int, account: int, of: int) -> Outgoing:
    key = account_id(account)
    return Outgoing(shape.topic, key.encode(), event_bytes(number, key, of))


def fill_now(bootstrap: str, shape: Shape, events: int) -> None:
    """Do `fill` outside of any event loop."""
    asyncio.run(fill(bootstrap, shape, events))
