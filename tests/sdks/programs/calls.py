"""Makes the calls that it reads from its input, with the Python SDK whose client module is its argument.

Runs in an environment of its own, which has the SDK and nothing of truenorth. Prints what the SDK told of errors.
"""

import datetime as dt
import importlib
import json
import re
import sys
import time
from types import ModuleType


def main() -> None:
    asked = json.load(sys.stdin)
    module = importlib.import_module(sys.argv[1])
    if asked["ahead_seconds"]:
        _run_ahead(module, asked["ahead_seconds"])
    errors = []
    client = module.Client(
        asked["key"],
        host=asked["host"],
        on_error=lambda error, batch: errors.append({"error": str(error), "events": len(batch)}),
        **asked["options"],
    )
    for call in asked["calls"]:
        kind = call.pop("type")
        getattr(client, kind)(**{_snake(name): _value(name, value) for name, value in call.items()})
        time.sleep(asked["pause_ms"] / 1000)
    client.flush()
    client.join()
    json.dump({"errors": errors}, sys.stdout)


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda found: f"_{found.group().lower()}", name)


def _value(name: str, value: object) -> object:
    return dt.datetime.fromisoformat(str(value)) if name == "timestamp" else value


def _run_ahead(client: ModuleType, seconds: float) -> None:
    """Let the SDK see a clock that is wrong: its modules ask this one."""
    right = dt.datetime

    class Real(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, right)

    class Wrong(metaclass=Real):
        @staticmethod
        def now(tz: dt.tzinfo | None = None) -> dt.datetime:
            return right.now(tz) + dt.timedelta(seconds=seconds)

        @staticmethod
        def utcnow() -> dt.datetime:
            return Wrong.now(dt.UTC).replace(tzinfo=None)

    request = importlib.import_module(f"{client.__name__.rpartition('.')[0]}.request")
    for module in (client, request):
        vars(module)["datetime"] = Wrong


if __name__ == "__main__":
    main()
