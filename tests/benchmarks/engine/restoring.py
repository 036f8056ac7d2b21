"""How long it takes to open all partitions on a changelog of a given size."""

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.records import Record, partition_of
from truenorth.streams.counting import DAYS_KEPT, Counts
from truenorth.streams.log import Entry
from truenorth.streams.processor import Item
from truenorth.streams.records import OWN_PART, encode_own, entry_key
from truenorth.streams.seen import PAGE_ENTRIES, SeenRing
from truenorth_local.stack import LocalStack

from tests.benchmarks.engine import contest
from tests.benchmarks.engine.load import DAY_FIRST, FEATURES, PARTITIONS, account_id, make_topics

BUSY_ACCOUNTS = 1_000
BUSY_RECORDS = 400_000
COLD_ACCOUNTS = 100_000
ENTRIES_AT_ONCE = 5_000
SECOND = 1_790_000_000

_encode = msgspec.msgpack.Encoder().encode


def measure(stack: LocalStack) -> dict[str, Any]:
    """Return the figures for 1,000 busy accounts, uncompacted, and for 100,000 cold ones with one record each."""
    flushes = BUSY_RECORDS // (2 * BUSY_ACCOUNTS)
    busy = _run(stack, "bench-restore-busy", _busy(flushes))
    cold = _run(stack, "bench-restore-cold", ((n, OWN_PART, _own(n, days=3)) for n in range(COLD_ACCOUNTS)))
    stands_for = (
        f"{flushes} flushes of each of {BUSY_ACCOUNTS} accounts, uncompacted: at one flush a second the last"
        f" {flushes} s; a day's 86,400 flushes leave what compaction has not come to yet"
    )
    return {
        "busy_accounts": {"accounts": BUSY_ACCOUNTS, "stands_for": stands_for, **busy},
        "cold_accounts": {"accounts": COLD_ACCOUNTS, **cold},
    }


def _own(offset: int, *, days: int) -> bytes:
    counts = Counts(
        total=offset,
        days={DAY_FIRST + n: n + 1 for n in range(days)},
        features={f"feature-{n:02d}": n + 1 for n in range(FEATURES if days > 3 else 3)},
    )
    return encode_own([offset], None, schema=1, core=_encode(counts))


def _busy(flushes: int) -> Iterator[tuple[int, str, bytes]]:
    """Yield what a flush of a busy account writes: its own part, and the page of ids it is at, half full."""
    ring = SeenRing()
    record = Record("", 0, 0, None, None, SECOND * 1000)
    ring.fresh([Item(record, n.to_bytes(8, "big"), None) for n in range(PAGE_ENTRIES // 2)])
    page = bytes(ring.pages[0])
    for flush in range(flushes):
        own = _own(flush, days=DAYS_KEPT)
        for number in range(BUSY_ACCOUNTS):
            yield number, OWN_PART, own
            yield number, "\x010.0", page


def _run(stack: LocalStack, topic: str, entries: Iterator[tuple[int, str, bytes]]) -> dict[str, Any]:
    source = f"{topic}-source"
    written = asyncio.run(_write(stack.bootstrap, source, topic, entries))
    command = [sys.executable, "-m", "tests.benchmarks.engine.ours", stack.bootstrap, source, topic, "-", "0", "ids"]
    opened: list[dict[str, Any]] = []
    with contest.start(command, stack.environment, stack.places.logs / "restore.log") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"opened"'):
                opened.append(json.loads(line))
            if len(opened) == PARTITIONS:
                break
        process.kill()
    records = sum(one["records"] for one in opened)
    seconds, cpu = max(one["seconds"] for one in opened), max(one["cpu_seconds"] for one in opened)
    return {
        "records": records,
        "bytes": written,
        "seconds_of_opening": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "records_per_second": round(records / seconds),
        "records_per_cpu_second": round(records / cpu),
        "megabytes_per_second": round(written / seconds / 1e6, 1),
    }


async def _write(bootstrap: str, source: str, topic: str, entries: Iterator[tuple[int, str, bytes]]) -> int:
    """Write a changelog as the engine's flushes do: transactions on the account's partition. Return its bytes."""
    await make_topics(bootstrap, source)
    await make_topics(bootstrap, topic, compacted=True)
    log = KafkaLog(bootstrap, client_id="bench-restore")
    writers = [await log.open_writer(f"{topic}-{number}") for number in range(PARTITIONS)]
    waiting: list[list[Entry]] = [[] for _ in writers]
    written = 0

    async def commit(number: int) -> None:
        entries, waiting[number] = waiting[number], []
        if entries:
            await writers[number].commit({(topic, number): entries})

    for account, part, value in entries:
        key = entry_key(account_id(account), part)
        number = partition_of(account_id(account).encode(), PARTITIONS)
        waiting[number].append(Entry(key, value))
        written += len(key) + len(value)
        if len(waiting[number]) == ENTRIES_AT_ONCE:
            await commit(number)
    for number, writer in enumerate(writers):
        await commit(number)
        await writer.close()
    return written
