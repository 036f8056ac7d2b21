"""A loop that halts leaves the door open, one that crashes does not, and all of them end when they are asked to."""

import asyncio

import pytest
from truenorth.clock import SystemClock
from truenorth.errors import HaltError
from truenorth.lifecycle import Part, run_service
from truenorth_ingest.handlers.hearing import Hearing
from truenorth_ingest.worker_parts import apart

from tests.ingest.doubles import Edge


async def test_a_halted_loop_stops_nothing_but_itself() -> None:
    halted: list[str] = []
    stopping = asyncio.Event()

    async def halts() -> None:
        raise HaltError("its place is gone")

    def note(part: str) -> None:
        halted.append(part)
        asyncio.get_running_loop().call_later(0.01, stopping.set)

    assert await run_service(apart(Part("consumer", run=halts), note), stopping=stopping) == 0
    assert halted == ["consumer"]


async def test_a_loop_that_crashes_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    async def crashes() -> None:
        raise KeyError("a defect")

    assert await run_service(apart(Part("consumer", run=crashes), lambda _: None)) == 1
    assert "ended unexpectedly" in caplog.text


async def test_what_listens_for_connectors_ends_as_soon_as_it_is_asked_to() -> None:
    edge = Edge()
    hearing = Hearing(edge.heard, edge.webhooks.connectors, SystemClock(), edge.meter)
    running = asyncio.create_task(hearing.run())
    await asyncio.sleep(0)
    await hearing.stop()
    async with asyncio.timeout(5):
        await running
