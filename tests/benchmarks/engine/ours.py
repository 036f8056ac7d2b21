"""The engine with the counting processor, on the real broker.

``python -m tests.benchmarks.engine.ours BOOTSTRAP SOURCE CHANGELOG OUT EVENTS IDS`` works until it has committed so
many events, prints JSON and ends; with 0 EVENTS it works until SIGTERM and tells how far it is. OUT is ``-`` for none.
IDS is ``ids`` for telling a sender's duplicates apart, as the product does, or ``-`` for the fold alone, as the others
do it.
"""

import asyncio
import os
import signal
import sys

import msgspec
from truenorth.clock import SystemClock
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.records import Record
from truenorth.streams.counting import CountingProcessor, Happening
from truenorth.streams.engine import Engine
from truenorth.streams.hooks import Flushed, NoHooks, Stage
from truenorth.streams.processor import Decoded

from tests.benchmarks.engine.tally import Tally, tell
from tests.benchmarks.figures import cpu_seconds

DEAD_LETTERS = "bench-dead-letters"


_decode = msgspec.json.Decoder(Happening).decode
_new = tuple.__new__


class WithoutIds(CountingProcessor):
    """Counts every event, also one that was sent twice."""

    def decode(self, source: int, record: Record) -> Decoded:
        event = _decode(record.value or b"")
        return _new(Decoded, (event.account, None, event))


class Counting(NoHooks):
    """Counts from the first record that was polled to the last that was committed."""

    def __init__(self, events: int) -> None:
        self.endless = not events
        self.tally = Tally(events)
        self.all_done = asyncio.Event()
        self.stages: dict[str, float] = {}
        self.flushes = 0
        self._cpu_before = cpu_seconds(os.getpid())

    def polled(self, records: int) -> None:
        self.tally.begin()

    def spent(self, stage: Stage, seconds: float) -> None:
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds

    def restored(self, partition: int, records: int, seconds: float) -> None:
        cpu = cpu_seconds(os.getpid()) - self._cpu_before
        tell({"opened": partition, "records": records, "seconds": seconds, "cpu_seconds": cpu})

    def flushed(self, flush: Flushed) -> None:
        self.flushes += 1
        if self.endless:
            self.tally.add(flush.events)
            tell({"folded": self.tally.seen})
            return
        if not self.tally.add(flush.events):
            return
        stages = {stage: round(seconds, 2) for stage, seconds in self.stages.items()}
        tell({**self.tally.told, "flushes": self.flushes, "seconds_in": stages})
        self.all_done.set()


async def main(bootstrap: str, source: str, changelog: str, out: str, events: int, ids: str) -> None:
    hooks = Counting(events)
    kind = CountingProcessor if ids == "ids" else WithoutIds
    processor = kind([source], changelog, DEAD_LETTERS, None if out == "-" else out)
    log = KafkaLog(bootstrap, client_id="bench-ours")
    engine = Engine(log, processor, group=changelog, clock=SystemClock(), hooks=hooks)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, hooks.all_done.set)
    await engine.start()
    run = asyncio.create_task(engine.run())
    done = asyncio.create_task(hooks.all_done.wait())
    await asyncio.wait([run, done], return_when=asyncio.FIRST_COMPLETED)
    if not run.done():
        await engine.stop()
    await run


if __name__ == "__main__":
    bootstrap, source, changelog, out, events, ids = sys.argv[1:]
    asyncio.run(main(bootstrap, source, changelog, out, int(events), ids))
