"""The same fold on Quix Streams with state. Runs in a virtual environment of its own, with nothing of the product.

``python quix.py BOOTSTRAP SOURCE NAME EVENTS FOLDER`` prints JSON when it has seen so many events.
"""

import json
import os
import sys
import time
from typing import Any

from quixstreams import Application, State

DAYS_KEPT = 28


def main(bootstrap: str, source: str, name: str, events: int, folder: str) -> None:
    app = Application(
        broker_address=bootstrap,
        consumer_group=name,
        auto_offset_reset="earliest",
        state_dir=folder,
        loglevel="ERROR",
    )
    seen = 0
    began = (0.0, 0.0)

    def fold(event: dict[str, Any], state: State) -> dict[str, Any]:
        nonlocal seen, began
        if not seen:
            began = time.monotonic(), time.process_time()
        kept = state.get("counts") or {"total": 0, "days": {}, "features": {}}
        days, features = kept["days"], kept["features"]
        day, feature, count = str(event["day"]), event["feature"], event["count"]
        kept["total"] += count
        days[day] = days.get(day, 0) + count
        features[feature] = features.get(feature, 0) + count
        if len(days) > DAYS_KEPT:
            del days[min(days)]
        state.set("counts", kept)
        seen += 1
        if seen == events:
            seconds, cpu = time.monotonic() - began[0], time.process_time() - began[1]
            told = {
                "events": events,
                "seconds": round(seconds, 2),
                "cpu_seconds": round(cpu, 2),
                "events_per_second": round(events / seconds),
                "events_per_cpu_second": round(events / cpu),
            }
            os.write(sys.stdout.fileno(), json.dumps(told).encode() + b"\n")
        return kept

    frame = app.dataframe(app.topic(source, value_deserializer="json", key_deserializer="str"))
    frame.apply(fold, stateful=True)
    app.run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
