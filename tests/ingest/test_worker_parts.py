"""A loop that halts leaves the door open; one that crashes does not."""

import asyncio

import pytest
from truenorth.errors import HaltError
from truenorth.lifecycle import Part, run_service
from truenorth_ingest.worker_parts import apart


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
