"""The same fold as a plain faust agent with one table write per event.

``python -m tests.benchmarks.engine.faust_table BOOTSTRAP SOURCE NAME EVENTS FOLDER WHAT`` prints JSON when it has
seen so many events, and waits to be ended. WHAT is ``fold``, or ``count`` for a number per account and nothing else.
"""

import sys
from typing import Any

import faust
import msgspec
from truenorth.streams.counting import DAYS_KEPT, Happening

from tests.benchmarks.engine.load import PARTITIONS
from tests.benchmarks.engine.tally import Tally, tell


def fold(state: dict[str, Any], event: Happening) -> dict[str, Any]:
    """Return the state with one more event in it; the table's own codec is JSON, so days are words."""
    days, features = state["days"], state["features"]
    day = str(event.day)
    state["total"] += event.count
    days[day] = days.get(day, 0) + event.count
    features[event.feature] = features.get(event.feature, 0) + event.count
    if len(days) > DAYS_KEPT:
        del days[min(days)]
    return state


def make_app(bootstrap: str, source: str, name: str, events: int, folder: str, what: str) -> Any:
    app = faust.App(
        name,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        web_enabled=False,
        datadir=folder,
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        consumer_auto_offset_reset="earliest",
    )
    topic = app.topic(source, value_type=bytes, value_serializer="raw", key_serializer="raw")
    table = app.Table("counts", partitions=PARTITIONS)
    decode = msgspec.json.Decoder(Happening).decode
    tally = Tally(events)

    @app.agent(topic)
    async def count(stream: Any) -> None:
        async for value in stream:
            event = decode(value)
            if what == "count":
                table[event.account] = (table.get(event.account) or 0) + event.count
            else:
                state = table.get(event.account) or {"total": 0, "days": {}, "features": {}}
                table[event.account] = fold(state, event)
            if tally.add(1):
                tell(tally.told)

    return app


if __name__ == "__main__":
    bootstrap, source, name, events, folder, what = sys.argv[1:]
    sys.argv[1:] = []
    app = make_app(bootstrap, source, name, int(events), folder, what)
    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()
