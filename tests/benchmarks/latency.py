"""From an event sent over HTTP to the score, and to the alert, through the running services."""

import asyncio
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from truenorth.clock import SystemClock
from truenorth.codec import parse_envelope, rfc3339
from truenorth.kafka.reader import read_topic
from truenorth.topics import full_name
from truenorth_local.stack import LocalStack

from tests.benchmarks.figures import cpu_seconds, metric, percentiles
from tests.benchmarks.http_client import Client
from tests.benchmarks.preload import account_id, put_definitions_in_force
from tests.benchmarks.watching import Watch, watching
from tests.ingest.running import RunningIngest, running_ingest

ACCOUNTS = 1_000
RATES = (100, 2_000)
SECONDS = 15.0
TICK_SECONDS = 0.01
WARMUP_RATE = 500
WARMUP_SECONDS = 5.0
CROSSINGS = 150
QUIET_SECONDS = 4.0
SETTLED_SECONDS_MAX = 90.0
DRAIN_SECONDS = 8.0
DAY_MS = 86_400_000

FACTS = {"name": "Bench", "owner_id": "dana.reyes", "arr": 2_400_000, "modules": ["a"]}
BUSY = [account_id(number) for number in range(ACCOUNTS)]
CROSSING = [account_id(ACCOUNTS + number) for number in range(CROSSINGS * len(RATES))]

Event = dict[str, Any]


def measure(stack: LocalStack) -> dict[str, Any]:
    """Return the figures at each rate, on the same accounts."""
    clock = SystemClock()
    asyncio.run(put_definitions_in_force(stack.bootstrap, clock))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stopping:
        ingest = stopping.enter_context(running_ingest(stack, Path(folder)))
        for name in ("health", "playbooks", "notify"):
            stack.migrate(name)
            stack.start_service(name)
            stopping.callback(stack.stop_service, name)
        return asyncio.run(_measured(stack, ingest, clock))


async def _measured(stack: LocalStack, ingest: RunningIngest, clock: SystemClock) -> dict[str, Any]:
    figures: dict[str, Any] = {"accounts": ACCOUNTS, "seconds_per_rate": SECONDS}
    client = Client(int(ingest.url.rpartition(":")[2]), ingest.key)
    async with watching(stack.bootstrap, clock) as watch:
        sender = Sender(client, clock)
        await _settle(sender, watch, clock)
        crossing = iter(CROSSING)
        await _drive(sender, WARMUP_RATE, WARMUP_SECONDS, iter(()), {})
        for rate in RATES:
            figures[f"{rate}_events_per_second"] = await _at_rate(stack, sender, watch, rate, crossing)
    await client.close()
    return figures


class Sender:
    """Sends events through the edge and remembers when each left."""

    def __init__(self, client: Client, clock: SystemClock) -> None:
        self._client = client
        self.clock = clock
        self._numbers = itertools.count()
        self.left: dict[str, tuple[str, float]] = {}
        self.took: list[float] = []

    def event(self, event_type: str, account: str, data: dict[str, Any]) -> Event:
        """Return a new event that happens now."""
        now = rfc3339(self.clock.now_ms())
        event_id = f"bench-{next(self._numbers)}"
        return {"id": event_id, "source": "bench", "type": event_type, "subject": account, "time": now, "data": data}

    async def send(self, events: list[Event]) -> None:
        """Send a batch; every event of it must be accepted."""
        now = self.clock.monotonic()
        for event in events:
            self.left[event["id"]] = (event["subject"], now)
        status, answer = await self._client.post("/v1/events", events)
        if status != 200 or answer["rejected"]:
            raise RuntimeError(f"not taken: {status} {answer}")
        self.took.append(self.clock.monotonic() - now)


async def _settle(sender: Sender, watch: Watch, clock: SystemClock) -> None:
    """Found all accounts, and bring those that are to cross the line close to it, on its green side."""
    due = rfc3339(clock.now_ms() - 40 * DAY_MS)[:10]
    signed_up = rfc3339(clock.now_ms() - 300 * DAY_MS)[:10]  # how many seats should be in use depends on the age
    for accounts, seats in ((BUSY, 60), (CROSSING, 8)):
        await _to_each(sender, accounts, "account.updated", FACTS | {"seats": seats, "signed_up_on": signed_up})
        for user in range(8):
            await _to_each(
                sender, accounts, "usage.recorded", {"feature": f"f{user}", "actor": f"{user}", "module": "a"}
            )
    await _to_each(sender, CROSSING, "invoice.overdue", {"invoice_id": "i1", "due_on": due})
    for attempt in range(3):
        await _to_each(sender, CROSSING, "payment.failed", {"invoice_id": f"p{attempt}"})
    for ticket in ("t1", "t2"):
        await _to_each(sender, CROSSING, "ticket.opened", {"ticket_id": ticket})
    await _until(clock, lambda: len(watch.bands) == len(BUSY) + len(CROSSING))
    await asyncio.sleep(QUIET_SECONDS)
    if others := {watch.bands[account] for account in CROSSING} - {"green"}:
        raise RuntimeError(
            f"the definitions have changed: accounts that should be green and near the line are {others}"
        )


