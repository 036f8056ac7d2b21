"""A bare aiokafka consumer that decodes every event and drops it: what no engine on this client can beat.

``python -m tests.benchmarks.engine.bare BOOTSTRAP SOURCE EVENTS`` prints JSON.
"""

import asyncio
import sys

import msgspec
from aiokafka import TopicPartition
from truenorth.kafka.clients import new_consumer, stop_consumer
from truenorth.streams.counting import Happening

from tests.benchmarks.engine.load import PARTITIONS
from tests.benchmarks.engine.tally import Tally, tell


async def main(bootstrap: str, source: str, events: int) -> None:
    tally = Tally(events)
    decode = msgspec.json.Decoder(Happening).decode
    consumer = await new_consumer(bootstrap, client_id="bench-bare")
    places = [TopicPartition(source, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    for place in places:
        consumer.seek(place, 0)
    while tally.seen < events:
        polled = await consumer.getmany(timeout_ms=500, max_records=4000)
        tally.begin()
        for records in polled.values():
            for record in records:
                decode(record.value)
            tally.add(len(records))
    await stop_consumer(consumer)
    tell(tally.told)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
