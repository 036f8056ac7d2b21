"""What most people would write for the state: a faust agent with one table write per event.

``python -m tests.benchmarks.faust_agent BOOTSTRAP EVENTS`` counts per account until it has seen so many, prints
JSON and waits to be ended.
"""

import json
import os
import sys
from typing import Any

import faust
import msgspec
from truenorth.clock import SystemClock
from truenorth.topics import PARTITIONS_DEFAULT, full_name

from tests.benchmarks.figures import cpu_seconds


class Outside(msgspec.Struct):
    subject: str


def make_app(bootstrap: str, events: int) -> Any:
    app = faust.App(
        "bench-faust",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        web_enabled=False,
        topic_partitions=PARTITIONS_DEFAULT,
        topic_replication_factor=1,
        consumer_auto_offset_reset="earliest",
    )
    usage = app.topic(full_name("usage"), value_type=bytes, value_serializer="raw", key_serializer="raw")
    counts = app.Table("counts", default=int, partitions=PARTITIONS_DEFAULT)
    decoder = msgspec.json.Decoder(Outside)
    clock = SystemClock()
    begun: dict[str, float] = {}

    @app.agent(usage)
    async def count(stream: Any) -> None:
        seen = 0
        async for value in stream:
            if seen == 0:
                begun.update(at=clock.monotonic(), cpu=cpu_seconds(os.getpid()))
            counts[decoder.decode(value).subject] += 1
            seen += 1
            if seen == events:
                _tell(events, clock.monotonic() - begun["at"], cpu_seconds(os.getpid()) - begun["cpu"])

    return app


def _tell(events: int, seconds: float, cpu: float) -> None:
    figures = {
        "events": events,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "events_per_second": round(events / seconds),
        "events_per_cpu_second": round(events / cpu),
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    bootstrap, events = sys.argv[1:]
    sys.argv[1:] = []
    faust.Worker(make_app(bootstrap, int(events)), loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()
