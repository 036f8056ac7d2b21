"""Topics filled before a measurement begins: accounts with their facts, and a month of their usage."""

from pathlib import Path

from truenorth.clock import MILLIS_PER_DAY, Clock
from truenorth.codec import encode
from truenorth.definitions.apply import put_in_force
from truenorth.definitions.parse import load_directory
from truenorth.events.inputs import AccountUpdated, UsageRecorded
from truenorth.events.payload import PayloadStruct
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.topics import full_name

CONFIG = Path(__file__).parents[2] / "config"
DAYS = 28
CHUNK = 5_000


async def put_definitions_in_force(bootstrap: str, clock: Clock) -> None:
    """Apply the example definitions."""
    await put_in_force(bootstrap, load_directory(CONFIG), current=None, clock=clock)


async def fill(bootstrap: str, clock: Clock, *, accounts: int, usage_events: int) -> int:
    """Write the facts of ``accounts`` and then ``usage_events`` over the last four weeks; return how many records."""
    producer = LanesProducer(bootstrap, clock=clock, client_id="bench-preload")
    await producer.start()
    now_ms = clock.now_ms()
    try:
        for first in range(0, accounts, CHUNK):
            chunk = range(first, min(first + CHUNK, accounts))
            await producer.send_many(
                [_record("accounts", n, _facts(n), n, now_ms - DAYS * MILLIS_PER_DAY) for n in chunk]
            )
        for first in range(0, usage_events, CHUNK):
            chunk = range(first, min(first + CHUNK, usage_events))
            await producer.send_many(
                [_record("usage", n % accounts, _usage(n), n, _when(n, usage_events, now_ms)) for n in chunk]
            )
    finally:
        await producer.stop()
    return accounts + usage_events


def account_id(number: int) -> str:
    """Return the id of the ``number``-th account."""
    return f"acct-{number:06d}"


def _when(number: int, of: int, now_ms: int) -> int:
    """Spread the events over the four weeks, oldest first."""
    return now_ms - DAYS * MILLIS_PER_DAY + number * (DAYS * MILLIS_PER_DAY - 1000) // of


def _facts(number: int) -> AccountUpdated:
    return AccountUpdated(name=f"Account {number}", owner_id="dana.reyes", arr=2_400_000, seats=40, modules=["a", "b"])


def _usage(number: int) -> UsageRecorded:
    return UsageRecorded(
        feature=f"feature-{number % 40}", count=1 + number % 3, actor=f"user-{number % 977}", module="a"
    )


def _record(topic: str, account: int, payload: PayloadStruct, number: int, time_ms: int) -> Outgoing:
    key = account_id(account)
    value = encode(payload, event_id=f"{topic}-{number}", source="bench", account=key, time_ms=time_ms)
    return Outgoing(full_name(topic), key.encode(), value)
