"""Follows account health: the latest snapshot of every account, and each change of band as it happens.

``python consume.py [BOOTSTRAP]`` needs aiokafka and nothing of truenorth; Ctrl-C ends it.
"""

# ruff: noqa: INP001, T201 - a program to copy, which prints

import asyncio
import contextlib
import json
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer

SNAPSHOTS = "truenorth.health.v1"
CHANGES = "truenorth.health-changes.v1"

Consumer: Any = AIOKafkaConsumer  # aiokafka is half typed
Snapshot = dict[str, Any]
Snapshots = dict[str, Snapshot]
"""Account -> its latest snapshot."""


def data_of(value: bytes) -> dict[str, Any] | None:
    """Return what an event says; None, and a word about it, for no event: one bad record must not end a reader."""
    try:
        data: dict[str, Any] = json.loads(value)["data"]
    except (ValueError, KeyError, TypeError) as error:
        print(f"skipped what is no event: {error}", file=sys.stderr, flush=True)
        return None
    return data


def take_snapshot(snapshots: Snapshots, key: bytes, value: bytes | None) -> None:
    """Keep the snapshot unless a newer one is known; a null value says that the account was erased."""
    account = key.decode()
    if value is None:
        snapshots.pop(account, None)
    elif found := data_of(value):
        known = snapshots.get(account)
        if known is None or found["revision"] > known["revision"]:
            snapshots[account] = found


def words_for(change: dict[str, Any]) -> str | None:
    """Return a change of band in words; None for other kinds, a first band, and what is no news of the account's.

    Fields that have their default are left out of the JSON: read the optional ones with a default of your own.
    """
    if change["kind"] != "band" or not change["before"]:
        return None
    if change["cause"] in {"backfill", "definition"}:  # its past was loaded, or our rules changed
        return None
    sentence = "".join(run for run, _strong in change.get("sentence", {}).get("runs", []))
    drivers = [f"{one.get('text') or one['name']} {one['points']:+.1f}" for one in change.get("drivers", [])]
    name = change.get("name") or change["account"]
    return f"{name}: {change['before']} -> {change['after']}. {sentence} [{'; '.join(drivers)}]"


async def read_snapshots(consumer: Any, places: list[Any]) -> Snapshots:
    """Return the latest snapshot of every account: the compacted topic from its start to its present end."""
    snapshots: Snapshots = {}
    await consumer.seek_to_beginning(*places)
    ends = await consumer.end_offsets(places)
    while left := [place for place in places if await consumer.position(place) < ends[place]]:
        for records in (await consumer.getmany(*left, timeout_ms=1_000)).values():
            for record in records:
                take_snapshot(snapshots, record.key, record.value)
    return snapshots


async def follow(consumer: Any) -> None:
    """Say what is known, then each change of band as it comes; the snapshots stay the latest meanwhile."""
    places = {name: [place for place in consumer.assignment() if place.topic == name] for name in (SNAPSHOTS, CHANGES)}
    await consumer.seek_to_end(*places[CHANGES])  # noted before the snapshots are read, so that no change is lost
    snapshots = await read_snapshots(consumer, places[SNAPSHOTS])
    red = sum(snapshot["band"] == "red" for snapshot in snapshots.values())
    print(f"{len(snapshots)} accounts, {red} of them red", flush=True)
    async for record in consumer:
        if record.topic == SNAPSHOTS:
            take_snapshot(snapshots, record.key, record.value)
        elif record.value and (data := data_of(record.value)) and (words := words_for(data)):
            print(words, flush=True)


async def main(bootstrap: str) -> None:
    """Follow the health of the accounts on this broker, without a group: it has all partitions to itself."""
    consumer = Consumer(SNAPSHOTS, CHANGES, bootstrap_servers=bootstrap, isolation_level="read_committed")
    await consumer.start()
    try:
        await follow(consumer)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1] if sys.argv[1:] else "127.0.0.1:19092"))
