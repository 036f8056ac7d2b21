"""A service starts in order, stops in reverse, and never lives on with a dead half."""

import asyncio
import os
import signal

import pytest
from truenorth.lifecycle import Part, run_service


class Probe:
    """A part that writes down what happens to it."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name = name
        self._seen = seen
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        self._seen.append(f"start {self.name}")

    async def run(self) -> None:
        await self._stopped.wait()

    async def stop(self) -> None:
        self._seen.append(f"stop {self.name}")
        self._stopped.set()


async def test_parts_start_in_order_and_stop_in_reverse() -> None:
    seen: list[str] = []
    asked = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, asked.set)
    code = await run_service(Part.of("a", Probe("a", seen)), Part.of("b", Probe("b", seen)), stopping=asked)
    assert code == 0
    assert seen == ["start a", "start b", "stop b", "stop a"]


async def test_sigterm_stops_cleanly() -> None:
    seen: list[str] = []
    asyncio.get_running_loop().call_later(0.02, os.kill, os.getpid(), signal.SIGTERM)
    assert await run_service(Part.of("a", Probe("a", seen))) == 0
    assert seen == ["start a", "stop a"]


async def test_a_part_that_ends_by_itself_ends_the_service_with_one_line(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    async def fail() -> None:
        raise RuntimeError("the broker is on fire")

    code = await run_service(Part.of("a", Probe("a", seen)), Part("b", run=fail))
    assert code == 1
    assert seen == ["start a", "stop a"]
    assert [r.getMessage() for r in caplog.records] == ["b ended unexpectedly: RuntimeError: the broker is on fire"]


async def test_a_part_that_just_returns_is_a_failure_too() -> None:
    async def ends() -> None:
        await asyncio.sleep(0)

    assert await run_service(Part("a", run=ends)) == 1


async def test_what_failed_to_start_stops_what_was_up() -> None:
    seen: list[str] = []

    async def fail() -> None:
        raise RuntimeError("no")

    assert await run_service(Part.of("a", Probe("a", seen)), Part("b", start=fail)) == 1
    assert seen == ["start a", "stop a"]


async def test_a_start_that_hangs_is_given_up() -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    assert await run_service(Part("a", start=hang, start_within_s=0.02)) == 1


async def test_a_stop_asked_for_during_a_slow_start_is_no_failure() -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    asked = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, asked.set)
    assert await run_service(Part("a", start=hang), stopping=asked) == 0


async def test_a_part_that_does_not_stop_is_cancelled_at_its_deadline() -> None:
    cancelled = False

    async def stubborn() -> None:
        nonlocal cancelled
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled = True
            raise

    async def stop() -> None:
        await asyncio.sleep(0)

    asked = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, asked.set)
    assert await run_service(Part("a", run=stubborn, stop=stop, stop_within_s=0.05), stopping=asked) == 0
    assert cancelled
