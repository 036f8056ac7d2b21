"""How a console lives: streams that end, read models that go on and are rebuilt, on real parts."""

import asyncio
import json

import httpx
import pytest
from truenorth import ids
from truenorth.clock import SystemClock
from truenorth_local.stack import LocalStack

from tests.console.bench import Console, eventually, running
from tests.console.builders import alert, entry, snapshot

pytestmark = pytest.mark.integration

STREAMS = 20


async def names(console: Console) -> set[str]:
    async with httpx.AsyncClient(base_url=console.url) as client:
        rows = (await client.get("/api/accounts", params={"owner": "dana.reyes"})).json()["accounts"]
    return {one["account"] for one in rows}


async def test_open_pages_hear_of_changes_and_do_not_hold_up_the_stop(stack: LocalStack) -> None:
    account = f"acc-{ids.random_id()[:8]}"
    heard: asyncio.Queue[dict[str, int]] = asyncio.Queue()
    opened = asyncio.Event()

    async def listen(console: Console) -> None:
        async with console.person() as client, client.stream("GET", f"/live?account={account}") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    opened.set()
                    heard.put_nowait(json.loads(line.removeprefix("data: ")))

    async with asyncio.timeout(90):
        async with running(stack) as console:
            listeners = [asyncio.create_task(listen(console)) for _ in range(STREAMS)]
            await opened.wait()
            while heard.qsize() < STREAMS:
                await asyncio.sleep(0.02)
            now_ms = SystemClock().now_ms()
            await console.say(account, snapshot(account, now_ms), entry(alert(account, now_ms)))

            async def told() -> bool:
                counts = await heard.get()
                return bool(counts["book"] and counts["inbox"] and counts["account"])

            await eventually(told)
        await asyncio.gather(*listeners, return_exceptions=True)  # a stream lives ten minutes unless the stop ends it


async def test_read_models_go_on_where_they_were_and_are_rebuilt_without_their_places(stack: LocalStack) -> None:
    database_url = stack.new_database()
    first, second = (f"acc-{ids.random_id()[:8]}" for _ in range(2))
    async with running(stack, database_url) as console:
        await console.say(first, snapshot(first, SystemClock().now_ms()))
        await eventually(lambda: _has(console, first))
        await console.say(second, snapshot(second, SystemClock().now_ms()))
    async with running(stack, database_url) as console:
        await eventually(lambda: _has(console, second))
        assert first in await names(console)
    async with running(stack) as console:  # an empty database
        assert {first, second} <= await names(console)


async def _has(console: Console, account: str) -> bool:
    return account in await names(console)
