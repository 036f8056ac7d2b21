"""A worker process for tests that kill it: the counting processor on a real broker, until SIGTERM.

Usage: python -m tests.conformance.worker BOOTSTRAP PREFIX GROUP [SOURCES]
"""

import asyncio
import signal
import sys

from truenorth.clock import SystemClock
from truenorth.kafka.log import KafkaLog
from truenorth.streams.engine import Engine
from truenorth.streams.hooks import NoHooks

from tests.conformance.accounts import processor


def tell(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


class Told(NoHooks):
    """Tells on standard output what must not happen, and what a test waits for."""

    def refolded(self, count: int) -> None:
        tell("REFOLDED", count)

    def restored(self, partition: int, records: int, seconds: float) -> None:
        tell("OPEN", partition, records, f"{seconds:.3f}")

    def dropped(self, partition: int, reason: str) -> None:
        tell("DROPPED", partition, reason)


async def main(bootstrap: str, prefix: str, group: str, sources: int) -> None:
    engine = Engine(
        KafkaLog(bootstrap, client_id="worker"),
        processor(prefix, sources=sources),
        group=group,
        clock=SystemClock(),
        hooks=Told(),
    )
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await engine.start()
    run = asyncio.create_task(engine.run())
    await asyncio.wait([run, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
    if not run.done():
        await engine.stop()
    await run


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 2))