async def _to_each(sender: Sender, accounts: list[str], event_type: str, data: dict[str, Any]) -> None:
    for first in range(0, len(accounts), 100):
        await sender.send([sender.event(event_type, account, data) for account in accounts[first : first + 100]])


async def _until(clock: SystemClock, reached: Callable[[], bool]) -> None:
    until = clock.monotonic() + SETTLED_SECONDS_MAX
    while not reached():
        if clock.monotonic() > until:
            raise RuntimeError("the accounts did not settle in time")
        await asyncio.sleep(0.1)


async def _at_rate(
    stack: LocalStack, sender: Sender, watch: Watch, rate: int, crossing: Iterator[str]
) -> dict[str, Any]:
    """Send at ``rate``, wait until all has come out, and return how long it took."""
    sender.left.clear()
    sender.took.clear()
    crossed: dict[str, float] = {}
    began = sender.clock.monotonic()
    used = _cpu_of_parts(stack)
    flushed = _flushes(stack)
    behind = await _drive(sender, rate, SECONDS, crossing, crossed)
    took = sender.clock.monotonic() - began
    sent = len(sender.left)
    await asyncio.sleep(DRAIN_SECONDS)
    flushes, seconds = (after - before for after, before in zip(_flushes(stack), flushed, strict=True))
    cores = {part: round(max(0.0, cpu - used[part]) / took, 2) for part, cpu in _cpu_of_parts(stack).items()}
    return {
        "events_sent": sent,
        "events_sent_per_second": round(sent / took),
        "sender_late_ms": percentiles(behind),
        "cores_used": cores,
        "health_flushes": {"n": round(flushes), "mean_ms": round(seconds / max(1, flushes) * 1000, 1)},
        "event_to_acknowledgement_ms": percentiles(sender.took),
        "event_to_score_ms": percentiles(await _to_score(stack, sender, watch)),
        "crossings_sent": len(crossed),
        "crossing_to_band_change_ms": percentiles(_first_after(crossed, watch.changes)),
        "crossing_to_alert_ms": percentiles(_first_after(crossed, watch.alerts)),
        "crossing_to_feed_ms": percentiles(_first_after(crossed, watch.feed)),
    }


def _flushes(stack: LocalStack) -> tuple[float, float]:
    """Return how many flushes health has committed so far, and how many seconds they took together."""
    told = httpx.get(f"{stack.telemetry_url('health')}/metrics", timeout=10).text
    return metric(told, "truenorth_health_flush_seconds_count"), metric(told, "truenorth_health_flush_seconds_sum")


def _cpu_of_parts(stack: LocalStack) -> dict[str, float]:
    """Return the processor seconds of every part of the stack so far."""
    return {name.partition("-")[0]: cpu_seconds(process.pid) for name, process in stack.processes.items()}


async def _drive(
    sender: Sender, rate: int, seconds: float, crossing: Iterator[str], crossed: dict[str, float]
) -> list[float]:
    """Send usage at ``rate`` and, spread over the same time, the survey answers that cross the line.

    A request goes out at its time whether or not earlier ones are answered. Returns by how many seconds each tick
    was late: when that is much, the sender and not the pipe was too slow.
    """
    behind: list[float] = []
    began = sender.clock.monotonic()
    ticks_per_crossing = round(SECONDS / TICK_SECONDS / CROSSINGS)
    async with asyncio.TaskGroup() as jobs:
        for tick in range(round(seconds / TICK_SECONDS)):
            due = began + tick * TICK_SECONDS
            await asyncio.sleep(max(0.0, due - sender.clock.monotonic()))
            behind.append(sender.clock.monotonic() - due)
            numbers = range(round(tick * TICK_SECONDS * rate), round((tick + 1) * TICK_SECONDS * rate))
            jobs.create_task(sender.send([_usage(sender, rate, number) for number in numbers]))
            account = next(crossing, None) if tick % ticks_per_crossing == 0 else None
            if account is not None:
                crossed[account] = sender.clock.monotonic()
                jobs.create_task(sender.send([sender.event("survey.answered", account, {"kind": "nps", "score": 0})]))
    return behind


def _usage(sender: Sender, rate: int, number: int) -> Event:
    """Every event is by a person not seen before, so that each of them moves a shown measure."""
    data = {"feature": f"feature-{number % 40}", "actor": f"{rate}-{number}", "module": "a"}
    return sender.event("usage.recorded", account_id(number % ACCOUNTS), data)


async def _to_score(stack: LocalStack, sender: Sender, watch: Watch) -> list[float]:
    """Return, for each usage event, how long until a reader had the first snapshot that includes it."""
    found: list[float] = []
    async for record in read_topic(stack.bootstrap, full_name("usage")):
        sent = sender.left.get(parse_envelope(record.value or b"").id)
        if sent is None:
            continue
        account, at = sent
        seen = next((moment for moment, offset in watch.snapshots[account] if offset >= record.offset), None)
        if seen is not None:
            found.append(seen - at)
    return found


def _first_after(starts: dict[str, float], arrivals: dict[str, list[float]]) -> list[float]:
    found: list[float] = []
    for account, start in starts.items():
        after = [moment for moment in arrivals[account] if moment >= start]
        if after:
            found.append(after[0] - start)
    return found
