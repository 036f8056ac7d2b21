"""Work that takes too long ends; work that does not is left alone, and so is who was cancelled by somebody else."""

import asyncio

import pytest
from truenorth_ingest.handlers.deadlines import Deadlines


async def _work(deadlines: Deadlines, seconds: float) -> str:
    with deadlines.within():
        await asyncio.sleep(seconds)
    return "done"


async def test_what_takes_too_long_ends_and_the_rest_does_not() -> None:
    deadlines = Deadlines(0.02)
    quick, slow = asyncio.create_task(_work(deadlines, 0)), asyncio.create_task(_work(deadlines, 30))
    outcomes = await asyncio.gather(quick, slow, return_exceptions=True)
    assert outcomes[0] == "done"
    assert isinstance(outcomes[1], TimeoutError)
    assert not deadlines._until
    assert not deadlines._late


async def test_a_task_that_was_late_once_goes_on_and_may_be_late_again() -> None:
    deadlines = Deadlines(0.01)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await _work(deadlines, 30)
    assert await _work(deadlines, 0) == "done"


async def test_who_is_cancelled_by_somebody_else_is_cancelled() -> None:
    deadlines = Deadlines(30)
    task = asyncio.create_task(_work(deadlines, 30))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not deadlines._until


async def test_another_error_comes_out_as_it_is() -> None:
    deadlines = Deadlines(30)
    with pytest.raises(KeyError), deadlines.within():
        raise KeyError("x")
