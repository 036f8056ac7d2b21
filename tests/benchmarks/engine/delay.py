"""From the moment the broker took an event in to the moment a read_committed reader has the total that includes it."""

import asyncio
import json
import signal
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from truenorth.clock import SystemClock
from truenorth.kafka import Outgoing, Record
from truenorth.kafka.consumer import ConsumerLoop
from truenorth.kafka.producer import LanesProducer
from truenorth_local.stack import LocalStack

from tests.benchmarks.engine import contest
from tests.benchmarks.engine.load import make_topics
from tests.benchmarks.figures import load, percentiles

RATES = (100, 2_000, 10_000)
SECONDS = 15.0
WARM_SECONDS = 3.0
DRAIN_SECONDS = 3.0
TICK_SECONDS = 0.01
ACCOUNTS = 1_000
SOURCE, CHANGELOG, OUT = "bench-delay", "bench-delay-changelog", "bench-delay-out"


class Watch:
    """When each total of each account was there to be read."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self.arrived: dict[str, list[tuple[float, int]]] = defaultdict(list)

    async def handle(self, records: Sequence[Record]) -> None:
        now = self._clock.monotonic()
        for record in records:
            told = json.loads(record.value or b"")
            self.arrived[told["account"]].append((now, told["total"]))


def measure(stack: LocalStack) -> dict[str, Any]:
    """Return the percentiles at each rate, through one worker on a core of its own."""
    return asyncio.run(_measure(stack))


async def _measure(stack: LocalStack) -> dict[str, Any]:
    clock, broker = SystemClock(), stack.bootstrap
    await make_topics(broker, SOURCE, OUT)
    await make_topics(broker, CHANGELOG, compacted=True)
    command = [sys.executable, "-m", "tests.benchmarks.engine.ours", broker, SOURCE, CHANGELOG, OUT, "0", "ids"]
    watch = Watch(clock)
    loop = ConsumerLoop(broker, None, [OUT], watch.handle, clock=clock, client_id="bench-delay")
    producer = LanesProducer(broker, clock=clock, client_id="bench-delay-send")
    with contest.start(command, stack.environment, stack.places.logs / "delay.log") as worker:
        reading = asyncio.to_thread(worker.communicate)  # so that what it tells does not fill the pipe
        told = asyncio.create_task(reading)
        await loop.start()
        running = asyncio.create_task(loop.run())
        await producer.start()
        figures = {}
        for rate in RATES:
            await _send(producer, clock, rate, WARM_SECONDS, f"warm{rate}")
            taken = await _send(producer, clock, rate, SECONDS, f"r{rate}")
            await asyncio.sleep(DRAIN_SECONDS)
            figures[f"{rate}_per_second"] = {"machine_load_1_min": load(), **_figures(taken, watch)}
        await producer.stop()
        await loop.stop()
        await running
        worker.send_signal(signal.SIGTERM)
        await told
    return figures


async def _send(
    producer: LanesProducer, clock: SystemClock, rate: int, seconds: float, prefix: str
) -> dict[str, list[float]]:
    """Send at ``rate``, not waiting for answers; return per account when each of its events was acknowledged."""
    taken: dict[str, list[float]] = defaultdict(list)

    async def send(numbers: range) -> None:
        accounts = [f"{prefix}-{number % ACCOUNTS:04d}" for number in numbers]
        made = zip(numbers, accounts, strict=True)
        await producer.send_many([Outgoing(SOURCE, name.encode(), _event(prefix, n, name)) for n, name in made])
        now = clock.monotonic()
        for account in accounts:
            taken[account].append(now)

    began = clock.monotonic()
    async with asyncio.TaskGroup() as jobs:
        for tick in range(round(seconds / TICK_SECONDS)):
            await asyncio.sleep(max(0.0, began + tick * TICK_SECONDS - clock.monotonic()))
            numbers = range(round(tick * TICK_SECONDS * rate), round((tick + 1) * TICK_SECONDS * rate))
            if numbers:
                jobs.create_task(send(numbers))
    return taken


def _event(prefix: str, number: int, account: str) -> bytes:
    return json.dumps(
        {"id": f"{prefix}-{number}", "account": account, "day": 20_700, "feature": f"feature-{number % 40}"}
    ).encode()


def _figures(taken: dict[str, list[float]], watch: Watch) -> dict[str, Any]:
    """Return the percentiles; the ``n``-th event of an account is in the first total of at least ``n``."""
    found, missing = [], 0
    for account, moments in taken.items():
        arrivals = iter(watch.arrived[account])
        at, total = next(arrivals, (0.0, -1))
        for number, moment in enumerate(sorted(moments), 1):
            while 0 <= total < number:
                at, total = next(arrivals, (0.0, -1))
            if total < 0:
                missing += 1
            else:
                found.append(max(0.0, at - moment))
    return {"acceptance_to_output_ms": percentiles(found), "events_without_output": missing}
